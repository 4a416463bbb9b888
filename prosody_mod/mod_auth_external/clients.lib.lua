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

-- Returns the organiser whose own client that is, one that logged in at this host, or nil; pseudonyms: of pseudonyms.lib.lua.
local function own_organiser(client, pseudonyms)
	local node = jid.host(client) == module.host and jid.node(client);
	return node and pseudonyms:of(node) or nil;
end

-- Returns the login with which that client is connected, as revocations.lib.lua follows it, or nil.
local function login_of(client)
	local each = session(client);
	return each and each.auth_external_login;
end

-- Returns the moment when that organiser showed the password, or the token, with which that client is connected, or nil if the
-- client is not the organiser's own.
local function login_began(client, username, pseudonyms)
	if not username or own_organiser(client, pseudonyms) ~= username then return nil; end
	local login = login_of(client);
	return login and login.began;
end

-- Tells whether nothing may be remembered on the device of that client.
local function is_on_shared_device(client)
	local login = login_of(client);
	return login ~= nil and login.is_shared == true;
end

return {
	session = session, of_address = of_address, own_organiser = own_organiser, login_began = login_began;
	is_on_shared_device = is_on_shared_device;
};
