-- conference_rules.lib.lua: decides by the rules which conference requests reach jicofo.
-- This is where a refusal is best for people: Jitsi's page shows the text of one about the name before anybody types a password,
-- and waits for the host at the others.  What gets past here meets the same rules at the door of the room; see doors.lib.lua.
-- This file is MIT licensed; see LICENSE.

local new_id = require "util.id".short;
local time = require "util.time".now;

local room_names = module:require "room_names";
local rooms = module:require "authbridge/rooms";
local words = module:require "words";

local wrong_name, wrong_school = "406", "403"; -- codes that Jitsi's page shows beside the text
local max_machines = 256;
local remembered_for = 60; -- seconds; a page asks again every five
local letters = "abcdefghkmnpqrstuvwxyz";

local methods = {};
methods.__index = methods;

-- settings: of rule_options.lib.lua; attendance, steps; new_cache: of util.cache.
local function new(settings, attendance, steps, new_cache)
	return setmetatable({
		settings = settings, attendance = attendance, steps = steps, machines = new_cache(max_machines);
	}, methods);
end

-- The name ------------------------------------------------------------------------------------------

local function random_word()
	local word = "";
	for byte in new_id():gmatch(".") do word = word .. letters:sub(byte:byte() % #letters + 1, byte:byte() % #letters + 1); end
	return word:sub(1, 6);
end

-- Returns the text for a name that will not do, or nil.
function methods:fault_of_name(name)
	local longest = self.settings.longest_name;
	if not self.settings.names or room_names.is_permitted(name, longest) then return nil; end
	return words.names(longest, room_names.offer(name, longest, random_word()));
end

function methods:refusal_of_name(event)
	local text = self:fault_of_name(event.name);
	if not text then return nil; end
	self.steps:note("names", event.client, event.name);
	return { kind = "rule", reason = "the name of the room", text = text, code = wrong_name };
end

-- The school ----------------------------------------------------------------------------------------

-- Returns the text for a name that is not for organisers of that school (nil: of none), or nil.
function methods:fault_of_school(name, school, schools)
	local owner, longest = schools:owner_of(name), self.settings.longest_name;
	if owner and owner ~= school then
		return words.schools(owner, school and room_names.offer_of_school(name, school, owner, longest));
	elseif not owner and self.settings.only_school_names then
		return words.only_school_names(school and room_names.offer_of_school(name, school, nil, longest));
	end
	return nil;
end

local function refusal_of_school(text)
	return { kind = "rule", reason = "the room belongs to another school", text = text, code = wrong_school };
end

-- An organiser whose school is not known logged in before this Prosody started: the password, typed anew, tells it.
local unknown_school = { kind = "login", reason = "the room belongs to a school, and that of the organiser is not known" };

-- For the page of an organiser who has just been refused by the other connection, the one with the password: there Jitsi's page
-- shows no text.
function methods:remember(event, text)
	if type(event.machine) == "string" and #event.machine <= 256 then
		self.machines:set(event.machine .. " " .. event.name, { text = text, at = time() });
	end
end

function methods:remembered(event)
	local refused = type(event.machine) == "string" and self.machines:get(event.machine .. " " .. event.name);
	return refused and time() - refused.at <= remembered_for and refused.text or nil;
end

function methods:refusal_of_organiser(event)
	local text = self:fault_of_school(room_names.without_tenant(event.name), event.organiser.school, event.schools);
	if not text or event.is_opened then return nil; end
	if not event.organiser.school and not event.is_own then return unknown_school; end
	self.steps:note("schools", event.organiser.username, event.name);
	self:remember(event, text);
	return refusal_of_school(text);
end

function methods:refusal_by_school(event)
	if not self.settings.schools then return nil; end
	if event.organiser then return self:refusal_of_organiser(event); end
	if event.has_login or event.is_opened then return nil; end
	local text = self:remembered(event);
	if not text and self.settings.only_school_names and not event.schools:owner_of(event.name) then
		text = words.only_school_names(nil);
	end
	return text and refusal_of_school(text);
end

-- Tells whether that organiser may lead that room.
function methods:may_lead(room, organiser, schools)
	if not self.settings.schools then return true; end
	local owner = schools:owner_of(room_names.without_tenant(room:match("^[^@]*")));
	return owner == nil or owner == organiser.school;
end

-- The meeting ---------------------------------------------------------------------------------------

-- A participant asks for a room that is there: it may be one that takes nobody yet, or nobody any more.
function methods:refusal_of_participant(event)
	local room = event.room and rooms.find(event.room);
	local may_lead = event.organiser and self:may_lead(event.room, event.organiser, event.schools);
	if not room or may_lead or event.has_login and not event.organiser then return nil; end -- what login it is, jicofo knows
	if self.settings.protection and not rooms.is_protected(room) then
		self.steps:note("protection", event.client, event.room);
		return { kind = "client", reason = "the room has neither password nor lobby yet", is_quiet = true };
	elseif self.attendance:is_closed(room) then
		self.steps:note("ending", event.client, event.room);
		return { kind = "client", reason = "nobody leads the meeting", is_quiet = true };
	end
	return nil;
end

-- event: of meeting_events.lib.lua; each returns a refusal, or nil.
function methods:requested(event)
	return self:refusal_of_name(event) or self:refusal_by_school(event) or self:refusal_of_participant(event);
end

function methods:answered(event)
	if not self.settings.schools then return nil; end
	local name = room_names.without_tenant(event.room:match("^[^@]*"));
	local text = self:fault_of_school(name, event.organiser.school, event.schools);
	if not text then return nil; end
	if not event.organiser.school then return unknown_school; end
	return not event.is_opened and refusal_of_school(text) or nil;
end

return { new = new };
