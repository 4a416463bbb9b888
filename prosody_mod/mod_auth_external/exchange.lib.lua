-- exchange.lib.lua: one HTTP request and its answer, or the reason why there is none, in bounded time.
-- net.http itself waits up to 14 minutes.  Needs an async context (util.async).
-- This file is MIT licensed; see LICENSE.

local async = require "util.async";
local http = require "net.http";
local json = require "util.json";
local monotonic = require "util.time".monotonic;
local timer = require "util.timer";

local watch_interval = 0.5; -- seconds
local max_answer = 8 * 1024; -- bytes

-- A connection that ends between the head and the body of an answer is reported to nobody.
local function is_gone(request)
	return request and request.conn and not request.conn:socket();
end

-- `options` are net.http's.  Returns body, code, headers, and our own address in that connection (nil
-- where Prosody's network backend does not tell); without an answer its reason and 0, and the reason is
-- "timeout" if `seconds` were over.
-- `call` is for a caller who wants an answer of more than 8 KiB (max_answer) or wants to give up early: it
-- gets a function abandon(reason).
-- Each request has a connection of its own: a pooled one may bring somebody else's answer.
local function exchange(url, options, seconds, call)
	local wait, done = async.waiter();
	local started = monotonic();
	local answer, watch, request;
	local function finish(body, code, response)
		if answer then return; end
		answer = { body = body, code = code, headers = code ~= 0 and response and response.headers or nil };
		answer.address = request and request.conn and request.conn.sockname;
		timer.stop(watch);
		done();
	end
	local function abandon(reason)
		finish(reason, 0);
		if request then http.destroy_request(request, true); end
	end
	if call then call.abandon = abandon; end
	-- util.timer, not module:add_timer: those die with a `module reload`, and the login would hang.
	watch = timer.add_task(math.min(watch_interval, seconds), function ()
		local left = started + seconds - monotonic();
		if left <= 0 then return abandon("timeout"); end
		if is_gone(request) then return abandon("closed"); end
		return math.min(watch_interval, left);
	end);
	local ok, result = pcall(http.request, url, options, finish);
	if not ok then
		finish(result, 0);
	elseif result then
		request = result;
		request.body_size_limit = call and call.max_answer or max_answer;
	end
	wait();
	return answer.body, answer.code, answer.headers, answer.address;
end

-- Asks the service; returns as exchange() does.
local function post(url, token, question, seconds, call)
	return exchange(url, {
		method = "POST", body = json.encode(question), suppress_url = true;
		headers = {
			["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token;
			-- Prosody closes it nevertheless.  Asked for "close", as 13 does by itself, gunicorn would wait for
			-- that with nobody else served meanwhile.
			["Connection"] = "keep-alive";
		};
	}, seconds, call);
end

return { exchange = exchange, post = post };
