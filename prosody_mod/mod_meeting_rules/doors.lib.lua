-- doors.lib.lua: keeps the rules at the rooms themselves, against clients that ask nobody and just come.
-- This file is MIT licensed; see LICENSE.

local jid = require "util.jid";
local st = require "util.stanza";

local hooks = module:require "authbridge/hooks";
local rooms = module:require "authbridge/rooms";
local room_names = module:require "room_names";
local words = module:require "words";

local health_check = "^__jicofo%-health%-check"; -- jicofo makes such a room now and then
local switching = "switch_room"; -- the status of somebody who leaves for a breakout room, or comes back
local after_lobbies_are_made = -1; -- Jitsi's mod_muc_wait_for_host is at 0, its lobby at -4, Prosody's own rules follow

local methods = {};
methods.__index = methods;

-- settings: of rule_options.lib.lua; conference: of conference_rules.lib.lua; attendance, steps; organiser_of(client, room) ->
-- organiser or nil; is_focus(client).
local function new(parts)
	return setmetatable({
		settings = parts.settings, conference = parts.conference, attendance = parts.attendance, steps = parts.steps;
		organiser_of = parts.organiser_of, is_focus = parts.is_focus;
		away = setmetatable({}, { __mode = "k" }); -- room -> bare JID -> true: gone to a breakout room
	}, methods);
end

local function refuse(event, kind, condition, text)
	event.origin.send(st.error_reply(event.stanza, kind, condition, text));
	return true;
end

local function refuse_softly(event)
	return refuse(event, "cancel", "not-allowed");
end

-- The room comes to be --------------------------------------------------------------------------------

function methods:before_creation(event)
	local client, name = event.stanza.attr.from, jid.node(event.room.jid);
	local is_focus = self.is_focus(client);
	if self.settings.opening and not is_focus then
		self.steps:note("opening", client, event.room.jid);
		return refuse(event, "cancel", "not-allowed", words.opening);
	elseif is_focus and name:find(health_check) then
		return nil;
	end
	local text = self.conference:fault_of_name(room_names.without_tenant(name));
	if not text then return nil; end
	self.steps:note("names", client, name);
	return refuse(event, "modify", "not-acceptable", text);
end

-- Somebody comes --------------------------------------------------------------------------------------

-- Lets in past password and lobby: as one whom somebody inside has let in before.
local function let_in(event)
	local room, occupant = event.room, event.occupant;
	if not room:get_affiliation(occupant.bare_jid) then rooms.set_affiliation(room, true, occupant.bare_jid, "member"); end
	occupant.role = occupant.role or room:get_default_role(room:get_affiliation(occupant.bare_jid));
	rooms.add_password(room, event.stanza);
end

-- Tells whether that bare JID has gone from the room to a breakout room.
function methods:is_away(address, room)
	return self.away[room] ~= nil and self.away[room][address] == true;
end

function methods:is_coming_back(event)
	local client, room = event.stanza.attr.from, event.room;
	if self:is_away(jid.bare(client), room) then return true; end
	local organiser = self.organiser_of(client, room);
	return organiser ~= nil and self.attendance:has_just_left(organiser.username, room);
end

-- Those who come back from a breakout room, or by a reload of an organiser's page, are no strangers.
function methods:before_join(event)
	if not event.is_new_room and rooms.is_protected(event.room) and self:is_coming_back(event) then let_in(event); end
	return nil;
end

-- Others come when the room is protected and somebody leads it.
function methods:before_admission(event)
	local client, room = event.stanza.attr.from, event.room;
	if self.is_focus(client) or self.organiser_of(client, room) or self:is_away(jid.bare(client), room) then return nil; end
	if self.settings.protection and not rooms.is_protected(room) then
		self.steps:note("protection", client, room.jid);
		return refuse(event, "cancel", "not-allowed", words.protection);
	elseif self.attendance:is_closed(room) then
		self.steps:note("ending", client, room.jid);
		return refuse(event, "cancel", "not-allowed", words.waiting);
	end
	return nil;
end

-- Somebody goes ---------------------------------------------------------------------------------------

-- The last stanza of somebody who goes by themselves; one who is put out sends none.
local function is_switching(stanza)
	return stanza ~= nil and stanza:get_child_text("status") == switching;
end

function methods:after_leaving(event)
	local room, occupant, stanza = event.room, event.occupant, event.stanza;
	self.away[room] = self.away[room] or {};
	self.away[room][occupant.bare_jid] = next(room._data.breakout_rooms or {}) ~= nil and is_switching(stanza) or nil;
	local client = stanza and stanza.attr.from or occupant.jid;
	self.attendance:left(client, room, stanza == nil);
end

-- A moderator takes from somebody what they are to the room: they are strangers then, wherever they have gone.
function methods:after_affiliation(event)
	local is_taken = event.affiliation == "none" or event.affiliation == "outcast";
	local is_by_moderator = type(event.actor) == "string" and not self.is_focus(event.actor);
	if is_taken and is_by_moderator and self.away[event.room] then self.away[event.room][event.jid] = nil; end
end

-- Into a breakout room come those of the meeting: who has left its main room for one, or need not knock there.
function methods:before_breakout(event)
	local client, room = event.stanza.attr.from, event.room;
	local main = self.settings.protection and not self.is_focus(client) and rooms.main_of(room.jid, { module.host });
	if not main or self.organiser_of(client, main) then return nil; end
	local address = jid.bare(client);
	local affiliation = main:get_affiliation(address);
	if affiliation == "outcast" then affiliation = nil; end
	if self:is_away(address, main) or affiliation or rooms.holds(main, address) then return nil; end
	self.steps:note("protection", client, room.jid);
	return refuse(event, "cancel", "not-allowed", words.protection);
end

-- Who leaves a breakout room for good, or is put out of it, comes back as a stranger.
function methods:after_leaving_breakout(event)
	if is_switching(event.stanza) then return; end
	for _, list in pairs(self.away) do list[event.occupant.bare_jid] = nil; end
end

-- context: of the component of the meetings.  Where a hook fails that keeps somebody out, they stay out.
function methods:attach(context)
	hooks.before_others(context, "muc-room-pre-create", function (event) return self:before_creation(event); end, refuse_softly);
	hooks.before_others(context, "muc-occupant-pre-join", function (event) return self:before_join(event); end, refuse_softly);
	hooks.at(context, "muc-occupant-pre-join", after_lobbies_are_made, function (event) return self:before_admission(event); end,
		refuse_softly);
	hooks.before_others(context, "muc-occupant-left", function (event) self:after_leaving(event); end);
	hooks.before_others(context, "muc-set-affiliation", function (event) self:after_affiliation(event); end);
end

-- context: of a component of breakout rooms.
function methods:attach_to_breakouts(context)
	hooks.before_others(context, "muc-occupant-pre-join", function (event) return self:before_breakout(event); end, refuse_softly);
	hooks.before_others(context, "muc-occupant-left", function (event) self:after_leaving_breakout(event); end);
end

return { new = new };
