-- token_uses.lib.lua: knows which tokens opened sessions that go on, or ended a moment ago.
-- A browser keeps the address with a token in its history, for whoever uses the device next; so the service asks of a shared
-- device's token that it resumes what it has opened.
-- Pure: `now` is an argument, in seconds of one steady clock; of a session only `destroyed` is read.
-- This file is MIT licensed; see LICENSE.

local gap = 5 * 60; -- seconds; the page comes back by itself after a gap in the network

local methods = {};
methods.__index = methods;

-- now: when this Prosody, or this module, started: pages come back then whose tokens nobody remembers.
local function new(now)
	return setmetatable({ started = now, uses = {} }, methods);
end

-- Its signature names a token, and nobody can log in with that alone.
local function key_of(token)
	return token:match("[^.]*$");
end

local function is_alive(use)
	for session in pairs(use.sessions) do
		if not session.destroyed then return true; end
	end
	return false;
end

-- The token has opened that session.
function methods:opened(token, session, now)
	local key = key_of(token);
	local use = self.uses[key] or { sessions = setmetatable({}, { __mode = "k" }) };
	use.sessions[session], use.seen = true, now;
	self.uses[key] = use;
end

-- Tells whether a session that the token opened goes on, or did minutes ago; or may have done before the start.
function methods:resumes(token, now)
	if now - self.started < gap then return true; end
	local use = self.uses[key_of(token)];
	return use ~= nil and (is_alive(use) or now - use.seen < gap);
end

-- Call once a minute: notes what goes on, and forgets what has ended.
function methods:sweep(now)
	for key, use in pairs(self.uses) do
		if is_alive(use) then
			use.seen = now;
		elseif now - use.seen >= gap then
			self.uses[key] = nil;
		end
	end
end

return { new = new };
