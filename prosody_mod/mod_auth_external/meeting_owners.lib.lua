-- meeting_owners.lib.lua: keeps meetings.lib.lua in step with Prosody's rooms: whose each room is that exists.
-- A room that jicofo keeps and no known organiser has opened is ended.
-- This file is MIT licensed; see LICENSE.

local time = require "util.time".now;

local hooks = module:require "authbridge/hooks";
local rooms = module:require "authbridge/rooms";

local methods = {};
methods.__index = methods;

-- parts: feed, people, meetings, rules, place (of jitsi_config.lib.lua), changed() = called when the meetings that run change.
local function new(parts)
	return setmetatable({
		feed = parts.feed, people = parts.people, meetings = parts.meetings, rules = parts.rules;
		place = parts.place, changed = parts.changed;
		unowned = {}; -- JID -> room that was nobody's at the last sweep
	}, methods);
end

-- Returns a client of an organiser other than `username` (nil: of any) who is in the room or about to join, or nil.  Nobody
-- inherits at the door of a room with a password or a lobby: an organiser who is refused there would get the key.
function methods:heir_in(room, username)
	local is_open = not rooms.is_protected(room);
	return self.people:heir_of(room.jid, username, rooms.clients_in(room), self.feed, time(), is_open, self.rules:leading(room.jid));
end

-- The client's session ends.
function methods:client_gone(client)
	local known = self.people:of_client(client);
	local room = known and known.room and rooms.find(known.room);
	if room and room:get_occupant_by_real_jid(client) then self.meetings:client_leaves(client, room.jid, time()); end
end

function methods:hand_over(address, client)
	self.meetings:hand_over(address, client, time());
	self.changed();
end

-- Settles whose the rooms are.  A room becomes that of the organiser who was let in first, if no earlier request waits for its
-- answer; a room whose starter never came becomes that of an organiser who leads it.  username: of an organiser who is about
-- to be suspended, or nil: that one has a room at once, so that it ends.
function methods:settle(username)
	if self.meetings:settle_delayed(time(), username) then self.changed(); end
	for _, address in ipairs(self.meetings:abandoned_rooms(time())) do
		local room = rooms.find(address);
		local leader = room and self:heir_in(room);
		if leader then self:hand_over(address, leader); end
	end
end

-- Settles whose that room is, unless an open request may still open it.  Returns whether an organiser has opened it, was let
-- into it, or is there.  room: nil if it does not exist.
function methods:settle_room(address, room, is_contended)
	if not is_contended and self.meetings:settle_delayed(time()) then self.changed(); end
	if self.meetings:is_known(address) then return true; end
	local opener = room and self:heir_in(room);
	if opener and not is_contended then self:hand_over(address, opener); end
	return opener ~= nil;
end

function methods:room_gone(address)
	if self.meetings:room_gone(address) then self.changed(); end
end

-- Ends a room that no known organiser has opened.
local function end_unopened(room)
	module:log("warn", "A meeting ended that no known organiser has opened");
	rooms.destroy(room);
end

-- Ends the rooms that jicofo keeps and no known organiser has opened, at the second sweep that finds them so.
function methods:end_unowned()
	local seen = {};
	for _, host in ipairs(self.place.meetings) do
		for room in rooms.all_at(host) do
			local is_owned = self.meetings:is_known(room.jid) or self:heir_in(room);
			if not is_owned and rooms.holds(room, self.place.target) then seen[room.jid] = room; end
		end
	end
	for address, room in pairs(seen) do
		if self.unowned[address] then end_unopened(room); end
	end
	self.unowned = seen;
end

function methods:sweep()
	self:settle();
	self:end_unowned();
	if self.meetings:sweep(time(), function (address) return rooms.find(address) ~= nil; end) then self.changed(); end
end

-- host: a component with rooms; those that are there already are nobody's.
function methods:attach(host, context)
	for room in rooms.all_at(host) do self.meetings:found_before(room.jid); end
	hooks.before_all(context, "muc-occupant-joined", function (event)
		for client in event.occupant:each_session() do
			local is_ours = not self.rules:is_visitor(client, event.room.jid);
			if is_ours and self.meetings:client_joined(client, event.room.jid, time()) then self.changed(); end
		end
	end);
	hooks.before_all(context, "muc-occupant-left", function (event)
		local client = event.stanza and event.stanza.attr.from;
		if client then self.meetings:client_leaves(client, event.room.jid, time()); end
	end);
	hooks.before_all(context, "muc-room-destroyed", function (event) self:room_gone(event.room.jid); end);
end

return { new = new, end_unopened = end_unopened };
