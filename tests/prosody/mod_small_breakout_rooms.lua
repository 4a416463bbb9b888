-- mod_small_breakout_rooms: does to a main room what Jitsi's breakout rooms do to it, and speaks their protocol.
-- Is loaded on the main MUC.  A moderator of a main room sends to the component of breakout rooms
-- <message><breakout_rooms type="features/breakout-rooms/add" subject=…/></message>;
-- all who are in the main room or in a breakout room of it are then told which rooms there are.
-- This file is MIT licensed; see LICENSE.
-- luacheck: globals prosody, read globals module

local jid = require "util.jid";
local json = require "util.json";
local st = require "util.stanza";
local timer = require "util.timer";
local uuid = require "util.uuid".generate;

local addresses = module:require "small_addresses";

local xmlns = "http://jitsi.org/jitmeet";
local features = "features/breakout-rooms/";
local breakout_host = assert(module:get_option_string("breakout_muc"), "breakout_muc is missing");

local main_rooms = {}; -- address of a breakout room -> that of its main room

local function rooms_on(host)
	return prosody.hosts[host].modules.muc;
end

local function main_room_of(address)
	local main = main_rooms[address];
	return main and rooms_on(module.host).get_room_from_jid(main);
end

local function is_focus(occupant)
	return jid.resource(occupant.nick) == "focus";
end

-- Telling -------------------------------------------------------------------------------------------------------------

local function describe(address, name, room)
	local people = {};
	if room then
		for nick, occupant in room:each_occupant() do
			if not is_focus(occupant) then
				people[addresses.to_outside(nick)] = { jid = occupant.jid; role = occupant.role };
			end
		end
	end
	return { id = jid.node(address); jid = address; name = name; participants = people };
end

local function breakouts_of(main)
	local found = {};
	for address in pairs(main._data.breakout_rooms or {}) do
		local room = rooms_on(breakout_host).get_room_from_jid(address);
		if room then found[#found + 1] = room; end
	end
	return found;
end

local function tell_all(main)
	local first = describe(addresses.to_outside(main.jid), main._data.subject, main);
	first.isMainRoom = true;
	local rooms = { [first.id] = first };
	for address, name in pairs(main._data.breakout_rooms or {}) do
		local each = describe(address, name, rooms_on(breakout_host).get_room_from_jid(address));
		rooms[each.id] = each;
	end
	local told = json.encode { type = "breakout_rooms"; event = features .. "update"; rooms = rooms };
	for _, room in ipairs { main, table.unpack(breakouts_of(main)) } do
		for _, occupant in room:each_occupant() do
			if not is_focus(occupant) then
				module:send(st.message({ from = breakout_host; to = occupant.jid })
					:tag("json-message", { xmlns = xmlns }):text(told):up());
			end
		end
	end
end

-- Adding --------------------------------------------------------------------------------------------------------------

local function add_breakout(main, subject)
	local address = uuid() .. "@" .. breakout_host;
	main._data.breakout_rooms = main._data.breakout_rooms or {};
	main._data.breakout_rooms[address] = subject;
	main._data.breakout_rooms_active = true;
	main:set_persistent(true); -- or else it would end as soon as all are in the others
	main:save(true);
	main_rooms[address] = main.jid;
	tell_all(main);
end

-- Jitsi's looks for the room in the page's URL.
local function led_by(sender)
	for main in rooms_on(module.host).each_room() do
		local occupant = main:get_occupant_by_real_jid(sender);
		if occupant and occupant.role == "moderator" then return main; end
	end
end

local function take_message(event)
	local wish = event.stanza:get_child("breakout_rooms");
	local main = wish and event.stanza.attr.type ~= "error" and led_by(event.stanza.attr.from);
	if not main or wish.attr.type ~= features .. "add" then return nil; end
	add_breakout(main, wish.attr.subject);
	return true;
end

-- Living --------------------------------------------------------------------------------------------------------------

local function add_fields(event)
	table.insert(event.form, { name = "muc#roominfo_isbreakout"; label = "Breakout room"; type = "boolean"; value = true });
	table.insert(event.form, {
		name = "muc#roominfo_breakout_main_room";
		label = "Main room";
		value = addresses.to_outside(main_rooms[event.room.jid] or "");
	});
end

-- An invented breakout room gets no answer, as with Jitsi's module.
local function refuse_unknown(event)
	local main = main_room_of(event.room.jid);
	if not (main and (main._data.breakout_rooms or {})[event.room.jid]) then return true; end
end

-- Before Prosody's own, which is at 0.
module:hook("muc-room-destroyed", function (event)
	local main = event.room;
	for _, breakout in ipairs(breakouts_of(main)) do
		breakout:destroy(main.jid, event.reason or "Breakout room removed.");
	end
	for address in pairs(main._data.breakout_rooms or {}) do
		main_rooms[address] = nil;
	end
	main._data.breakout_rooms = nil;
end, 1);

-- Once the other component is there.
timer.add_task(0, function ()
	local room_mt = rooms_on(breakout_host).room_mt;
	function room_mt:get_affiliation(who) -- a moderator there is one here
		local main = main_room_of(self.jid);
		return main and main:get_affiliation(who) or "none";
	end
	local there = module:context(breakout_host);
	there:hook("message/host", take_message);
	there:hook("muc-room-pre-create", refuse_unknown, -0.5); -- after the restriction to admins, which answers
	there:hook("muc-config-form", add_fields);
end);
