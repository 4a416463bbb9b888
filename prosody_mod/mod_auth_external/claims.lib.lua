-- claims.lib.lua: what a client says of itself in its address counts for nothing.
-- Jitsi's mod_jitsi_session puts the token of a request into the session, unverified; on a host with Jitsi's own token
-- provider it is verified at the login.  On all others nobody does, and other modules believe it.
-- This file is MIT licensed; see LICENSE.

local priority = -101; -- after all that fill them

-- Names of a session's fields that say who somebody is, or what they may do.
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

local function start()
	for _, event in ipairs({ "bosh-session", "websocket-session" }) do module:hook_global(event, clear, priority); end
end

return { verifying = verifying, start = start };
