-- mod_small_room_metadata: does what Jitsi's mod_room_metadata_component does with the wishes of moderators, and speaks its protocol.
-- Is a component of its own.  A moderator of a room sends it
-- <message><room_metadata xmlns="http://jitsi.org/jitmeet" room=…>{"key":…,"data":…}</room_metadata></message>;
-- all in the room are then told all that is known of it.  What is refused is so without a word.
-- This file is MIT licensed; see LICENSE.
-- luacheck: read globals module prosody

local json = require "util.json";
local st = require "util.stanza";

local addresses = module:require "small_addresses";

local xmlns = "http://jitsi.org/jitmeet";
local muc_host = assert(module:get_option_string("muc_component"), "muc_component is missing");
local main_host = assert(module:get_option_string("muc_mapper_domain_base"), "muc_mapper_domain_base is missing");

local function tell_all(room)
	local told = json.encode { type = "room_metadata"; metadata = room.jitsiMetadata };
	for _, occupant in room:each_occupant() do
		module:send(st.message({ from = module.host; to = occupant.jid })
			:text_tag("json-message", told, { xmlns = xmlns; room = addresses.to_outside(room.jid) }));
	end
end

-- Other modules on the main host may refuse it by false, or give the data that is to be written.
local function allowed_data(event)
	local answer = module:context(main_host):fire_event("jitsi-metadata-allow-moderation", event);
	if answer == nil and event.actor.role == "moderator" then return event.data; end
	return answer or nil;
end

local function write(room, actor, wish, session)
	local data = allowed_data { room = room; actor = actor; key = wish.key; data = wish.data; session = session };
	if data == nil then return; end
	room.jitsiMetadata = room.jitsiMetadata or {};
	room.jitsiMetadata[wish.key] = data;
	tell_all(room);
	module:context(muc_host):fire_event("jitsi-metadata-updated", { room = room; actor = actor; key = wish.key });
end

-- Jitsi's serves only sessions whose URL names a room, and does not look whether it is this one.
module:hook("message/host", function (event)
	local stanza = event.stanza;
	local element = stanza.attr.type ~= "error" and stanza:get_child("room_metadata", xmlns);
	if not element then return true; end
	local room = prosody.hosts[muc_host].modules.muc.get_room_from_jid(addresses.to_inside(element.attr.room or ""));
	local actor = room and room:get_occupant_by_real_jid(stanza.attr.from);
	local wish = actor and json.decode(element:get_text());
	if type(wish) == "table" and type(wish.key) == "string" and wish.data ~= nil then
		write(room, actor, wish, event.origin);
	end
	return true;
end);
