-- mod_auth_token: stands in for Jitsi's token provider of that name.  A token is the id of its user, and taken at its word.
-- As Jitsi's it asks `jitsi-access-ban-check` about each token, at a login and where a guest's stream goes on with one
-- (?previd=), whose verified user another module then overwrites.
-- This file is MIT licensed; see LICENSE.
-- luacheck: read globals module prosody

local new_sasl = require "util.sasl".new;

local function name_of(stream)
	for _, session in pairs(prosody.full_sessions) do
		if session.host == module.host and session.resumption_token == stream then return session.username; end
	end
	return nil;
end

local function note_query(event)
	event.session.small_query = event.request.url.query or "";
end

module:hook_global("bosh-session", note_query);
module:hook_global("websocket-session", note_query);

local function token_of(session)
	return ("&" .. session.small_query):match("&token=([^&]+)");
end

-- Returns whether that user may come in.
local function is_let_in(session, token)
	session.jitsi_meet_context_user = { id = token };
	return prosody.events.fire_event("jitsi-access-ban-check", session) ~= false;
end

-- A guest of another host goes on with a token: this provider looks at it, with the guest's session.
module:hook_global("c2s-session-updated", function (event)
	local session, token = event.session, token_of(event.from_session);
	if token and session.host ~= module.host and not is_let_in(session, token) then session:close(); end
	session.jitsi_meet_context_user = {};
end);

local provider = {};

function provider.get_sasl_handler(session)
	local handler = new_sasl(module.host, { anonymous = function () return true; end });
	local process = handler.process;
	function handler:process(message)
		local token, stream = token_of(session), ("&" .. session.small_query):match("&previd=([^&]+)");
		if not token and not module:get_option_boolean("allow_empty_token", false) then return "failure", "not-allowed"; end
		if token and not is_let_in(session, token) then return "failure", "not-allowed", "user is banned"; end
		local status, reply, text = process(self, message);
		self.username = stream and name_of(stream) or self.username;
		return status, reply, text;
	end
	return handler;
end

function provider.user_exists() return nil; end
function provider.is_enabled() return true; end
function provider.users() return function () end; end

module:provides("auth", provider);
