-- mod_small_wait_for_host: does what Jitsi's mod_muc_wait_for_host does with its mod_persistent_lobby: until a host is there, all
-- others wait in a lobby, which keeps the room.  A host is a session of the main host; other modules may say so too, by the
-- event "room_has_host" with the room, the occupant who is about to join, and their session.
-- Is loaded on the main MUC, with mod_small_lobby.  This file is MIT licensed; see LICENSE.
-- luacheck: globals prosody, read globals module

local jid = require "util.jid";
local timer = require "util.timer";

local addresses = module:require "small_addresses";

local lobby_host = assert(module:get_option_string("lobby_muc"), "lobby_muc is missing");
local host = assert(module:get_option_string("muc_mapper_domain_base"), "muc_mapper_domain_base is missing");

local function rooms_on(component)
	return prosody.hosts[component].modules.muc;
end

local function is_of_host(occupant)
	return jid.host(occupant.bare_jid) == host;
end

local function is_focus(occupant)
	return jid.resource(occupant.nick) == "focus";
end

-- A session's token is believed unseen.
local function is_host(session, occupant)
	return session.auth_token ~= nil or (session.username ~= nil and is_of_host(occupant));
end

local function has_host(room)
	for _, occupant in room:each_occupant() do
		room.has_host = room.has_host or is_of_host(occupant);
	end
	return room.has_host;
end

-- A room that learned of its host by the event alone asks again at every join, and opens its lobby again.
local function open_room(room, occupant)
	room:set_members_only(false);
	room:set_persistent(false);
	occupant.role = room:get_default_role(room:get_affiliation(occupant.bare_jid)) or "participant";
	prosody.events.fire_event("destroy-lobby-room", {
		room = room; newjid = addresses.to_outside(room.jid); message = "Host arrived.";
	});
end

module:hook("room_has_host", function (event)
	return is_host(event.session, event.occupant) or nil;
end);

module:hook("muc-occupant-pre-join", function (event)
	local room, occupant = event.room, event.occupant;
	if is_focus(occupant) or has_host(room) then return; end
	if module:fire_event("room_has_host", { room = room; occupant = occupant; session = event.origin }) then
		open_room(room, occupant);
	elseif not room:get_members_only() then
		prosody.events.fire_event("create-persistent-lobby-room", { room = room; reason = "waiting-for-host" });
	end
end);

module:hook("muc-occupant-joined", function (event)
	if is_host(event.origin, event.occupant) then event.room:set_affiliation(true, event.occupant.bare_jid, "owner"); end
end, 2);

-- The lobby that keeps its room ------------------------------------------------------------------------------------------

module:hook_global("create-persistent-lobby-room", function (event)
	prosody.events.fire_event("create-lobby-room", event);
	event.room._data.persist_lobby = true;
	event.room:set_persistent(true);
end);

local function end_if_empty(room)
	local address = room._data.lobbyroom;
	local lobby = address and rooms_on(lobby_host).get_room_from_jid(address);
	if not room._data.persist_lobby or room:has_occupant() or (address and not lobby) then return; end
	if lobby and lobby:has_occupant() then return; end
	room:set_persistent(false);
	room:destroy(nil, "main room and lobby now empty");
end

module:hook("muc-occupant-left", function (event)
	if not event.room.destroying then end_if_empty(event.room); end
end);

-- Once the other component is there.
timer.add_task(0, function ()
	module:context(lobby_host):hook("muc-occupant-left", function (event)
		local main = event.room.main_room_jid and rooms_on(module.host).get_room_from_jid(event.room.main_room_jid);
		if main then end_if_empty(main); end
	end);
end);
