-- own_rooms.lib.lua: lets organisers into the meeting again that they started: past its password and its lobby.
-- Jitsi's page forgets the password when it is loaded again, and before its join it is a stranger at the lobby's door:
-- jicofo makes it an owner when it is inside.
-- This file is MIT licensed; see LICENSE.

local jid = require "util.jid";
local st = require "util.stanza";
local time = require "util.time".now;

local clients = module:require "clients";
local hooks = module:require "authbridge/hooks";
local rooms = module:require "authbridge/rooms";

local methods = {};
methods.__index = methods;

-- parts: feed, people, meetings, rules; target: jicofo's bare JID.
local function new(parts, target)
	return setmetatable({
		feed = parts.feed, people = parts.people, meetings = parts.meetings, rules = parts.rules, target = target;
	}, methods);
end

-- Tells whether the starter is still at home there: inside, gone a moment ago, or no other organiser is inside.  Otherwise an
-- organiser who once opened a room and left it would come into what a colleague has made of it since.
function methods:is_at_home(username, room)
	local inside = rooms.clients_in(room);
	return self.people:is_among(username, inside) or self.meetings:has_starter_just_left(room.jid, time())
		or self.people:heir_of(room.jid, username, inside, self.feed, time(), false, self.rules:leading(room.jid)) == nil;
end

-- Tells whether jicofo last let that client into this room, and its organiser has started it, was inside, and may go on.
function methods:is_own(client, room)
	local known, address = self.people:of_client(client), room.jid;
	return known ~= nil and known.room == address and self.meetings:is_started_by(address, known.username)
		and self.meetings:has_starter_joined(address) and self.people:may_lead(client, self.feed)
		and self:is_at_home(known.username, room);
end

-- jicofo has let that client into the room.  It becomes an owner as if jicofo had made it one, which it will in a moment;
-- so it counts among those who lead by its organiser.
function methods:answered(client, address)
	local room, bare = rooms.find(address), jid.bare(client);
	if room and self:is_own(client, room) and not rooms.is_leader(room, bare) then
		rooms.set_affiliation(room, self.target, bare, "owner");
	end
end

-- Refuses a page that was put out: another module may have held its join back until now.
function methods:before_join(event)
	local stanza = event.stanza;
	local session = clients.session(stanza.attr.from);
	if session and session.auth_external_is_silenced or self.people:is_client_over(stanza.attr.from, self.feed) then
		event.origin.send(st.error_reply(stanza, "cancel", "not-allowed"));
		return true;
	end
	local room = event.room;
	if room:get_password() and self:is_own(stanza.attr.from, room) then rooms.add_password(room, stanza); end
	return nil;
end

-- context: of a component with rooms.  Where the hook fails, nobody joins.
function methods:attach(context)
	hooks.before_all(context, "muc-occupant-pre-join", function (event) return self:before_join(event); end, hooks.stop);
end

return { new = new };
