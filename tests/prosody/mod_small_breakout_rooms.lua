-- mod_small_breakout_rooms: does to a main room what Jitsi's breakout rooms do to it, and no more.
-- Is loaded on the main MUC.  A moderator asks the room itself for a breakout room:
-- <iq type='set' to=ROOM><add xmlns='urn:authbridge:test:breakout' name=…/></iq>, and is told its address.
-- This file is MIT licensed; see LICENSE.
-- luacheck: globals prosody, read globals module

local jid = require "util.jid";
local st = require "util.stanza";
local timer = require "util.timer";
local uuid = require "util.uuid".generate;

local xmlns = "urn:authbridge:test:breakout";
local breakout_host = assert(module:get_option_string("breakout_muc"), "breakout_muc is missing");

local main_rooms = {}; -- address of a breakout room -> its main room

local function find_room(host, address)
	return prosody.hosts[host].modules.muc.get_room_from_jid(address);
end

module:hook("iq-set/bare/" .. xmlns .. ":add", function (event)
	local stanza = event.stanza;
	local room = find_room(module.host, jid.bare(stanza.attr.to));
	local occupant = room and room:get_occupant_by_real_jid(stanza.attr.from);
	if not occupant or occupant.role ~= "moderator" then
		event.origin.send(st.error_reply(stanza, "auth", "forbidden"));
		return true;
	end
	local address = uuid() .. "@" .. breakout_host;
	room._data.breakout_rooms = room._data.breakout_rooms or {};
	room._data.breakout_rooms[address] = stanza.tags[1].attr.name;
	room._data.breakout_rooms_active = true;
	room:set_persistent(true); -- or else it would end as soon as all are in the others
	room:save(true);
	main_rooms[address] = room;
	event.origin.send(st.reply(stanza):tag("added", { xmlns = xmlns, jid = address }));
	return true;
end);

-- Before Prosody's own, which is at 0.
module:hook("muc-room-destroyed", function (event)
	local room = event.room;
	for address in pairs(room._data.breakout_rooms or {}) do
		local breakout = find_room(breakout_host, address);
		if breakout then breakout:destroy(room.jid, event.reason); end
		main_rooms[address] = nil;
	end
	room._data.breakout_rooms = nil;
end, 1);

-- Once the other component is there.
timer.add_task(0, function ()
	local room_mt = prosody.hosts[breakout_host].modules.muc.room_mt;
	local own = room_mt.get_affiliation;
	function room_mt:get_affiliation(who) -- a moderator there is one here
		local main = main_rooms[self.jid];
		return main and main:get_affiliation(who) or own(self, who);
	end
	module:context(breakout_host):hook("muc-room-pre-create", function (event)
		if main_rooms[event.room.jid] then return nil; end
		event.origin.send(st.error_reply(event.stanza, "cancel", "not-allowed"));
		return true;
	end);
end);
