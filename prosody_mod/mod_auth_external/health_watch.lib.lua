-- health_watch.lib.lua: notices within 3 seconds that a service is frozen, and within moments that it answers again.
-- A question that waits long is no sign of it: a cold school bell waits for hashes.  /healthz never does.
-- This file is MIT licensed; see LICENSE.

local async = require "util.async";
local monotonic = require "util.time".monotonic;
local timer = require "util.timer";

local circuit_breaker = module:require "circuit_breaker";
local get = module:require "http_call".get;
local login_answer = module:require "login_answer";
local protect = module:require "authbridge/protect";

local patience = 2; -- seconds that a question waits before its service is asked for its health
local max_silence = 1; -- seconds
local probe_interval = 0.25; -- seconds

local methods = {};
methods.__index = methods;

local function new(urls)
	return setmetatable({
		breaker = circuit_breaker.new(urls);
		waiting = {}; -- endpoint -> the handle of an open question -> when it was sent
		watched = {}; -- endpoint -> true while a timer looks after its questions
		heard = {}; -- endpoint -> when it last answered a question
		probed = {}; -- endpoint -> true while it is asked again and again whether it is back
	}, methods);
end

local function in_background(step)
	async.runner(function () protect.call(step); end):run(true);
end

-- Returns nil if it answered, otherwise the fault as login_answer.lib.lua words it.
local function health_fault(endpoint)
	local reason, code = get(endpoint.url .. "/healthz", max_silence);
	return code == 0 and login_answer.fault_of(reason) or nil;
end

-- The service that a question goes to, or nil if none answers.
function methods:choose()
	return self.breaker:choose();
end

-- Learns from the outcome of a question to that endpoint; fault: nil for an answer.
function methods:note(endpoint, fault)
	local rested = endpoint.rests;
	if fault == "timeout" then
		self.breaker:timed_out(endpoint);
	elseif fault == "dropped" then
		self.breaker:dropped(endpoint);
	elseif fault ~= "frozen" then -- a frozen one has been noted before its questions were told
		self.breaker:answered(endpoint);
		self.heard[endpoint] = monotonic();
	end
	if endpoint.rests and not rested then self:probe(endpoint); end
end

-- Another question to that url was answered.  It ends a rest, but not a row of time-outs: a service may hear the feed
-- and still answer no login.
function methods:heard_from(url)
	local endpoint = self.breaker:find(url);
	if endpoint and endpoint.rests then self:note(endpoint); end
end

-- While the service rests; the first sign of life ends it.
function methods:probe(endpoint)
	if self.probed[endpoint] then return; end
	self.probed[endpoint] = true;
	module:log("error", "The service at %s does not answer: logins are told to try later until it does", endpoint.url);
	timer.add_task(probe_interval, function ()
		if self.stopped then return; end
		if not endpoint.rests then
			self.probed[endpoint] = nil;
			module:log("info", "The service at %s answers again", endpoint.url);
			return;
		end
		in_background(function ()
			local fault = health_fault(endpoint);
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

-- Returns the seconds until the oldest open question has waited too long, nil if there is no question.
function methods:time_left(endpoint)
	local oldest;
	for _, since in pairs(self.waiting[endpoint]) do
		if not oldest or since < oldest then oldest = since; end
	end
	return oldest and oldest + patience - monotonic();
end

-- A service that was silent about its health but answered others meanwhile is busy, not frozen.
function methods:examine(endpoint)
	local began = monotonic();
	if health_fault(endpoint) ~= "timeout" or endpoint.rests then return; end
	if (self.heard[endpoint] or 0) < began then self:abandon_all(endpoint); end
end

-- One timer for all questions to that service: it asks for its health while one of them waits too long.
function methods:look_after(endpoint)
	self.watched[endpoint] = true;
	timer.add_task(patience, function ()
		local left = self:time_left(endpoint);
		if not left then
			self.watched[endpoint] = nil;
			return;
		end
		if left > 0 then return left; end
		in_background(function () self:examine(endpoint); end);
		return patience;
	end);
end

-- Call before a question is sent to that endpoint.  call: the handle with which its sender ends it: call.abandon(reason).
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
