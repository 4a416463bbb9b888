-- endings.lib.lua: how a session is ended, and what its client is told.
-- It is never told why an organiser is suspended.
-- This file is MIT licensed; see LICENSE.

local destroy_session = require "core.sessionmanager".destroy_session;
local st = require "util.stanza";

local xmlns_errors = "urn:ietf:params:xml:ns:xmpp-streams";

-- What others are told is `name`: Prosody puts it into the presence that says that somebody has left.
local reasons = {
	suspend = {
		name = "session ended", condition = "not-authorized";
		text = "Dieser Zugang ist gesperrt. Bitte fragen Sie Ihr Medienzentrum. / "
			.. "This access is suspended. Please ask your media centre.";
	};
	end_sessions = {
		name = "session ended", condition = "reset";
		text = "Dieser Zugang wurde überall abgemeldet. Bitte melden Sie sich neu an. / "
			.. "This access was signed out everywhere. Please log in again.";
	};
};

-- 13.0.1 sends a stream error over WebSocket without declaring its prefix, unless it is given the stanza.
local function as_stanza(reason)
	return st.stanza("stream:error", { ["xmlns:stream"] = "http://etherx.jabber.org/streams" })
		:tag(reason.condition, { xmlns = xmlns_errors }):up()
		:tag("text", { xmlns = xmlns_errors }):text(reason.text):up();
end

-- action: "suspend" or "end_sessions".  Returns whether the session is gone; may throw as Prosody's modules do.
local function end_session(session, action)
	local reason = reasons[action];
	session:close(session.websocket_request and as_stanza(reason) or reason);
	-- 0.12.3 leaves a WebSocket session without a connection, hibernating under mod_smacks, as it is, and immortal.
	if not session.destroyed then destroy_session(session, reason.name); end
	return session.destroyed == true;
end

return { end_session = end_session };
