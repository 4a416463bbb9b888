-- protection.lib.lua: lets no meeting be open to everybody: it has a password or a lobby, and keeps one of them.
-- This file is MIT licensed; see LICENSE.

local protect = module:require "authbridge/protect";
local rooms = module:require "authbridge/rooms";

local secret, members_only = "muc#roomconfig_roomsecret", "muc#roomconfig_membersonly";

-- Turns the lobby on, by the event for which Jitsi's mod_muc_lobby_rooms waits; it makes members of those who are inside.
-- Without that module nothing happens, and the room opens when the organiser sets a password.
local function turn_lobby_on(room)
	if rooms.is_protected(room) then return; end
	protect.call(prosody.events.fire_event, "create-lobby-room", { room = room });
	if rooms.is_protected(room) then module:fire_event("room-metadata-changed", { room = room }); end
end

-- Returns the names of the fields in a submitted form, as a set.
local function fields_in(stanza)
	local present, query = {}, stanza.tags[1];
	local form = query and query:get_child("x", "jabber:x:data");
	if form then
		for field in form:childtags("field") do present[field.attr.var or ""] = true; end
	end
	return present;
end

-- event: Prosody's muc-config-submitted.  Changes the form that comes so that the room keeps its last protection, and so that a
-- form that does not speak of the lobby leaves it as it is: Jitsi's module would take that for an order to close it.
-- Returns whether it had to keep something.
local function keep_in_form(event)
	local room, fields, present = event.room, event.fields, fields_in(event.stanza);
	local password, has_lobby = room:get_password(), room:get_members_only() == true;
	if not present[members_only] and has_lobby then fields[members_only] = true; end
	local new_password = password;
	if present[secret] then new_password = fields[secret] ~= "" and fields[secret] or nil; end
	if new_password or fields[members_only] or not (password or has_lobby) then return false; end
	fields[secret] = password;
	fields[members_only] = has_lobby or nil;
	event.status_codes["104"] = true; -- the pages read the room anew, and show what it kept
	return true;
end

-- Makes the form leave both as they are.
local function keep_all_in_form(event)
	event.fields[secret], event.fields[members_only] = event.room:get_password(), event.room:get_members_only() or nil;
end

return { turn_lobby_on = turn_lobby_on, keep_in_form = keep_in_form, keep_all_in_form = keep_all_in_form };
