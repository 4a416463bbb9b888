-- page_refusal.lib.lua: lets Jitsi's page say why a login failed, where the operator has given the page the words.
-- The page shows one sentence for every SASL failure.  Over WebSocket it shows the condition of a stream error as well,
-- so a refusal whose reason may be told ends the stream with one.  Any other client gets the SASL failure, as ever.
-- This file is MIT licensed; see LICENSE.

local st = require "util.stanza";

local xmlns_stream = "http://etherx.jabber.org/streams";
local xmlns_errors = "urn:ietf:params:xml:ns:xmpp-streams";

-- verdict -> condition of the stream error (RFC 6120 section 4.9.3).  Not `refused`: the page has its sentence for that.
-- The labels of `authbridge jitsi-words` name the same conditions.
local conditions = {
	suspended = "policy-violation";
	expired = "not-authorized";
	locked = "resource-constraint";
	unavailable = "remote-connection-failed";
};

-- Tells whether this client is Jitsi's page or app: it names its room in the address of its WebSocket.
local function is_page(session)
	local request = session.websocket_request;
	local query = request and request.url and request.url.query;
	return query ~= nil and ("&" .. query):find("&room=", 1, true) ~= nil;
end

local function stream_error(condition, text)
	-- 13 sends a stream error over WebSocket without this declaration, and no browser can read it then.
	return st.stanza("stream:error", { ["xmlns:stream"] = xmlns_stream })
		:tag(condition, { xmlns = xmlns_errors }):up()
		:tag("text", { xmlns = xmlns_errors }):text(text):up();
end

-- Makes the next thing that is sent to that session, which is its SASL failure, a stream error, if its client shows those.
local function replace_failure(session, verdict, text)
	local condition = conditions[verdict];
	if not condition or session.destroyed or not is_page(session) then return; end
	local send = session.send;
	function session.send()
		session.send = send;
		session:close(stream_error(condition, text));
		return true;
	end
end

return { replace_failure = replace_failure };
