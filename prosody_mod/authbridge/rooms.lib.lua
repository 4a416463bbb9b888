-- rooms.lib.lua: finds, reads and changes Prosody's rooms.
-- A change calls other modules' handlers.  An error in one of them is logged, and the next change is made all the same.
-- This file is MIT licensed; see LICENSE.

local jid = require "util.jid";
local st = require "util.stanza";

local protect = module:require "authbridge/protect";

local xmlns_muc, xmlns_user = "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#user";

-- Everybody in the meeting reads it.
local meeting_ended = "Das Medienzentrum hat diese Besprechung beendet. / The media centre has ended this meeting.";

local function muc_of(host)
	local muc = prosody.hosts[host];
	return muc and muc.modules.muc;
end

-- Iterates over the rooms of that component that are loaded.
local function all_at(host)
	local muc = muc_of(host);
	if muc then return muc.each_room(true); end
	return next, {};
end

local function find(address)
	local muc = muc_of(jid.host(address));
	return muc and muc.get_room_from_jid(address);
end

-- Returns the room and its breakout rooms, as Jitsi's module notes them.
local function with_breakouts(room)
	local rooms = { room };
	for address in pairs(room and room._data.breakout_rooms or {}) do
		local breakout = find(address);
		if breakout then table.insert(rooms, breakout); end
	end
	return rooms;
end

-- Returns the full JIDs of those in the room and in its breakout rooms.
local function clients_in(room)
	local clients = {};
	for _, each in ipairs(with_breakouts(room)) do
		for _, occupant in each:each_occupant() do
			for client in occupant:each_session() do table.insert(clients, client); end
		end
	end
	return clients;
end

-- Tells whether that bare JID is in the room.
local function holds(room, address)
	for _, occupant in room:each_occupant() do
		if occupant.bare_jid == address then return true; end
	end
	return false;
end

-- Returns the main room of that breakout room, or nil.  hosts: the components in which to look for it.
local function main_of(address, hosts)
	for _, host in ipairs(hosts) do
		for room in all_at(host) do
			if (room._data.breakout_rooms or {})[address] then return room; end
		end
	end
	return nil;
end

local function destroy_alone(room, reason)
	protect.call(room.set_persistent, room, false); -- a persistent room would leave a tombstone for a month
	local is_gone = protect.call(room.destroy, room, nil, reason or meeting_ended);
	if is_gone == false then module:log("error", "A meeting could not be ended: another module kept it"); end
	return is_gone == true;
end

-- reason: what those in it read, or nil: that the media centre has ended it.  Returns whether the room is gone.  Its breakout
-- rooms end first: while there are any, jicofo lets guests open the main room anew.
local function destroy(room, reason)
	for i, each in ipairs(with_breakouts(room)) do
		if i > 1 then destroy_alone(each, reason); end
	end
	return destroy_alone(room, reason);
end

-- Tells whether somebody who comes must know its password, or is sent to its lobby.
local function is_protected(room)
	return room:get_password() ~= nil or room:get_members_only() == true;
end

-- Puts the room's password into a join.  Prosody passes it on to nobody.
local function add_password(room, stanza)
	local password, x = room:get_password(), stanza:get_child("x", xmlns_muc);
	if not password or not x then return; end
	x:maptags(function (child) return child.name ~= "password" and child or nil; end);
	x:text_tag("password", password, { xmlns = xmlns_muc });
end

local function is_leader(room, address)
	local affiliation = room:get_affiliation(address);
	return affiliation == "owner" or affiliation == "admin";
end

-- actor: JID, or true for Prosody itself; affiliation: nil takes it away.
local function set_affiliation(room, actor, address, affiliation)
	return protect.call(room.set_affiliation, room, actor, address, affiliation);
end

-- Nobody leads in Jitsi without being an owner, but an owner can arrange it.
local function demote_others(room)
	for _, occupant in room:each_occupant() do
		if occupant.role == "moderator" and not is_leader(room, occupant.bare_jid) then
			protect.call(room.set_role, room, true, occupant.nick, "participant");
		end
	end
end

-- Tells that client, if it is in the room, that the room has ended, and why.  Returns whether it was told.
-- Jitsi's page shows the reason of such an end and hangs up; of a kick it shows none, and pages of others, where nobody has
-- kicked, fail over it and hear of no leave and no end any more (lib-jitsi-meet 01daa07c).
local function tell_end(room, client, reason)
	local occupant = room:get_occupant_by_real_jid(client);
	if not occupant then return false; end
	local x = st.stanza("x", { xmlns = xmlns_user }):tag("destroy"):tag("reason"):text(reason):up():up();
	protect.call(room.publicise_occupant_status, room, occupant, x, nil, nil, nil, nil, true, occupant);
	return true;
end

-- Removes the occupant as if it had left.
local function remove(room, occupant)
	local role = occupant.role;
	occupant.role = nil;
	room:save_occupant(occupant);
	room:publicise_occupant_status(occupant, st.stanza("x", { xmlns = xmlns_user }), nil, nil, nil, role);
	module:context(jid.host(room.jid)):fire_event("muc-occupant-left", { room = room, nick = occupant.nick, occupant = occupant });
end

-- Removes the client and its affiliation from that room.  The client reads that the room has ended; others see it leave.
-- Returns whether it was there, and whether it is out.  The client goes first: from a room that only members may enter the
-- loss of the lead would put it out without the reason.  A member could come back by another session of its bare JID.
local function take_out(room, client, reason)
	local address, is_told = jid.bare(client), tell_end(room, client, reason);
	if is_told then protect.call(remove, room, room:get_occupant_by_real_jid(client)); end
	local affiliation = room:get_affiliation(address);
	if affiliation and affiliation ~= "none" and affiliation ~= "outcast" then set_affiliation(room, true, address, nil); end
	return is_told, room:get_occupant_by_real_jid(client) == nil;
end

return {
	all_at = all_at, find = find, with_breakouts = with_breakouts, clients_in = clients_in, holds = holds, main_of = main_of;
	destroy = destroy, is_leader = is_leader, set_affiliation = set_affiliation, demote_others = demote_others;
	is_protected = is_protected, add_password = add_password, tell_end = tell_end, take_out = take_out;
};
