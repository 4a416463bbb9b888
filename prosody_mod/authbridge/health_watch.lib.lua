-- health_watch.lib.lua: notices within 3 seconds that a service is frozen, within one if it has a neighbour that may answer in
-- its place, and within moments that it answers again.
-- A question that waits long is no sign of it: a cold school bell waits for hashes, and the feed for news.  /healthz never does.
-- This file is MIT licensed; see LICENSE.

local async = require "util.async";
local monotonic = require "util.time".monotonic;
local timer = require "util.timer";

local circuit_breaker = module:require "authbridge/circuit_breaker";
local get = module:require "authbridge/http_call".get;
local login_answer = module:require "authbridge/login_answer";
local protect = module:require "authbridge/protect";

-- Seconds that a question waits before its service is asked for its health, and that the health may take.  A false alarm about
-- one of several costs little, for its neighbour answers; about the last one it would leave nobody to ask.
local of_several = { patience = 0.4, silence = 0.5 };
local last_one = { patience = 2, silence = 1 };
local probe_interval = 0.25; -- seconds
local log_pause = 10; -- seconds

local methods = {};
methods.__index = methods;

local function new(urls)
	return setmetatable({
		breaker = circuit_breaker.new(urls);
		waiting = {}; -- endpoint -> the handle of an open question -> when it was sent
		watched = {}; -- endpoint -> true while a timer looks after its questions
		examined = {}; -- endpoint -> true while it is asked for its health
		heard = {}; -- endpoint -> when it last answered a question
		probed = {}; -- endpoint -> true while it is asked again and again whether it is back
	}, methods);
end

local function in_background(step)
	async.runner(function () protect.call(step); end):run(true);
end

-- Returns nil if it answered, otherwise the fault as login_answer.lib.lua words it.
local function health_fault(endpoint, max_silence)
	local reason, code = get(endpoint.url .. "/healthz", max_silence);
	return code == 0 and login_answer.fault_of(reason) or nil;
end

-- The service that a question goes to, or nil if none is left; passed: endpoint -> true for those that are of no use to it.
function methods:choose(passed)
	return self.breaker:choose(passed);
end

-- Returns the choice of the feed: a feed that fails must not make a login choose another service.
function methods:choice_of_feed()
	return self.breaker:sibling();
end

function methods:limits_of(endpoint)
	return self.breaker:has_other(endpoint) and of_several or last_one;
end

-- Logs it now and then only: while all services are away, each login goes round.
function methods:log_passed(endpoint, detail)
	local now = monotonic();
	if self.logged_at and now - self.logged_at < log_pause then return; end
	self.logged_at = now;
	module:log("warn", "The service at %s is of no use, the next one is asked: %s", endpoint.url, detail);
end

-- Learns from the outcome of a question to that endpoint; fault: nil for an answer; detail: words for the log.
function methods:note(endpoint, fault, detail)
	local rested = endpoint.rests;
	if fault == "timeout" then
		self.breaker:timed_out(endpoint);
	elseif fault == "dropped" or fault == "outage" then
		if self.breaker:dropped(endpoint) and detail then self:log_passed(endpoint, detail); end
	elseif fault ~= "frozen" then -- a frozen one has been noted before its questions were told
		self.breaker:answered(endpoint);
	end
	if not fault or fault == "outage" then self.heard[endpoint] = monotonic(); end
	if endpoint.rests and not rested then self:probe(endpoint); end
end

-- The feed's question to that endpoint was answered.  It ends a rest, but not a row of time-outs: a service may hear the feed
-- and still answer no login.
function methods:heard_from(endpoint)
	if endpoint.rests then self:note(endpoint); end
	self.heard[endpoint] = monotonic();
end

-- While the service rests; the first sign of life ends it.
function methods:probe(endpoint)
	if self.probed[endpoint] then return; end
	self.probed[endpoint] = true;
	module:log("error", "The service at %s does not answer: %s", endpoint.url,
		self.breaker:has_other(endpoint) and "the next one is asked" or "logins are told to try later until it does");
	timer.add_task(probe_interval, function ()
		if self.stopped then return; end
		if not endpoint.rests then
			self.probed[endpoint] = nil;
			module:log("info", "The service at %s answers again", endpoint.url);
			return;
		end
		in_background(function ()
			local fault = health_fault(endpoint, last_one.silence);
			if fault ~= "timeout" then self:note(endpoint, fault); end
		end);
		return probe_interval;
	end);
end

-- Tells everybody who waits for that service that it is frozen.
function methods:abandon_all(endpoint)
	local calls = {};
	for call in pairs(self.waiting[endpoint]) do table.insert(calls, call); end
	self.breaker:silent(endpoint);
	self:probe(endpoint);
	for _, call in ipairs(calls) do
		if call.abandon then call.abandon("frozen"); end
	end
end

-- Returns the seconds until the oldest open question has waited too long, nil if there is no question.  The feed's question waits
-- for news; it is watched where another service could answer it.
function methods:time_left(endpoint)
	local limits, oldest = self:limits_of(endpoint), nil;
	for call, since in pairs(self.waiting[endpoint]) do
		if call.is_of_feed and limits == last_one then since = monotonic(); end
		if not oldest or since < oldest then oldest = since; end
	end
	return oldest and oldest + limits.patience - monotonic();
end

-- A service that was silent about its health but answered others meanwhile is busy, not frozen.
function methods:examine(endpoint)
	local began, limits = monotonic(), self:limits_of(endpoint);
	if health_fault(endpoint, limits.silence) ~= "timeout" or endpoint.rests then return; end
	if (self.heard[endpoint] or 0) >= began then return; end
	if limits ~= self:limits_of(endpoint) then return; end -- its neighbour rests since: it is judged anew, as the last one
	self:abandon_all(endpoint);
end

-- A try may last longer than the time to the next one.
function methods:examine_alone(endpoint)
	if self.examined[endpoint] then return; end
	self.examined[endpoint] = true;
	protect.call(self.examine, self, endpoint);
	self.examined[endpoint] = nil;
end

-- One timer for all questions to that service: it asks for its health while one of them waits too long.
function methods:look_after(endpoint)
	self.watched[endpoint] = true;
	timer.add_task(self:limits_of(endpoint).patience, function ()
		local left = self:time_left(endpoint);
		if not left then
			self.watched[endpoint] = nil;
			return;
		end
		if left > 0 then return left; end
		in_background(function () self:examine_alone(endpoint); end);
		return self:limits_of(endpoint).patience;
	end);
end

-- Call before a question is sent to that endpoint.  call: the handle with which its sender ends it: call.abandon(reason);
-- call.is_of_feed: it may wait long.
function methods:began(endpoint, call)
	self.waiting[endpoint] = self.waiting[endpoint] or {};
	self.waiting[endpoint][call] = monotonic();
	if not self.watched[endpoint] then self:look_after(endpoint); end
end

function methods:ended(endpoint, call)
	self.waiting[endpoint][call] = nil;
end

-- Probes nothing any more.
function methods:stop()
	self.stopped = true;
end

return { new = new };
