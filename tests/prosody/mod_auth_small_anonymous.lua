-- mod_auth_small_anonymous: lets everybody in without a password, as Prosody's mod_auth_anonymous does.  As with Jitsi's provider,
-- a WebSocket whose address names a stream to resume (?previd=) gets the name of that stream's session: otherwise mod_smacks
-- would not find it.
-- This file is MIT licensed; see LICENSE.
-- luacheck: read globals module prosody

local new_sasl = require "util.sasl".new;

local function name_of(token)
	for _, session in pairs(prosody.full_sessions) do
		if session.host == module.host and session.resumption_token == token then return session.username; end
	end
	return nil;
end

local provider = {};

function provider.get_sasl_handler(session)
	local handler = new_sasl(module.host, { anonymous = function () return true; end });
	local process = handler.process;
	function handler:process(message)
		local status, reply, text = process(self, message);
		local query = session.websocket_request and session.websocket_request.url.query;
		local token = query and query:match("previd=([^&]+)");
		if status == "success" and token then self.username = name_of(token) or self.username; end
		return status, reply, text;
	end
	return handler;
end

function provider.user_exists() return nil; end
function provider.is_enabled() return true; end
function provider.users() return function () end; end

module:provides("auth", provider);
