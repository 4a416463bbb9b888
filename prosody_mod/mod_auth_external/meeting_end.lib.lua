-- meeting_end.lib.lua: ends the meetings of an organiser whose access ended, and takes their pages out of others'.
-- This file is MIT licensed; see LICENSE.

local jid = require "util.jid";
local timer = require "util.timer";
local time = require "util.time".now;

local clients = module:require "clients";
local protect = module:require "authbridge/protect";
local rooms = module:require "authbridge/rooms";
local session_close = module:require "authbridge/session_close";

local methods = {};
methods.__index = methods;

-- parts: place (of jitsi_config.lib.lua), people, meetings, owners, logouts, leaders.
local function new(parts)
	return setmetatable({
		place = parts.place, people = parts.people, meetings = parts.meetings;
		owners = parts.owners, logouts = parts.logouts, leaders = parts.leaders;
	}, methods);
end

-- Takes the client out of all rooms.  Returns whether it was in one, and whether it is out of all.
function methods:take_out(client, action)
	local was_in_one, is_out_of_all = false, true;
	for _, host in ipairs(self.place.mucs) do
		for room in rooms.all_at(host) do
			local was_there, is_out = protect.call(rooms.take_out, room, client, session_close.text_of(action));
			was_in_one, is_out_of_all = was_in_one or was_there == true, is_out_of_all and is_out == true;
		end
	end
	return was_in_one, is_out_of_all;
end

-- Takes the client out and closes its session.  jicofo has let that page lead wherever it is, or will in a moment, for its
-- order may still be on the way; so nothing that the page sends is listened to any more.
function methods:turn_out(client, action)
	local session = clients.session(client);
	if not session then return; end
	session_close.silence(session);
	local was_in_one, is_out_of_all = protect.call(self.take_out, self, client, action);
	if was_in_one and is_out_of_all then
		session_close.close_when_read(session, action);
	else
		-- When the page has heard the refusal, and forgets its session-id.
		timer.add_task(0, function () protect.call(session_close.close, session, action); end);
	end
end

-- Ends the room, or hands it over to another organiser who is in it or about to join.  Returns whether the room ended.
-- told: client -> true of those that read why it ended for them, to which are added those of the list `clients` in it.
function methods:end_or_hand_over(room, order, theirs, told)
	local heir = self.owners:heir_in(room, order.username);
	if heir then
		self.owners:hand_over(room.jid, heir);
		return false;
	end
	for _, each in ipairs(rooms.with_breakouts(room)) do
		for _, client in ipairs(theirs) do
			told[client] = rooms.tell_end(each, client, session_close.text_of(order.action)) or told[client];
		end
	end
	return rooms.destroy(room);
end

function methods:end_room(address, order, theirs, told)
	local room = rooms.find(address);
	if room then return self:end_or_hand_over(room, order, theirs, told); end
	self.owners:room_gone(address);
	return false;
end

-- Ends the room that jicofo's answer has opened, or goes on with, for a login that is over; action: "suspend" or
-- "end_sessions".  But an old session-id alone is no reason to end a meeting with people in it: the organiser may have
-- logged in anew since.
function methods:close_room_of(answer, action)
	local room = answer.room and rooms.find(answer.room);
	if not room or not self.meetings:may_close(answer.room, answer.username) then return; end
	if not self.meetings:is_opened(answer.room) and self.meetings:is_contended(answer.room, answer.client, time()) then return; end
	for _, client in ipairs(rooms.clients_in(room)) do
		if action ~= "suspend" and jid.bare(client) ~= self.place.target then return; end
	end
	self:end_or_hand_over(room, { username = answer.username, action = action }, {}, {});
end

-- order: { username, action, before }; see revocations.lib.lua.
-- Returns counts of meetings and of logins (these while jicofo confirms), and the pages whose sessions are still to be
-- closed, as a list of { session, is_reading }: whether it reads why it is out, or why a colleague's end, a moment ago, was
-- the end of the room for both.  A page that could not be taken out reads nothing: only the end of its session ends it.
-- Each step is done although another one fails.
function methods:carry_out(order)
	local counts, pages, told = { meetings = 0, logins = 0, waiting = 0 }, {}, {};
	protect.call(self.owners.settle, self.owners, order.username);
	local ending = self.meetings:ending_of(order, time());
	for _, login in ipairs(ending.logins) do protect.call(self.logouts.log_out, self.logouts, login, counts, time()); end
	for _, address in ipairs(ending.rooms) do
		if protect.call(self.end_room, self, address, order, ending.clients, told) then counts.meetings = counts.meetings + 1; end
	end
	for _, client in ipairs(ending.clients) do
		local was_in_one, is_out_of_all = protect.call(self.take_out, self, client, order.action);
		local is_reading = is_out_of_all and (was_in_one or told[client] or self.people:has_joined(client));
		table.insert(pages, { session = clients.session(client), is_reading = is_reading });
	end
	protect.call(self.leaders.take_back, self.leaders, order.username);
	return counts, pages;
end

return { new = new };
