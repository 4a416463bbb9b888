-- meetings.lib.lua: knows whose meeting runs in which room, and which of them a suspension ends.
-- Pure: what jicofo is asked and answers comes in; `now` and moments are seconds since 1970, and Prosody's own tables
-- are never touched here.  Rooms are called as Prosody has them; see room_addresses.lib.lua.
-- This file is MIT licensed; see LICENSE.
--
--   request --> answer that names an organiser --> the first one makes that organiser the room's starter
--
-- But not while an earlier request of another client is open: of two that ask at the same moment jicofo answers the
-- second before the first, and says that the room is not ready.

local delayed_for = 15; -- seconds; jicofo waits no longer for the room that an open request asks for
local reloads_within = 60; -- seconds; a slow school computer loads the page again
local unseen_for = 60; -- seconds after which a room that does not exist is taken for one that never came to be

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

-- people, logins, requests, counts: of people.lib.lua, remembered_logins.lib.lua, conference_requests.lib.lua and
-- counts.lib.lua.
local function new(people, logins, requests, counts)
	return on_top {
		people = people, logins = logins, requests = requests, counts = counts;
		rooms = {}; -- JID -> { starter, since, at; joined = whether the starter ever was there; counted = whether some starter was;
		-- led = set of usernames of all who ever led it; left_at = when a client of the starter last left it, or nil }
		granted = {}; -- JID -> bare JID -> username of the organiser by whom it leads there
		delayed = {}; -- JID -> { username, since, at }: whose it becomes, unless an earlier request of another client is answered
		strangers = {}; -- set of rooms that were there before the module: their starters are unknown
	};
end

-- What jicofo is asked and answers -----------------------------------------------------------------

-- request: { id, client, room, login, own, since, at }; own: the organiser whose own client asks, since: when they showed
-- their password.
function methods:asked(request)
	request.may_open = request.login ~= nil or request.own ~= nil;
	self.requests:add(request);
	self.people:asked(request);
end

-- Tells whether an organiser has opened the room, or it was there before the module.
function methods:is_opened(address)
	return self.rooms[address] ~= nil or self.strangers[address] == true;
end

function methods:is_started_by(address, username)
	local room = self.rooms[address];
	return room ~= nil and room.starter == username;
end

-- Tells whether the starter has ever been in the room.
function methods:has_starter_joined(address)
	local room = self.rooms[address];
	return room ~= nil and room.joined;
end

-- Tells whether a client of the starter left the room a moment ago, as by a reload of the page.
function methods:has_starter_just_left(address, now)
	local room = self.rooms[address];
	return room ~= nil and room.left_at ~= nil and now - room.left_at <= reloads_within;
end

-- Notes that the client leaves the room.
function methods:client_leaves(client, address, now)
	local known, room = self.people:of_client(client), self.rooms[address];
	if known and room and known.username == room.starter then room.left_at = now; end
end

-- Tells whether an organiser has opened the room, or was let in.
function methods:is_known(address)
	return self:is_opened(address) or self.delayed[address] ~= nil;
end

-- Tells whether an open request of another client may still open that room; see conference_requests.lib.lua.
-- Requests that follow each other without end delay the credit for 15 s only: then the first organiser who was let in has
-- the room.  Otherwise a pupil could keep a meeting from being anybody's, and so from being ended.
function methods:is_contended(address, client, now, number)
	local delayed = self.delayed[address];
	if delayed and now - delayed.at > delayed_for then return false; end
	return self.requests:is_contended(address, client, now, number);
end

function methods:delay(address, username, since, now)
	self.delayed[address] = self.delayed[address] or { username = username, since = since, at = now };
end

function methods:found(address, username, since, now)
	local led = self.people:let_into(address);
	led[username] = true;
	self.rooms[address] = { starter = username, since = since, at = now, joined = false, led = led };
	self.delayed[address] = nil;
end

-- answer: { client, username, login, room, since, is_ready, is_there, number }; client is nil if it has gone or did not
-- ask, room if it is none that organisers open; is_there: the room has not ended since; number: of the request.
-- Returns whether a meeting began, and a session-id that is to be logged out or nil.
function methods:learn(answer, now)
	local address, is_new = answer.room, false;
	if answer.client and answer.is_there and not self:is_opened(address) then
		is_new = not self:is_contended(address, answer.client, now, answer.is_ready and answer.number or nil);
		if is_new then
			self:found(address, answer.username, answer.since, now);
		else
			self:delay(address, answer.username, answer.since, now);
		end
	end
	if self.rooms[address] then self.rooms[address].led[answer.username] = true; end
	if answer.client then self.people:remember_client(answer, now); end
	return is_new, answer.login and self.logins:remember(answer, now) or nil;
end

-- What happens to clients and rooms ----------------------------------------------------------------

-- Tells whether the starter never came, and is not about to.
function methods:is_abandoned(address, now)
	local room = self.rooms[address];
	return room ~= nil and not room.joined and not self.people:is_expected(room.starter, address, now);
end

