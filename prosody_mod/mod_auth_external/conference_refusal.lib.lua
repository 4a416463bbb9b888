-- conference_refusal.lib.lua: turns an answer about a conference request into a refusal that Jitsi's page understands.
-- This file is MIT licensed; see LICENSE.

local xmlns = "http://jitsi.org/protocol/focus";
local xmlns_stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";

-- Jitsi's page forgets its session-id when it hears the first, and waits for a host when it hears the second.
local refusals = {
	login = { type = "cancel", condition = "not-acceptable", extra = "session-invalid" };
	client = { type = "auth", condition = "not-authorized" };
	room = { type = "cancel", condition = "not-allowed", text = "There is no meeting under this address." };
	malformed = { type = "modify", condition = "bad-request" };
	rule = { type = "cancel", condition = "service-unavailable", extra = "reservation-error" }; -- the page shows code and text
};

-- kind: "login" "client" "room" "malformed" "rule"; text, code: of a rule.  Changes and returns the stanza.
local function refuse(stanza, kind, text, code)
	local refusal = refusals[kind];
	text = text or refusal.text;
	stanza.attr.type = "error";
	stanza:reset():maptags(function () return nil; end);
	stanza:tag("error", { type = refusal.type }):tag(refusal.condition, { xmlns = xmlns_stanzas }):up();
	if text then stanza:tag("text", { xmlns = xmlns_stanzas }):text(text):up(); end
	if refusal.extra then stanza:tag(refusal.extra, { xmlns = xmlns, ["error-code"] = code }):up(); end
	return stanza:reset();
end

return { refuse = refuse };
