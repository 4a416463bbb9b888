-- http_call.lib.lua: sends one HTTP request and waits for its answer, or for the reason why there is none, in bounded time.
-- net.http itself waits up to 14 minutes.  Needs an async context (util.async).
-- This file is MIT licensed; see LICENSE.

local async = require "util.async";
local http = require "net.http";
local monotonic = require "util.time".monotonic;
local timer = require "util.timer";

local watch_interval = 0.5; -- seconds
local one_turn = 0.01; -- seconds in which Prosody's loop reads what has come
local max_answer = 8 * 1024; -- bytes

-- net.http reports a connection that ends between the head and the body of an answer to nobody.
local function is_gone(request)
	return request and request.conn and not request.conn:socket();
end

-- options: those of net.http.  call, may be nil: takes max_answer (bytes, instead of 8 KiB), and is given a function
-- abandon(reason) with which the caller ends the wait early.
-- Returns body, code, headers, and our own address in that connection (nil where Prosody's network backend does not tell).
-- Without an answer returns its reason and 0; the reason is "timeout" if `seconds` were over.
-- Each request has a connection of its own: net.http may hand a pooled one's late answer to the next request.
local function send(url, options, seconds, call)
	local wait, done = async.waiter();
	local started = monotonic();
	local answer, watch, request, is_over;
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
	-- util.timer, not module:add_timer: a `module reload` ends those, and the login would wait for ever.
	watch = timer.add_task(math.min(watch_interval, seconds), function ()
		local left = started + seconds - monotonic();
		if left <= 0 then
			if is_over then return abandon("timeout"); end
			is_over = true; -- where Prosody itself stood still, the answer may have come, and lie there unread
			return one_turn;
		end
		if is_gone(request) then return abandon("closed"); end
		return math.min(watch_interval, left);
	end);
	-- pcall, not protect: net.http throws for a URL or an option that it cannot use, and that is an answer like another.
	local is_sent, result = pcall(http.request, url, options, finish);
	if not is_sent then
		finish(result, 0);
	elseif result then
		request = result;
		request.body_size_limit = call and call.max_answer or max_answer;
	end
	wait();
	return answer.body, answer.code, answer.headers, answer.address;
end

-- Prosody closes the connection nevertheless.  Asked for "close", as 13 does by itself, gunicorn would wait for that, and
-- serve nobody else meanwhile.
local polite = "keep-alive";

-- Sends `question`, a text in JSON, to the service, with the token; returns as send() does.
local function post(url, token, question, seconds, call)
	return send(url, {
		method = "POST", body = question, suppress_url = true;
		headers = {
			["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token, ["Connection"] = polite;
		};
	}, seconds, call);
end

-- Asks the service for a page that needs no token; returns as send() does.
local function get(url, seconds)
	return send(url, { suppress_url = true, headers = { ["Connection"] = polite } }, seconds);
end

return { send = send, post = post, get = get };
