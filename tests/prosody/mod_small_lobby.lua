-- mod_small_lobby: does to a main room what Jitsi's lobby does to it, and no more: a moderator who makes the room members-only
-- opens a lobby, a room of the same name on another component, which ends with it.
-- Is loaded on the main MUC.  This file is MIT licensed; see LICENSE.
-- luacheck: read globals module prosody

local jid = require "util.jid";

local lobby_host = assert(module:get_option_string("lobby_muc"), "lobby_muc is missing");

local function lobbies()
	return prosody.hosts[lobby_host].modules.muc;
end

local function open_lobby(room)
	local address = jid.join(jid.node(room.jid), lobby_host);
	if lobbies().get_room_from_jid(address) then return; end
	lobbies().create_room(address):set_persistent(true); -- it is there although nobody waits
	room._data.lobbyroom = address;
	room:save(true);
end

local function close_lobby(room, reason)
	local lobby = room._data.lobbyroom and lobbies().get_room_from_jid(room._data.lobbyroom);
	room._data.lobbyroom = nil;
	if not lobby then return; end
	lobby:set_persistent(false);
	lobby:destroy(nil, reason);
end

module:hook("muc-config-submitted", function (event)
	if event.fields["muc#roomconfig_membersonly"] then
		open_lobby(event.room);
	else
		close_lobby(event.room, "Lobby room closed.");
	end
end);

-- Before Prosody's own, which is at 0.
module:hook("muc-room-destroyed", function (event)
	close_lobby(event.room, "Lobby room closed.");
end, 1);