function methods:abandoned_rooms(now)
	local list = {};
	for address in pairs(self.rooms) do
		if self:is_abandoned(address, now) then table.insert(list, address); end
	end
	return list;
end

-- The starter is in the room.  A meeting counts as opened by the first organiser of whom that is so, and only once.
function methods:starter_joined(room)
	if not room.counted then self.counts:opened(room.starter); end
	room.joined, room.counted = true, true;
end

-- Makes it the meeting of the organiser behind that client, who is in it or about to come.
function methods:hand_over(address, client, now)
	local heir = self.people:of_client(client);
	if not self.rooms[address] then self:found(address, heir.username, heir.since, now); end
	local room = self.rooms[address];
	room.left_at = nil;
	room.starter, room.since, room.joined = heir.username, heir.since, false;
	if heir.joined and heir.room == address then self:starter_joined(room); end
	room.led[heir.username] = true;
end

-- Returns whether a room that was nobody's, or whose starter never came, now is this client's.
function methods:client_joined(client, address, now)
	local known, room = self.people:joined(client, address), self.rooms[address];
	if not known then return false; end
	if room and room.starter == known.username then
		self:starter_joined(room);
		return false;
	end
	local is_free = self:is_abandoned(address, now);
	if known.room == address and not self:is_opened(address) then
		is_free = not self:is_contended(address, client, now);
		if not is_free then self:delay(address, known.username, known.since, now); end
	end
	if is_free then self:hand_over(address, client, now); end
	return is_free;
end

function methods:client_gone(client)
	self.requests:client_gone(client);
	self.people:client_gone(client);
end

-- Returns whether it was a meeting that an organiser had started.
function methods:room_gone(address)
	self.strangers[address], self.granted[address], self.delayed[address] = nil, nil, nil;
	local is_ours = self.rooms[address] ~= nil;
	self.rooms[address] = nil;
	return is_ours;
end

-- Notes that `by` lets `address` lead the room (bare JIDs); username: of the organiser behind `by`, or nil.  Someone whom
-- an organiser lets lead can let others lead too, and these still others: they all lead by that organiser.
function methods:leads_by(room, address, by, username)
	local granted = self.granted[room] or {};
	self.granted[room] = granted;
	granted[address] = username or by and granted[by];
end

function methods:leads_no_more(room, address)
	local granted = self.granted[room];
	if granted then granted[address] = nil; end
end

-- Notes a room that was there before the module.
function methods:found_before(address)
	if not self.rooms[address] then self.strangers[address] = true; end
end

-- What a suspension ends ---------------------------------------------------------------------------

-- Returns the meetings that the organiser ever led.
function methods:rooms_of(username)
	local list = {};
	for room, known in pairs(self.rooms) do
		if known.led[username] then table.insert(list, room); end
	end
	return list;
end

-- Gives each room to the organiser who was let in first, as soon as no earlier request is open any more; where that is
-- `username`, also before.  Returns whether a room was given.
function methods:settle_delayed(now, username)
	local list = {};
	for address, delayed in pairs(self.delayed) do
		if delayed.username == username or not self:is_contended(address, nil, now) then table.insert(list, address); end
	end
	for _, address in ipairs(list) do
		local delayed = self.delayed[address];
		self:found(address, delayed.username, delayed.since, now);
	end
	return list[1] ~= nil;
end

-- Returns whom the organiser lets lead: a list of { room, address }.
function methods:led_by(username)
	local list = {};
	for room, granted in pairs(self.granted) do
		for address, by in pairs(granted) do
			if by == username then table.insert(list, { room = room, address = address }); end
		end
	end
	return list;
end

-- order: { username, action, before }; see revocations.lib.lua.  What it ends counts as ended from now on.
-- Returns { logins, rooms, clients }, each a sorted list.
function methods:ending_of(order, now)
	local ending = self.people:ending_of(order, now);
	ending.rooms = {};
	for address, room in pairs(self.rooms) do
		if room.starter == order.username and room.since < (order.before or math.huge) then table.insert(ending.rooms, address); end
	end
	table.sort(ending.rooms);
	return ending;
end

-- Tells whether the end of that organiser is a reason to end what goes on in the room.
function methods:may_close(address, username)
	return not self.strangers[address] and (not self.rooms[address] or self:is_started_by(address, username));
end

-- What the service is told, and what is forgotten --------------------------------------------------

-- Returns username -> number of meetings that the organiser started.
function methods:running()
	local running = {};
	for _, room in pairs(self.rooms) do running[room.starter] = (running[room.starter] or 0) + 1; end
	return running;
end

-- exists(address) -> whether there is such a room.  Returns whether a meeting was forgotten.
function methods:sweep(now, exists)
	local is_changed = false;
	for address, room in pairs(self.rooms) do
		if now - room.at > unseen_for and not exists(address) then is_changed = self:room_gone(address) or is_changed; end
	end
	for address in pairs(self.delayed) do
		if not exists(address) then self.delayed[address] = nil; end
	end
	self.people:sweep(now);
	self.requests:sweep(now);
	return is_changed;
end

return { new = new, on_top = on_top };
