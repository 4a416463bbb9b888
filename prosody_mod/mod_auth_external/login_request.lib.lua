-- login_request.lib.lua: builds the request with which one login, by a password or by a token, is put to the service.
-- Pure; `session` is only read.
-- This file is MIT licensed; see LICENSE.

local max_user_agent = 256; -- bytes

-- Seconds less than we wait: the service still writes its answer down after it is ready.
local reserve = 0.5;

-- Not bosh_version: the client claims that one, and it is nil for a client that claims nothing.
local function transport_of(session)
	if session.bosh_max_inactive then return "bosh"; end
	if session.websocket_request then return "websocket"; end
	return "tcp";
end

-- Bytes outside printable ASCII do not belong into this header and become "?".
local function clean_user_agent(value)
	if type(value) ~= "string" or value == "" then return nil; end
	return (value:sub(1, max_user_agent):gsub("[^\32-\126]", "?"));
end

local function user_agent_of(session)
	if session.websocket_request then
		return clean_user_agent(session.websocket_request.headers.user_agent);
	end
	return clean_user_agent(session.auth_external_user_agent);
end

-- A proxy's word about its client counts only where the administrator vouched for the proxy: otherwise a client could
-- claim an address in a school's network.
local function ip_of(session, vouched)
	if transport_of(session) ~= "tcp" and not vouched then return nil; end
	return session.ip;
end

-- Returns { ip, transport, user_agent }.  Call before any waiting: a session that ends meanwhile loses all its fields.
local function facts_of(session, vouched)
	return {
		ip = ip_of(session, vouched);
		transport = transport_of(session);
		user_agent = user_agent_of(session);
	};
end

-- facts: of facts_of(); login: { request_id, host, node, and username, password, or token and sessions }; deadline, now: seconds of one steady clock.
-- Returns the body of the request.
local function new(facts, login, deadline, now)
	return {
		request_id = login.request_id, username = login.username, password = login.password, token = login.token, sessions = login.sessions;
		host = login.host, node = login.node;
		ip = facts.ip, transport = facts.transport, user_agent = facts.user_agent;
		within = math.max(0, math.floor((deadline - now - reserve) * 1000) / 1000);
	};
end

return { facts_of = facts_of, new = new };
