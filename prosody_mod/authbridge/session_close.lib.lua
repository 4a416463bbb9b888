-- session_close.lib.lua: closes a session, at once or when its client has read why.
-- The client is never told why an organiser is suspended.
-- This file is MIT licensed; see LICENSE.

local destroy_session = require "core.sessionmanager".destroy_session;
local jid = require "util.jid";
local st = require "util.stanza";
local timer = require "util.timer";

local protect = module:require "authbridge/protect";

local patience, interval = 0.5, 0.02; -- seconds; a browser asks again after one way through the network and back

local reading_time = 60; -- seconds; Jitsi's page hangs up by itself some five seconds after it was told

local xmlns_errors = "urn:ietf:params:xml:ns:xmpp-streams";
local xmlns_acks, xmlns_ping = "urn:xmpp:sm:3", "urn:xmpp:ping";

-- `name` is what others read: Prosody puts it into the presence that says that somebody has left.  `text` is what the
-- client is told, in the room that it is taken out of and when its session is closed.
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

-- 13.0.x sends a stream error over WebSocket without declaring its prefix, unless it is given the stanza.
local function as_stanza(reason)
	return st.stanza("stream:error", { ["xmlns:stream"] = "http://etherx.jabber.org/streams" })
		:tag(reason.condition, { xmlns = xmlns_errors }):up()
		:tag("text", { xmlns = xmlns_errors }):text(reason.text):up();
end

-- Lets pass what only keeps the connection alive: Jitsi's page takes two pings without an answer for a broken network.
local function keep_alive(stanza, session)
	if stanza.attr.xmlns == xmlns_acks and (stanza.name == "r" or stanza.name == "a") then return stanza; end
	local is_ping = stanza.name == "iq" and stanza.attr.type == "get" and stanza:get_child("ping", xmlns_ping);
	if is_ping and not jid.node(stanza.attr.to) then session.send(st.reply(stanza)); end
	return nil;
end

-- Makes Prosody ignore what the client still sends.  In front of the session's thread, not by a filter: mod_smacks gives a
-- session that another connection resumes the filters of that connection.
local function silence(session)
	local thread = session.thread;
	if session.auth_external_is_silenced or not thread then return; end
	session.auth_external_is_silenced = true;
	session.thread = setmetatable({
		run = function (_, item)
			if st.is_stanza(item) then item = keep_alive(item, session); end
			if item ~= nil then return thread:run(item); end
		end;
	}, { __index = thread });
end

local function close_now(session, action)
	local reason = reasons[action];
	-- A session that was resumed in an odd way may fail at each step; nothing that it sends counts all the same.
	silence(session);
	protect.call(session.close, session, session.websocket_request and as_stanza(reason) or reason);
	-- 0.12.3 leaves a WebSocket session without a connection, hibernating under mod_smacks, as it is, and it never ends.
	if not session.destroyed then protect.call(destroy_session, session, reason.name); end
	if not session.destroyed then module:log("error", "A session could not be closed: Prosody kept it"); end
	return session.destroyed == true;
end

-- Over BOSH a client hears nothing while none of its requests waits for an answer, and mod_bosh throws away at the close
-- what it has to say: also that the meeting is over, and a page of Jitsi's that has not heard that comes back.
local function is_deaf(session)
	return session.bosh_max_inactive and #session.requests == 0;
end

local function close_when_heard(session, action)
	silence(session);
	local tries = patience / interval;
	timer.add_task(interval, function ()
		tries = tries - 1;
		if session.destroyed then return nil; end
		if is_deaf(session) and tries > 0 then return interval; end
		protect.call(close_now, session, action);
	end);
	return true;
end

-- action: "suspend" or "end_sessions".  Returns true if the session is closed, or will be within half a second.
local function close(session, action)
	if is_deaf(session) then return close_when_heard(session, action); end
	return protect.call(close_now, session, action);
end

-- For a page that has just been told that it is out, and why: closed at once, it would show a broken network instead, and
-- come back by itself.  It hangs up when it has shown the reason; nothing that it sends until then counts.
local function close_when_read(session, action)
	silence(session);
	timer.add_task(reading_time, function ()
		if not session.destroyed then protect.call(close, session, action); end
	end);
	return true;
end

local function text_of(action)
	return reasons[action].text;
end

return { close = close, close_when_read = close_when_read, silence = silence, text_of = text_of };
