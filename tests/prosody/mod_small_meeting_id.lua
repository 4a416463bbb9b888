-- mod_small_meeting_id: does to joins what Jitsi's mod_muc_meeting_id does: those of a room that the focus has not entered wait, and
-- go through all hooks again once it comes.  Who is kicked loses their affiliation.
-- Is loaded on the main MUC.  This file is MIT licensed; see LICENSE.
-- luacheck: read globals module prosody

local jid = require "util.jid";

-- Jitsi's event, so that others may fire it.
module:hook("jicofo-unlock-room", function (event)
	local room = event.room;
	local waiting = room.pre_join_queue or {};
	room._data.jicofo_lock, room.pre_join_queue = false, nil;
	for _, join in ipairs(waiting) do
		if prosody.full_sessions[join.stanza.attr.from] then room:handle_normal_presence(join.origin, join.stanza); end
	end
end);

-- The others go through the hooks while the focus itself is still on its way through them.
module:hook("muc-occupant-pre-join", function (event)
	local room = event.room;
	if room._data.jicofo_lock == false then return nil; end
	if jid.resource(event.occupant.nick) == "focus" then
		module:fire_event("jicofo-unlock-room", { room = room });
		return nil;
	end
	room._data.jicofo_lock = true;
	room.pre_join_queue = room.pre_join_queue or {};
	table.insert(room.pre_join_queue, event);
	return true;
end, 8);

module:hook("muc-broadcast-presence", function (event)
	for status in event.x:childtags("status") do
		if status.attr.code == "307" then event.room:set_affiliation(event.actor, event.occupant.bare_jid, "none"); end
	end
end);
