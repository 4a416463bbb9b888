-- login.lib.lua: asks the service whether an organiser may log in, waits, and retries.
-- It never decides itself: no answer, a late, foreign or odd one is a temporary failure.
-- This file is MIT licensed; see LICENSE.

local async = require "util.async";
local json = require "util.json";
local new_id = require "util.id".medium;
local timer = require "util.timer";
local time = require "util.time";
local monotonic = time.monotonic;

local health_watch = module:require "health_watch";
local kept_connections = module:require "kept_connections";
local login_answer = module:require "login_answer";
local login_request = module:require "login_request";
local post = module:require "http_call".post;
local protect = module:require "authbridge/protect";

local path = "/v1/authenticate";
local max_in_flight = 512;
local full_log_pause = 10; -- seconds
local retry_for = 3; -- seconds
local first_pause, longest_pause = 0.1, 0.5; -- seconds; while the service is away each login of a school bell tries again
local least_try = 0.25; -- seconds

local methods = {};
methods.__index = methods;

-- Returns ask(question, id, seconds, call), which is kept_connections' post(): a service on another machine is asked by
-- Prosody's own client, which checks certificates.
local function client_of(url, token)
	if url:find("^https:") then
		return function (question, _, seconds, call) return post(url .. path, token, question, seconds, call); end
	end
	local connections = kept_connections.new(url, path, token);
	return function (...) return connections:post(...); end
end

-- feed: of revocations.lib.lua; node: the name of this Prosody; granted(username, school) is called at each login that the
-- service grants; school: its code, or nil.
local function new(settings, feed, node, granted)
	local clients = {};
	for _, url in ipairs(settings.urls) do clients[url] = client_of(url, settings.token); end
	return setmetatable({
		settings = settings, feed = feed, node = node, granted = granted, in_flight = 0;
		services = health_watch.new(settings.urls), clients = clients;
	}, methods);
end

-- util.timer, not module:add_timer: a `module reload` ends those, and the login would wait for ever.
local function pause(seconds)
	local wait, done = async.waiter();
	timer.add_task(seconds, done);
	wait();
end

-- Asks that service once.  Returns verdict, nil, nil, school, or nil, fault, detail, as login_answer.lib.lua words them.
function methods:ask(endpoint, request, seconds)
	local call = {};
	self.services:began(endpoint, call);
	local is_done, body, code = protect.try(self.clients[endpoint.url], json.encode(request), request.request_id, seconds, call);
	self.services:ended(endpoint, call);
	if not is_done then return nil, "outage", "error in this module"; end
	local verdict, fault, detail, school = login_answer.read(code, body, request, json.decode);
	self.services:note(endpoint, fault, detail);
	return verdict, fault, detail, school;
end

-- Asks until there is an answer or the time is over, one service after the other: a frozen one, and one whose answer is of no
-- use, may have a neighbour.  Returns verdict, detail, school.
function methods:consult(login, facts)
	local deadline, first_drop = monotonic() + self.settings.timeout, nil;
	local next_pause, passed, detail = first_pause, {}, "no service answers";
	while true do
		local endpoint = self.services:choose(passed);
		if not endpoint then return "unavailable", detail; end

		local now = monotonic();
		local request = login_request.new(facts, login, deadline, now);
		local verdict, fault, why, school = self:ask(endpoint, request, deadline - now);
		if verdict then return verdict, nil, school; end
		detail = why;
		now = monotonic();
		-- A try that begins too late could only time out, and would count against a service that is merely away.
		if fault == "timeout" or now > deadline - least_try then return "unavailable", detail; end
		if fault == "outage" then passed[endpoint] = true; end
		if fault == "dropped" then
			first_drop = first_drop or now;
			if now + next_pause >= math.min(deadline - least_try, first_drop + retry_for) then return "unavailable", detail; end
			pause(next_pause);
			next_pause = math.min(2 * next_pause, longest_pause);
		end
	end
end

-- outcome: { verdict, word, detail }: the service's verdict, the condition for the client, and the reason of an error or nil.
-- Logs the request's id, which the service's journal has too, and never the name: people type their password into
-- the field of the name.
local function log_outcome(login, facts, started, outcome)
	local reason = outcome.detail or outcome.word ~= outcome.verdict and "a suspension came meanwhile";
	module:log(outcome.detail and "error" or "info", "Login %s over %s: %s after %d ms%s", login.request_id, facts.transport, outcome.word,
		math.floor((monotonic() - started) * 1000), reason and ", " .. reason or "");
end

-- Logins under way still get their answers.
function methods:stop()
	self.services:stop();
end

-- Logs it now and then only: a flood of logins would fill the log.
function methods:log_full(now)
	if self.logged_full_at and now - self.logged_full_at < full_log_pause then return; end
	self.logged_full_at = now;
	module:log("error", "%d logins are waiting already, others are told to try later", self.in_flight);
end

-- Returns the verdict that the client is told.  The feed is told of the login before the service is asked: a suspension
-- that arrives while the answer is on its way would otherwise let the organiser in.
function methods:authenticate(username, password, session)
	local login = { request_id = new_id(), username = username, password = password, host = module.host, node = self.node };
	local facts = login_request.facts_of(session, self.settings.vouched);
	local started = monotonic();
	if self.in_flight >= max_in_flight then
		self:log_full(started);
		return "unavailable";
	end
	local followed = self.feed:login_began(username, session, time.now());
	session.auth_external_login = followed;
	self.in_flight = self.in_flight + 1;
	local verdict, detail, school = protect.call(self.consult, self, login, facts);
	self.in_flight = self.in_flight - 1;
	if not verdict then verdict, detail = "unavailable", "error in this module"; end
	local word = verdict == "granted" and self.feed:verdict_of(followed) or verdict;
	if word ~= "granted" then self.feed:login_over(followed); end
	if verdict == "granted" then self.granted(username, school); end
	log_outcome(login, facts, started, { verdict = verdict, word = word, detail = detail });
	return word;
end

return { new = new };
