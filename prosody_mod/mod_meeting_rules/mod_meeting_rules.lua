-- mod_meeting_rules: keeps the rules of the meeting, on the component of Jitsi's meetings: names, a password or a lobby, an
-- organiser who leaves last, no recording.  mod_auth_external says who is an organiser.
-- This file reads the options and does the wiring; the *.lib.lua files beside it do the work.
-- This file is MIT licensed; see LICENSE.

local cache = require "util.cache";
local jid = require "util.jid";
local timer = require "util.timer";

local events = module:require "authbridge/meeting_events";
local hooks = module:require "authbridge/hooks";
local protect = module:require "authbridge/protect";
local rooms = module:require "authbridge/rooms";

local attendance = module:require "attendance";
local conference_rules = module:require "conference_rules";
local doors = module:require "doors";
local protection = module:require "protection";
local ranks = module:require "ranks";
local recording = module:require "recording";
local rule_options = module:require "rule_options";
local steps = module:require "steps";

local settings, fault = rule_options.read(function (name) return module:get_option(name); end);
if fault then
	module:log("error", "%s Until it is corrected all rules are kept as they are without options.", fault);
	settings = rule_options.read(function () return nil; end);
end

-- What mod_auth_external knows ----------------------------------------------------------------------

local function place()
	return module:fire_event(events.place) or {};
end

local function is_focus(client)
	return jid.bare(client) == place().target;
end

local function organiser_of(client, room)
	return module:fire_event(events.organiser_of, { client = client, room = room.jid });
end

-- The rules ---------------------------------------------------------------------------------------

local counted = steps.new(cache.new, function (rule) module:fire_event(events.stepped_in, { rule = rule }); end);
local present = attendance.new(settings, organiser_of, is_focus, counted);
local conference = conference_rules.new(settings, present, counted, cache.new);
local at_doors = doors.new({
	settings = settings, conference = conference, attendance = present, steps = counted, organiser_of = organiser_of, is_focus = is_focus;
});

-- The client is in the room: an organiser's switches the lobby on.  Jitsi's mod_muc_wait_for_host, which asks at each join whether
-- the host is there and takes the lobby away then, hears that it need not ask any more.
local function came(client, room)
	if not present:came(client, room) then return; end
	room.has_host = true;
	if settings.protection and settings.lobby then protection.turn_lobby_on(room); end
end

hooks.before_others(module, events.requested, function (event) return conference:requested(event); end, function ()
	return { kind = "client", reason = "an error in the rules" };
end);
hooks.before_others(module, events.answered, function (event) return conference:answered(event); end, function ()
	return { kind = "client", reason = "an error in the rules" };
end);
hooks.before_others(module, events.may_lead, function (event)
	return conference:may_lead(event.room, event.organiser, event.schools);
end, function () return false; end);
hooks.before_others(module, events.organiser_known, function (event)
	local room = rooms.find(event.room);
	if room and room:get_occupant_by_real_jid(event.client) then came(event.client, room); end
end);

at_doors:attach(module);
local kept_ranks = ranks.new(organiser_of, is_focus);
if settings.ending then kept_ranks:attach(module); end
-- After Jitsi's own modules have done what they do when somebody comes.  It may be a second client of the same person under the
-- same nick.
hooks.at(module, "muc-occupant-session-new", -100.5, function (event) came(event.jid, event.room); end);
hooks.before_others(module, "muc-room-destroyed", function (event) present:ended(event.room); end);
if settings.protection then
	hooks.before_others(module, "muc-config-submitted", function (event)
		if protection.keep_in_form(event) then counted:note("protection", event.actor, event.room.jid .. " form"); end
	end, protection.keep_all_in_form);
end
-- Jitsi's mod_muc_wait_for_host asks.
hooks.before_others(module, "room_has_host", function (event)
	local session = event.session;
	return session and organiser_of(session.full_jid, event.room) and true or nil;
end);

-- Other hosts ---------------------------------------------------------------------------------------

local function contains(list, wanted)
	for _, each in ipairs(list or {}) do
		if each == wanted then return true; end
	end
	return false;
end

-- Tells whether a client reaches jicofo through that host.
local function leads_to_jicofo(host, known)
	return contains(known.mucs, host) or host == known.focus or host == jid.host(known.target);
end

local function attach_to(host)
	local known, context = place(), module:context(host);
	if contains(known.mucs, host) and host ~= module.host then
		at_doors:attach_to_breakouts(context);
		if settings.ending then kept_ranks:attach(context); end
	end
	if not settings.recording then return; end
	if leads_to_jicofo(host, known) then recording.attach_to_requests(context, counted); end
	-- One of the components takes the rooms' metadata.
	if prosody.hosts[host].type == "component" then recording.attach_to_metadata(context, counted); end
end

-- When all hosts of the configuration are there.
local is_started = false;
local starting = timer.add_task(0, function ()
	if not place().focus then
		module:log("error", "No mod_auth_external guards the meetings here: nobody is known as an organiser, and no meeting opens.");
	end
	for host in pairs(prosody.hosts) do attach_to(host); end
	present:find_those_there(module.host);
	is_started = true;
end);
local sweeping = timer.add_task(settings.grace, function ()
	protect.call(present.sweep, present);
	return settings.grace;
end);
hooks.after_all_globally("host-activated", function (host)
	if is_started then attach_to(host); end
end);

function module.unload()
	timer.stop(starting);
	timer.stop(sweeping);
	present:stop();
end
