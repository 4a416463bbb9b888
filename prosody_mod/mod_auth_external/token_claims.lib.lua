-- token_claims.lib.lua: clears from sessions what a client claims of itself in a token that nobody has verified.
-- Jitsi's mod_jitsi_session puts the token of a request into the session, unverified.  On a host with Jitsi's own token
-- provider the token is verified at the login; on all others nobody verifies it, and other modules believe it.
-- This file is MIT licensed; see LICENSE.

local hooks = module:require "authbridge/hooks";

-- Patterns for the fields of a session that say who its client is, or what they may do.
local patterns = { "^auth_token$", "^customusername$", "^jitsi_meet_", "^granted_jitsi_meet_" };

-- Pure.  get(host, option) -> value.  Returns a sorted list of the hosts at which Jitsi verifies tokens.
local function verifying(hosts, get)
	local found = {};
	for _, host in ipairs(hosts) do
		if get(host, "authentication") == "token" then table.insert(found, host); end
	end
	table.sort(found);
	return found;
end

local function is_claim(field)
	for _, pattern in ipairs(patterns) do
		if type(field) == "string" and field:find(pattern) then return true; end
	end
	return false;
end

local function clear(event)
	for field in pairs(event.session) do
		if is_claim(field) then event.session[field] = nil; end -- which next() allows
	end
end

-- Hooks the beginning of each session over BOSH and WebSocket, after all modules that fill those fields.
local function start()
	for _, event in ipairs({ "bosh-session", "websocket-session" }) do hooks.after_all_globally(event, clear); end
end

return { verifying = verifying, start = start };
