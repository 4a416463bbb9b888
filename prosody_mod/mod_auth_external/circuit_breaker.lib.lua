-- circuit_breaker.lib.lua: chooses which of the configured services is asked next, and leaves out one that hangs.
-- Pure.
-- This file is MIT licensed; see LICENSE.
--
--             3 time-outs in a row, or silent about its health
--   in use --------------------------------------------------> resting
--     ^                                                           |
--     +---------------------- any sign of life -------------------+
--
-- While every service rests, each login is told at once to try later.

local max_timeouts = 3;

local methods = {};
methods.__index = methods;

-- urls: list, the preferred one first.
local function new(urls)
	local endpoints = {};
	for i, url in ipairs(urls) do
		endpoints[i] = { url = url, timeouts = 0, rests = false };
	end
	return setmetatable({ endpoints = endpoints, preferred = 1 }, methods);
end

-- Returns the endpoint to ask ({ url, rests }), the preferred one first, or nil if all of them rest.
function methods:choose()
	for offset = 0, #self.endpoints - 1 do
		local endpoint = self.endpoints[(self.preferred - 1 + offset) % #self.endpoints + 1];
		if not endpoint.rests then return endpoint; end
	end
end

-- Returns the endpoint of that url, or nil.
function methods:find(url)
	for _, endpoint in ipairs(self.endpoints) do
		if endpoint.url == url then return endpoint; end
	end
end

-- Notes that it answered something, be it rubbish or a closed connection: it does not hang.
function methods:answered(endpoint) -- luacheck: ignore 212/self
	endpoint.timeouts, endpoint.rests = 0, false;
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

function methods:timed_out(endpoint) -- luacheck: ignore 212/self
	endpoint.timeouts = endpoint.timeouts + 1;
	endpoint.rests = endpoint.rests or endpoint.timeouts >= max_timeouts;
end

-- Notes that it did not even say that it lives.
function methods:silent(endpoint) -- luacheck: ignore 212/self
	endpoint.rests = true;
end

return { new = new };
