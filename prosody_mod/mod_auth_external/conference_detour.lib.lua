-- conference_detour.lib.lua: closes the ways on which a conference request would reach jicofo past the component.
-- jicofo answers everybody, and nobody would look at such an answer.  Jitsi's own clients use none of these ways.
-- This file is MIT licensed; see LICENSE.

local jid = require "util.jid";
local st = require "util.stanza";

local hooks = module:require "authbridge/hooks";

local xmlns = "http://jitsi.org/protocol/focus";

-- Returns the hosts, as a set, where such a request could pass: straight to jicofo, as a private message through a room that
-- jicofo is in, or to any other address at the component, which takes all of them for its own.
-- place: of jitsi_config.lib.lua.
local function hosts_of(place)
	local hosts = { [jid.host(place.target)] = true, [place.focus] = true };
	for _, host in ipairs(place.mucs) do hosts[host] = true; end
	return hosts;
end

local function is_request(stanza)
	local child = stanza.tags[1];
	return child and child.attr.xmlns == xmlns and (stanza.attr.type == "get" or stanza.attr.type == "set");
end

-- context: of one of those hosts.  Where a hook fails, the stanza goes no further.
local function attach(context, focus)
	local function on_stanza(event)
		local stanza = event.stanza;
		if not is_request(stanza) or jid.host(stanza.attr.from) == focus then return nil; end
		event.origin.send(st.error_reply(stanza, "cancel", "not-allowed", "Ask " .. focus));
		return true;
	end
	for _, kind in ipairs({ "iq/full", "iq/bare" }) do hooks.before_all(context, kind, on_stanza, hooks.stop); end
end

return { hosts_of = hosts_of, attach = attach };
