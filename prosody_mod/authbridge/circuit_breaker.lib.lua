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
-- One that answers, but nothing of use (its database is away, its token another), goes on being in use: its neighbour is
-- asked first from then on.

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

-- Returns another choice among the same endpoints: what rests for one rests for the other, but each prefers its own.
function methods:sibling()
	return setmetatable({ endpoints = self.endpoints, preferred = 1 }, methods);
end

-- passed: endpoint -> true for those that are of no use now; may be nil.
-- Returns the endpoint to ask ({ url, rests }), the preferred one first, or nil if none is left.
function methods:choose(passed)
	for offset = 0, #self.endpoints - 1 do
		local endpoint = self.endpoints[(self.preferred - 1 + offset) % #self.endpoints + 1];
		if not endpoint.rests and not (passed and passed[endpoint]) then return endpoint; end
	end
end

-- Tells whether another one than that is in use.
function methods:has_other(endpoint)
	return self:choose({ [endpoint] = true }) ~= nil;
end

-- Notes that it answered: it does not hang.
function methods:answered(endpoint) -- luacheck: ignore 212/self
	endpoint.timeouts, endpoint.rests = 0, false;
end

-- The next request goes to its neighbour first.  Returns whether that is new.
function methods:pass(endpoint)
	if #self.endpoints == 1 or self.endpoints[self.preferred] ~= endpoint then return false; end
	self.preferred = self.preferred % #self.endpoints + 1;
	return true;
end

-- Notes that nobody was there, or that the answer was rubbish: it does not hang, but its neighbour is asked first.
-- Returns whether that is new.
function methods:dropped(endpoint)
	self:answered(endpoint);
	return self:pass(endpoint);
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
