-- questions.lib.lua: what the service is asked: one login, one question.
-- Pure; `session` is only read.
-- This file is MIT licensed; see LICENSE.

local max_user_agent = 256;

-- The service may still write its answer down after it is ready: it gets half a second less.
local reserve = 0.5;

-- Not bosh_version: that is what the client claims, and nil for one that claims nothing.
local function transport_of(session)
	if session.bosh_max_inactive then return "bosh"; end
	if session.websocket_request then return "websocket"; end
	return "tcp";
end

-- Bytes outside printable ASCII have no business in this header and become "?".
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

-- What a proxy says about its client counts only where the administrator vouched for the proxy.
local function ip_of(session, vouched)
	if transport_of(session) ~= "tcp" and not vouched then return nil; end
	return session.ip;
end

-- Read before any waiting: a session that ends meanwhile loses all its fields.
local function facts_of(session, vouched)
	return {
		ip = ip_of(session, vouched);
		transport = transport_of(session);
		user_agent = user_agent_of(session);
	};
end

local function new(facts, who, deadline, now)
	return {
		request_id = who.request_id, username = who.username, password = who.password;
		host = who.host, node = who.node;
		ip = facts.ip, transport = facts.transport, user_agent = facts.user_agent;
		within = math.max(0, math.floor((deadline - now - reserve) * 1000) / 1000);
	};
end

return { facts_of = facts_of, new = new };
