-- endpoints.lib.lua: which of the configured services is asked next.
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
-- While every endpoint rests, whoever logs in is told at once to try later.

local max_timeouts = 3;
local rest = 5;

local methods = {};
methods.__index = methods;

local function new(urls)
	local list = {};
	for i, url in ipairs(urls) do
		list[i] = { url = url, timeouts = 0, rests_until = 0 };
	end
	return setmetatable({ list = list, preferred = 1 }, methods);
end

-- Returns the endpoint to ask, the preferred one first, or nil if all of them rest.
function methods:choose(now)
	for offset = 0, #self.list - 1 do
		local endpoint = self.list[(self.preferred - 1 + offset) % #self.list + 1];
		if now >= endpoint.rests_until then
			if endpoint.timeouts >= max_timeouts then -- a probe: the next one only after another rest
				endpoint.rests_until = now + rest;
			end
			return endpoint;
		end
	end
end

-- It answered something, were it rubbish or a closed connection: it does not hang.
function methods:answered(endpoint) -- luacheck: ignore 212/self
	endpoint.timeouts, endpoint.rests_until = 0, 0;
end

-- Nobody there: the next question goes to its neighbour first.
function methods:dropped(endpoint)
	self:answered(endpoint);
	for i, other in ipairs(self.list) do
		if other == endpoint and i == self.preferred then
			self.preferred = i % #self.list + 1;
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
