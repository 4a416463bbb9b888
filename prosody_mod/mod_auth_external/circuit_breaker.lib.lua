-- circuit_breaker.lib.lua: chooses which of the configured services is asked next, and gives one that hangs a rest.
-- Pure: `now` (seconds, any steady clock) is an argument.
-- This file is MIT licensed; see LICENSE.
--
--            3 time-outs in a row               5 s over
--   closed ------------------------> resting ------------> one login asks (probe),
--     ^                                 ^                   for the others it rests on
--     |                                 |                        |          |
--     |                                 +------- time-out -------+          |
--     +----------------------------------------- any answer ----------------+
--
-- While every service rests, each login is told at once to try later.

local max_timeouts = 3;
local rest = 5; -- seconds

local methods = {};
methods.__index = methods;

-- urls: list, the preferred one first.
local function new(urls)
	local endpoints = {};
	for i, url in ipairs(urls) do
		endpoints[i] = { url = url, timeouts = 0, rests_until = 0 };
	end
	return setmetatable({ endpoints = endpoints, preferred = 1 }, methods);
end

-- Returns the endpoint to ask ({ url }), the preferred one first, or nil if all of them rest.
function methods:choose(now)
	for offset = 0, #self.endpoints - 1 do
		local endpoint = self.endpoints[(self.preferred - 1 + offset) % #self.endpoints + 1];
		if now >= endpoint.rests_until then
			if endpoint.timeouts >= max_timeouts then -- a probe: the next one only after another rest
				endpoint.rests_until = now + rest;
			end
			return endpoint;
		end
	end
end

-- Notes that it answered something, be it rubbish or a closed connection: it does not hang.
function methods:answered(endpoint) -- luacheck: ignore 212/self
	endpoint.timeouts, endpoint.rests_until = 0, 0;
end

-- Notes that nobody was there: the next request goes to its neighbour first.
function methods:dropped(endpoint)
	self:answered(endpoint);
	for i, other in ipairs(self.endpoints) do
		if other == endpoint and i == self.preferred then
			self.preferred = i % #self.endpoints + 1;
			return;
		end
	end
end

function methods:timed_out(endpoint, now) -- luacheck: ignore 212/self
	endpoint.timeouts = endpoint.timeouts + 1;
	if endpoint.timeouts >= max_timeouts then
		endpoint.rests_until = now + rest;
	end
end

return { new = new };
