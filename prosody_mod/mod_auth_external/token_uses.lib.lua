-- token_uses.lib.lua: knows what tokens of shared devices have opened.
-- A browser keeps the address with a token in its history, for whoever uses the device next.  So the service is told whether the
-- token is new here, or its page is still there, or gone.
-- Pure: `now` is an argument, in seconds of one steady clock; of a session only `destroyed` is read.
-- This file is MIT licensed; see LICENSE.

local grace = 5 * 60; -- seconds
local max_tokens = 16384; -- in the twelve hours for which one counts

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

-- new_cache: of Prosody's util.cache; now: when this Prosody started.  Pages whose tokens nobody remembers come back then.
local function new(new_cache, now)
	return on_top { started = now, sessions_of = new_cache(max_tokens) };
end

-- Its signature names a token, and nobody can log in with that alone.  Two bits of its last letter mean nothing, so that a token
-- has several spellings: it stays out.
local function key_of(token)
	return token:match("([^.]*)[^.]$");
end

-- The token of a shared device has opened that session.
function methods:opened(token, session)
	local sessions = self.sessions_of:get(key_of(token)) or setmetatable({}, { __mode = "k" });
	sessions[session] = true;
	self.sessions_of:set(key_of(token), sessions);
end

-- Returns what became of the sessions that the token has opened: "none" if there were none, "open" while one goes on (mod_smacks
-- keeps it through a gap in the network), or may have done before the start, and "over".
function methods:state(token, now)
	local sessions = self.sessions_of:get(key_of(token));
	if not sessions then return now - self.started < grace and "open" or "none"; end
	for session in pairs(sessions) do
		if not session.destroyed then return "open"; end
	end
	return "over";
end

return { new = new, on_top = on_top };
