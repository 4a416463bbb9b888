-- own_rooms.lib.lua: lets organisers into the meeting again that they started: past its password and its lobby.
-- Jitsi's page forgets the password when it is loaded again, and before its join it is a stranger at the lobby's door:
-- jicofo makes it an owner when it is inside.
-- This file is MIT licensed; see LICENSE.

local jid = require "util.jid";

local hooks = module:require "hooks";
local rooms = module:require "rooms";

local xmlns_muc = "http://jabber.org/protocol/muc";

local methods = {};
methods.__index = methods;

-- parts: feed, people, meetings; target: jicofo's bare JID.
local function new(parts, target)
	return setmetatable({ feed = parts.feed, people = parts.people, meetings = parts.meetings, target = target }, methods);
end

-- Tells whether jicofo last let that client into this room, and its organiser started it and may go on.
function methods:is_own(client, address)
	local known = self.people:of_client(client);
	return known ~= nil and known.room == address and self.meetings:is_started_by(address, known.username)
		and self.people:may_lead(client, self.feed);
end

-- jicofo has let that client into the room.  It becomes an owner as if jicofo had made it one, which it will in a moment;
-- so it counts among those who lead by its organiser.
function methods:answered(client, address)
	local room, bare = rooms.find(address), jid.bare(client);
	if room and self:is_own(client, address) and not rooms.is_leader(room, bare) then
		rooms.set_affiliation(room, self.target, bare, "owner");
	end
end

-- Puts the room's password into the join.  Prosody passes it on to nobody.
function methods:before_join(event)
	local room, stanza = event.room, event.stanza;
	local password, x = room:get_password(), stanza:get_child("x", xmlns_muc);
	if not password or not x or not self:is_own(stanza.attr.from, room.jid) then return; end
	x:maptags(function (child) return child.name ~= "password" and child or nil; end);
	x:text_tag("password", password, { xmlns = xmlns_muc });
end

-- context: of a component with rooms.
function methods:attach(context)
	hooks.before_all(context, "muc-occupant-pre-join", function (event) self:before_join(event); end);
end

return { new = new };
