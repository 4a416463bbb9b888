-- token_door.lib.lua: lets an organiser in by the token that came with the connection, as Jitsi's page sends one: in the address
-- of its WebSocket or of its BOSH requests, and then SASL ANONYMOUS.
-- This file is MIT licensed; see LICENSE.

local login_answer = module:require "authbridge/login_answer";
local token = module:require "token";

local mechanism = "ANONYMOUS";

-- Keeps the token of a connection that begins until it is used.  event: Prosody's bosh-session or websocket-session.
local function note_token(event)
	event.session.auth_external_token = token.of_query(event.request.url.query);
end

-- Returns as a SASL handler's process() does.  A token is used once for each connection.
local function log_in(handler, session, logins, pseudonyms)
	local text = session.auth_external_token or "";
	session.auth_external_token = nil;
	local verdict, organiser = logins:by_token(text, session);
	if not organiser then
		local failure = login_answer.failure_of(verdict);
		return "failure", failure.condition, failure.text;
	end
	handler.username = pseudonyms:of(organiser.username);
	return "success";
end

-- Makes that SASL handler of a session with a token offer and answer ANONYMOUS.  Prosody's own answer to that mechanism
-- refuses nobody, and modules of Jitsi put another one in its place.
-- logins, pseudonyms: of login.lib.lua and pseudonyms.lib.lua.
local function open(handler, session, logins, pseudonyms)
	local mechanisms, select, process = handler.mechanisms, handler.select, handler.process;
	function handler:mechanisms()
		local offered = mechanisms(self);
		offered[mechanism] = true;
		return offered;
	end
	function handler:select(wanted)
		if wanted ~= mechanism then return select(self, wanted); end
		self.selected = mechanism;
		return true;
	end
	function handler:process(message)
		if self.selected ~= mechanism then return process(self, message); end
		return log_in(self, session, logins, pseudonyms);
	end
end

return { note_token = note_token, open = open };
