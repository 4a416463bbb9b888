-- endings.lib.lua: how a session is ended, and what its client is told.
-- It is never told why an organiser is suspended.
-- This file is MIT licensed; see LICENSE.

local destroy_session = require "core.sessionmanager".destroy_session;
local add_filter = require "util.filters".add_filter;
local st = require "util.stanza";
local timer = require "util.timer";

local patience, interval = 0.5, 0.02; -- seconds; a browser asks again after one way through the network and back

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

-- Another module's handler may throw in the middle of ours; the rest has to be done all the same.
local function attempt(step, ...)
	local ok, result = pcall(step, ...);
	if ok then return result; end
	module:log("error", "Something that had to end did not: %s", result);
	return nil;
end

local function close(session, action)
	local reason = reasons[action];
	session:close(session.websocket_request and as_stanza(reason) or reason);
	-- 0.12.3 leaves a WebSocket session without a connection, hibernating under mod_smacks, as it is, and immortal.
	if not session.destroyed then destroy_session(session, reason.name); end
	return session.destroyed == true;
end

-- Over BOSH nobody hears anything as long as no request of his waits for an answer, and mod_bosh throws away what it has
-- to say when it closes: also that the meeting is over, without which Jitsi's page comes back.
local function is_deaf(session)
	return session.bosh_max_inactive and #session.requests == 0;
end

-- What it still sends comes to nothing.
local function silence(session)
	add_filter(session, "stanzas/in", function () return nil; end);
end

local function close_when_heard(session, action)
	silence(session);
	local tries = patience / interval;
	timer.add_task(interval, function ()
		tries = tries - 1;
		if session.destroyed then return nil; end
		if is_deaf(session) and tries > 0 then return interval; end
		if attempt(close, session, action) == false then module:log("error", "A session that had to end did not"); end
	end);
	return true;
end

-- action: "suspend" or "end_sessions".  Returns whether the session is gone, or will be within half a second; may throw
-- as Prosody's modules do.
local function end_session(session, action)
	if is_deaf(session) then return close_when_heard(session, action); end
	return close(session, action);
end

return { attempt = attempt, end_session = end_session, silence = silence };
