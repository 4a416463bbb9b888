-- clients.lib.lua: reads which clients are connected to this Prosody; changes nothing.
-- This file is MIT licensed; see LICENSE.

local jid = require "util.jid";

-- Returns the session of that full JID, or nil if it is not connected.
local function session(client)
	return prosody.full_sessions[client];
end

-- Returns the full JIDs that are connected under that bare JID.
local function of_address(address)
	local list, account = {}, prosody.bare_sessions[address];
	for _, each in pairs(account and account.sessions or {}) do table.insert(list, each.full_jid); end
	return list;
end

-- Returns the username of an organiser's own client, one that logged in at this host, or nil.
local function own_username(client)
	return jid.host(client) == module.host and jid.node(client) or nil;
end

-- Returns the moment when that organiser showed the password with which that client is connected, or nil if the client
-- is not the organiser's own.
local function password_shown_at(client, username)
	if not username or own_username(client) ~= username then return nil; end
	local each = session(client);
	local login = each and each.auth_external_login;
	return login and login.began;
end

return { session = session, of_address = of_address, own_username = own_username, password_shown_at = password_shown_at };
