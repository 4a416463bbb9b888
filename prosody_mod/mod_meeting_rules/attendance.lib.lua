-- attendance.lib.lua: knows in which meetings an organiser is, and ends those that all organisers have left.
-- An organiser who is in a breakout room is in the meeting.  While none is there nobody new gets in; a reload of the page, or a
-- short loss of the network, harms nothing.
-- This file is MIT licensed; see LICENSE.

local time = require "util.time".now;
local timer = require "util.timer";

local protect = module:require "authbridge/protect";
local rooms = module:require "authbridge/rooms";

local words = module:require "words";

local looks_in_grace = 9; -- how often the room is looked at while nobody leads it

local methods = {};
methods.__index = methods;

-- settings: of rule_options.lib.lua; organiser_of(client, room) -> organiser or nil; is_focus(client); steps.
local function new(settings, organiser_of, is_focus, steps)
	return setmetatable({
		grace = settings.grace, is_on = settings.ending, organiser_of = organiser_of, is_focus = is_focus, steps = steps;
		-- address -> { organisers = client -> username; was_led; gone = username -> moment; unled_since, task }
		meetings = {};
	}, methods);
end

function methods:meeting(room)
	local meeting = self.meetings[room.jid];
	if not meeting then
		meeting = { organisers = {}, was_led = false, gone = {} };
		self.meetings[room.jid] = meeting;
	end
	return meeting;
end

-- Tells whether the client is connected.  mod_smacks keeps one whose connection is cut, for minutes perhaps: nobody leads by it.
local function is_connected(client)
	local session = prosody.full_sessions[client];
	return session ~= nil and not session.hibernating;
end

-- Tells whether a client of an organiser is in one of those rooms.
function methods:is_among(list, room)
	for client in pairs(self:meeting(room).organisers) do
		for _, each in ipairs(list) do
			local is_inside = is_connected(client) and each:get_occupant_by_real_jid(client);
			if is_inside and self.organiser_of(client, room) then return true; end
		end
	end
	return false;
end

-- Tells whether an organiser is in the meeting, in its main room or in a breakout room.
function methods:is_led(room)
	return self:is_among(rooms.with_breakouts(room), room);
end

-- Tells whether the meeting takes nobody new: an organiser was there, and none is now.
function methods:is_closed(room)
	return self.is_on and self:meeting(room).was_led and not self:is_led(room);
end

-- Tells whether a client of that organiser left the meeting a moment ago, as by a reload of the page.
function methods:has_just_left(username, room)
	local moment = self:meeting(room).gone[username];
	return moment ~= nil and time() - moment <= self.grace;
end

local function stop_watching(meeting)
	if meeting.task then timer.stop(meeting.task); end
	meeting.task, meeting.unled_since = nil, nil;
end

-- Returns whether the meeting has ended.
function methods:end_meeting(room)
	if not rooms.destroy(room, words.ending) then return false; end
	module:log("info", "A meeting ended that its organisers have left");
	self.steps:note("ending", room.jid, tostring(time()));
	return true;
end

-- Returns the seconds until the next look, or nil if there is none.
function methods:look(room)
	local meeting = self.meetings[room.jid];
	if not meeting or rooms.find(room.jid) ~= room then return nil; end
	if self:is_among({ room }, room) then return stop_watching(meeting); end
	if self:is_led(room) then meeting.unled_since = time(); end
	if time() - meeting.unled_since >= self.grace and self:end_meeting(room) then return nil; end
	return self.grace / looks_in_grace;
end

-- Begins to look whether the meeting ends, if nobody leads it.
function methods:watch(room)
	local meeting = self:meeting(room);
	if not self.is_on or meeting.task or room.destroying or self:is_among({ room }, room) then return; end
	meeting.unled_since = time();
	meeting.task = timer.add_task(self.grace / looks_in_grace, function () return (protect.call(self.look, self, room)); end);
end

-- The client is in the room.  Returns whether it is an organiser's.
function methods:came(client, room)
	local organiser = self.organiser_of(client, room);
	if not organiser then
		if not self.is_focus(client) then self:watch(room); end
		return false;
	end
	local meeting = self:meeting(room);
	for other in pairs(meeting.organisers) do
		if not prosody.full_sessions[other] then meeting.organisers[other] = nil; end
	end
	meeting.organisers[client], meeting.was_led = organiser.username, true;
	stop_watching(meeting);
	return true;
end

-- is_put_out: the client did not leave by itself.
function methods:left(client, room, is_put_out)
	local meeting = self.meetings[room.jid];
	local username = meeting and meeting.organisers[client];
	if not username then return; end
	meeting.gone[username] = not is_put_out and time() or nil;
	self:watch(room);
end

-- An organiser can cease to be one without leaving: another session of the same address may stay in the room.
function methods:sweep()
	for address in pairs(self.meetings) do
		local room = rooms.find(address);
		if room then self:watch(room); end
	end
end

function methods:ended(room)
	local meeting = self.meetings[room.jid];
	if meeting then stop_watching(meeting); end
	self.meetings[room.jid] = nil;
end

-- Rooms that are there already: the module was loaded again.  Who leads in them now is known; who did before is not.
function methods:find_those_there(host)
	for room in rooms.all_at(host) do
		for _, client in ipairs(rooms.clients_in(room)) do self:came(client, room); end
		self:meeting(room).was_led = true;
		self:watch(room);
	end
end

function methods:stop()
	for _, meeting in pairs(self.meetings) do stop_watching(meeting); end
end

return { new = new };
