-- mod_small_claims: puts unverified claims into sessions, as some modules of Jitsi do, and tells what is in them later.
-- It fills the fields with a word of its own for every request; <show xmlns='urn:authbridge:test:claims'/> to the
-- server asks for them.
-- This file is MIT licensed; see LICENSE.
-- luacheck: read globals module

module:set_global();

local st = require "util.stanza";

local xmlns = "urn:authbridge:test:claims";

local function believe(event)
	event.session.auth_token = "claimed";
	event.session.jitsi_meet_context_user = { id = "claimed" };
	event.session.jitsi_web_query_room = "physik";
end

module:hook("bosh-session", believe, 1);
module:hook("websocket-session", believe, 1);

function module.add_host(host) -- luacheck: ignore 122
	host:hook("iq-get/host/" .. xmlns .. ":show", function (event)
		local session = event.origin;
		local user = session.jitsi_meet_context_user;
		session.send(st.reply(event.stanza):tag("show", {
			xmlns = xmlns, token = session.auth_token, user = user and user.id, room = session.jitsi_web_query_room;
		}));
		return true;
	end);
end
