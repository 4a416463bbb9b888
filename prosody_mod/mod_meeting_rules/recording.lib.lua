-- recording.lib.lua: refuses what starts a recording, a live stream or a transcription, to everybody.
-- This is what passes the server.  A browser that records its own screen does not.
-- This file is MIT licensed; see LICENSE.

local st = require "util.stanza";

local hooks = module:require "authbridge/hooks";
local words = module:require "words";

local xmlns_jibri, xmlns_rayo, xmlns_jitmeet = "http://jitsi.org/protocol/jibri", "urn:xmpp:rayo:1", "http://jitsi.org/jitmeet";
local transcriber = "jitsi_meet_transcribe";
local switch = "isTranscribingEnabled";

-- Jibri's requests may stop what runs, and nothing else.  A phone is dialled by the same stanza as the transcriber.
local function starts_by_iq(stanza)
	if stanza.attr.type ~= "set" and stanza.attr.type ~= "get" then return false; end
	local jibri, dial = stanza:get_child("jibri", xmlns_jibri), stanza:get_child("dial", xmlns_rayo);
	if jibri then return jibri.attr.action ~= "stop"; end
	return dial ~= nil and (dial.attr.to or ""):lower():find(transcriber, 1, true) ~= nil;
end

-- Room metadata, as Jitsi's page sends them to a component of their own, in JSON.  The text is looked at and not read: another
-- reader of JSON than Jitsi's may find another value in an odd text, or none.
local function starts_by_message(stanza)
	local metadata = stanza:get_child("room_metadata", xmlns_jitmeet);
	local text = metadata and metadata:get_text() or "";
	text = text:gsub("\\u00(%x%x)", function (hex) return string.char(tonumber(hex, 16)); end);
	for position in text:gmatch(switch .. "()") do
		if not text:find('^"%s*:%s*false%f[%A]', position) then return true; end
	end
	return false;
end

local function refuse(event, steps)
	local stanza = event.stanza;
	steps:note("recording", stanza.attr.from, stanza.attr.to);
	event.origin.send(st.error_reply(stanza, "auth", "forbidden", words.recording));
	return true;
end

-- context: of a host through which clients reach jicofo.  Where a hook fails, the stanza goes no further.
local function attach_to_requests(context, steps)
	for _, kind in ipairs({ "iq/full", "iq/bare", "iq/host" }) do
		hooks.before_others(context, kind, function (event)
			return starts_by_iq(event.stanza) and refuse(event, steps) or nil;
		end, hooks.stop);
	end
end

-- context: of a component.
local function attach_to_metadata(context, steps)
	hooks.before_others(context, "message/host", function (event)
		return starts_by_message(event.stanza) and refuse(event, steps) or nil;
	end, hooks.stop);
end

return { attach_to_requests = attach_to_requests, attach_to_metadata = attach_to_metadata };
