-- mod_small_lobby: does to a main room what Jitsi's lobby does to it, and has its traps.  A lobby is a room of the same name on
-- another component.  Who may not enter the main room is sent there; moderators invite them from there; it ends with the main room.
-- Left out: the names that people type, who sees whom in the lobby, and what Jitsi's tells the pages beyond Prosody's own words.
-- Is loaded on the main MUC.  This file is MIT licensed; see LICENSE.
-- luacheck: read globals module prosody

local jid = require "util.jid";
local st = require "util.stanza";
local timer = require "util.timer";

local addresses = module:require "small_addresses";
local is_affiliation = module:require "muc/util".valid_affiliations;

local xmlns = "http://jitsi.org/jitmeet";
local xmlns_muc = "http://jabber.org/protocol/muc";
local xmlns_user = xmlns_muc .. "#user";
local members_only = "muc#roomconfig_membersonly";
local lobby_host = assert(module:get_option_string("lobby_muc"), "lobby_muc is missing");

local function rooms_on(host)
	return prosody.hosts[host].modules.muc;
end

local function is_stranger(room, who)
	return is_affiliation[room:get_affiliation(who) or "none"] < is_affiliation.member;
end

-- Opening and closing -------------------------------------------------------------------------------------------------

-- Returns whether it was not there before.
local function open_lobby(room)
	local address = jid.join(jid.node(room.jid), lobby_host);
	if rooms_on(lobby_host).get_room_from_jid(address) then return false; end
	local lobby = rooms_on(lobby_host).create_room(address);
	lobby:set_persistent(true); -- it is there although nobody waits
	lobby.main_room_jid = room.jid;
	room._data.lobbyroom = address;
	room:save(true);
	return true;
end

-- The waiting pages read "reason", and with the address of a room they enter that one.
local function close_lobby(room, address, reason)
	local lobby = room._data.lobbyroom and rooms_on(lobby_host).get_room_from_jid(room._data.lobbyroom);
	room._data.lobbyroom, room._data.lobby_extra_reason = nil, nil;
	if not lobby then return; end
	lobby:set_persistent(false);
	lobby:destroy(address, reason or "Lobby room closed.");
end

local function tell_of_change(room)
	room:broadcast_message(st.message({ type = "groupchat"; from = room.jid })
		:tag("x", { xmlns = xmlns_user }):tag("status", { code = "104" }):up():up());
end

-- As other modules wish: event has the room, and perhaps the name of a reason for those who are sent to the lobby.
module:hook_global("create-lobby-room", function (event)
	local room = event.room;
	for _, occupant in room:each_occupant() do
		if is_stranger(room, occupant.bare_jid) then room:set_affiliation(true, occupant.bare_jid, "member"); end
	end
	room:set_members_only(true);
	room._data.lobby_extra_reason = event.reason;
	tell_of_change(room);
	open_lobby(room);
end);

-- Who wishes that has to make the room open again: this does not.
module:hook_global("destroy-lobby-room", function (event)
	close_lobby(event.room, event.newjid, event.message);
	tell_of_change(event.room);
end);

-- As moderators wish.  A form that does not say whether the room is for members only closes the lobby too, though Prosody then
-- leaves the room as it is.
module:hook("muc-config-submitted", function (event)
	local room = event.room;
	if jid.node(event.actor) == "focus" then return; end
	if not event.fields[members_only] then
		if room._data.lobbyroom then close_lobby(room, addresses.to_outside(room.jid)); end
	elseif open_lobby(room) then
		event.status_codes["104"] = true;
	end
end);

-- Before Prosody's own, which is at 0.
module:hook("muc-room-destroyed", function (event)
	close_lobby(event.room);
end, 1);

-- At the door ---------------------------------------------------------------------------------------------------------

local function refuse(event)
	local data = event.room._data;
	local reply = st.error_reply(event.stanza, "auth", "registration-required");
	reply.tags[1].attr.code = "407";
	if data.lobby_extra_reason then reply:tag(data.lobby_extra_reason, { xmlns = xmlns }):up(); end
	event.origin.send(reply:text_tag("lobbyroom", data.lobbyroom, { xmlns = xmlns }));
	return true;
end

-- The right password makes a member, and a member who was invited needs none.  Returns whether they are known now.
local function know(room, occupant, x)
	local secret, given = room:get_password(), x:get_child_text("password", xmlns_muc);
	local affiliation = room:get_affiliation(occupant.bare_jid) or "none";
	if secret and given == secret and (affiliation == "none" or affiliation == "member") then
		occupant.role = "participant";
		room:set_affiliation(true, occupant.bare_jid, "member");
		return true;
	end
	if secret and not given and affiliation == "member" then x:text_tag("password", secret, { xmlns = xmlns_muc }); end
	return affiliation ~= "none";
end

-- Before Prosody's own look at the members, which is at -5.
module:hook("muc-occupant-pre-join", function (event)
	local room, occupant, x = event.room, event.occupant, event.stanza:get_child("x", xmlns_muc);
	if not x or not room:get_members_only() or jid.resource(occupant.nick) == "focus" then return nil; end
	if know(room, occupant, x) then return nil; end
	return refuse(event);
end, -4);

-- A message may invite many; Prosody's own reads the first of its invitations, and makes members of those invited.
module:hook("message/bare", function (event)
	local stanza = event.stanza;
	local x = stanza.attr.type ~= "error" and stanza:get_child("x", xmlns_user);
	local room = x and rooms_on(module.host).get_room_from_jid(stanza.attr.to);
	if not room or not x:get_child("invite") then return nil; end
	for invite in x:childtags("invite") do
		local single = st.message(stanza.attr):tag("x", { xmlns = xmlns_user }):add_child(invite):up();
		if invite.attr.to then room:handle_mediated_invite(event.origin, single); end
	end
	return true;
end, 1);

-- After Prosody's own, which adds the password for everybody who is invited.
module:hook("muc-invite", function (event)
	event.stanza:get_child("x", xmlns_user):maptags(function (child) return child.name ~= "password" and child or nil; end);
end, -1);

-- Once the other component is there: leaders and members of the main room are so in its lobby.
timer.add_task(0, function ()
	local room_mt = rooms_on(lobby_host).room_mt;
	function room_mt:get_affiliation(who)
		local main = self.main_room_jid and rooms_on(module.host).get_room_from_jid(self.main_room_jid);
		return main and main:get_affiliation(who) or "none";
	end
end);
