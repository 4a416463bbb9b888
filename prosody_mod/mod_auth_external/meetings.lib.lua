-- meetings.lib.lua: whose meeting runs in which room, and what of it a suspension ends.
-- Pure: what jicofo is asked and answers comes in; `now` and moments are seconds since 1970, and Prosody's own tables
-- are never touched here.  Rooms are called as Prosody has them; see room_addresses.lib.lua.
-- This file is MIT licensed; see LICENSE.
--
--   request --> answer that names an organiser --> the first one makes that organiser the room's starter
--
-- But not while an earlier request of another client is open: of two that ask at the same moment jicofo answers the
-- second before the first, and says that the room is not ready.

local expected_for = 15; -- seconds from the answer to the join; jicofo waits no longer either
local unseen_for = 60; -- seconds after which a room that does not exist never came to be

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

-- people: of people.lib.lua; requests: of requests.lib.lua.
local function new(people, requests)
	return on_top {
		people = people, requests = requests;
		rooms = {}; -- JID -> { starter, since, at; joined = whether the starter ever was there;
		-- led = set of usernames of all who ever led it }
		granted = {}; -- JID -> bare JID -> username of the organiser by whom it leads there
		delayed = {}; -- JID -> { username, since, at }: who has it, unless an earlier request of another client is answered yet
		strangers = {}; -- set of rooms that were there before: nobody knows who started them
	};
end

-- What jicofo is asked and answers -----------------------------------------------------------------

-- request: { id, client, room, login, own, since, at }; own: the organiser whose own login asks, since: the moment of it.
function methods:asked(request)
	request.may_open = request.login ~= nil or request.own ~= nil;
	self.requests:add(request);
	local known = request.login and self.people.logins:get(request.login);
	if known then
		self.people:claim(request.client, known.username, known.since, request.number);
	elseif request.own then
		self.people:claim(request.client, request.own, request.since, request.number);
	end
end

-- An answer names the organiser, and Prosody knows no request that it is for: the client ends with that organiser.
function methods:named_without_request(client, username, since)
	if not self.people.clients[client] then self.people:claim(client, username, since, 0); end
end

-- jicofo refused that request for its session-id: it did not believe it.
function methods:disbelieved(request)
	local known = request.login and self.people.logins:get(request.login);
	if known then self.people:disbelieve(request.client, known.username); end
end

function methods:is_opened(address)
	return self.rooms[address] ~= nil or self.strangers[address] == true;
end

-- Whether an organiser was let in, too.
function methods:is_known(address)
	return self:is_opened(address) or self.delayed[address] ~= nil;
end

-- Requests that never end delay the credit for 15 s only: then the first organiser who was let in has the room.
function methods:is_contended(address, client, now, number)
	local delayed = self.delayed[address];
	if delayed and now - delayed.at > expected_for then return false; end
	return self.requests:is_contended(address, client, now, number);
end

function methods:delay(address, username, since, now)
	self.delayed[address] = self.delayed[address] or { username = username, since = since, at = now };
end

function methods:found(address, username, since, now)
	local led = { [username] = true };
	for _, known in pairs(self.people.clients) do
		if known.room == address then led[known.username] = true; end
	end
	self.rooms[address] = { starter = username, since = since, at = now, joined = false, led = led };
	self.delayed[address] = nil;
end

-- answer: { client, username, login, room, since, is_ready, is_there, number }; client is nil if it has gone or did not
-- ask, room if it is none that organisers open; is_there: the room has not ended since; number: of the request.
-- Returns whether a meeting began, and a session-id that is to be logged out.
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
	return is_new, answer.login and self.people:remember_login(answer, now) or nil;
end

-- What happens to clients and rooms ----------------------------------------------------------------

-- Whether the starter never came, and is not about to.
function methods:is_abandoned(address, now)
	local room = self.rooms[address];
	if not room or room.joined then return false; end
	local person = self.people.known[room.starter];
	for client in pairs(person and person.clients or {}) do
		local known = self.people.clients[client];
		if known.room == address and not known.joined and now - known.asked <= expected_for then return false; end
	end
	return true;
end

function methods:abandoned_rooms(now)
	local list = {};
	for address in pairs(self.rooms) do
		if self:is_abandoned(address, now) then table.insert(list, address); end
	end
	return list;
end

-- From now on it is the meeting of the organiser behind that client, who is in it or about to come.
function methods:hand_over(address, client, now)
	local heir = self.people.clients[client];
	if not self.rooms[address] then self:found(address, heir.username, heir.since, now); end
	local room = self.rooms[address];
	room.starter, room.since, room.joined = heir.username, heir.since, heir.joined and heir.room == address;
	room.led[heir.username] = true;
end

-- Returns whether that makes it somebody's meeting.
function methods:client_joined(client, address, now)
	local known, room = self.people.clients[client], self.rooms[address];
	if not known or known.ended then return false; end
	local is_asked = known.room == address;
	if is_asked then known.joined = true; end
	if room and room.starter == known.username then
		room.joined = true;
		return false;
	end
	local is_free = room and self:is_abandoned(address, now);
	if is_asked and not self:is_opened(address) then
		is_free = not self:is_contended(address, client, now);
		if not is_free then self:delay(address, known.username, known.since, now); end
	end
	if is_free then self:hand_over(address, client, now); end
	return is_free == true;
end

function methods:client_gone(client)
	self.requests:client_gone(client);
	self.people:client_gone(client);
end

-- Returns whether it was one of ours.
function methods:room_gone(address)
	self.strangers[address], self.granted[address], self.delayed[address] = nil, nil, nil;
	local is_ours = self.rooms[address] ~= nil;
	self.rooms[address] = nil;
	return is_ours;
end

-- Whoever leads a meeting can let others lead it too, and these others still.
-- address, by: bare JIDs; username: of the organiser who did it, if it was one.
function methods:leads_by(room, address, by, username)
	local granted = self.granted[room] or {};
	self.granted[room] = granted;
	granted[address] = username or by and granted[by];
end

function methods:leads_no_more(room, address)
	local granted = self.granted[room];
	if granted then granted[address] = nil; end
end

function methods:found_before(address)
	if not self.rooms[address] then self.strangers[address] = true; end
end

-- What a suspension ends ---------------------------------------------------------------------------

-- The meetings that the organiser ever led.
function methods:rooms_of(username)
	local list = {};
	for room, known in pairs(self.rooms) do
		if known.led[username] then table.insert(list, room); end
	end
	return list;
end

-- Who was let into a room first has it when no earlier request is open any more; for `username`, also before.
-- Returns whether somebody has.
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

-- Whom the organiser lets lead: list of { room, address }.
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
-- Returns { logins, rooms, clients }, each a sorted list of keys.
function methods:ending_of(order, now)
	local ending = self.people:ending_of(order, now);
	ending.rooms = {};
	for address, room in pairs(self.rooms) do
		if room.starter == order.username and room.since < (order.before or math.huge) then table.insert(ending.rooms, address); end
	end
	table.sort(ending.rooms);
	return ending;
end

-- Whether the end of that organiser is a reason to end what goes on there.
function methods:may_close(address, username)
	local room = self.rooms[address];
	return not self.strangers[address] and (not room or room.starter == username);
end

-- A client of another organiser who may go on with that meeting: one who is in it, or about to join.
-- occupants: the clients in its rooms.
function methods:heir_of(address, username, occupants, suspended, now)
	local clients = self.people.clients;
	local function may(known)
		return known and not known.ended and known.username ~= username and not suspended[known.username];
	end
	for _, client in ipairs(occupants) do
		if may(clients[client]) then return client; end
	end
	for client, known in pairs(clients) do
		if known.room == address and not known.joined and now - known.asked <= expected_for and may(known) then return client; end
	end
	return nil;
end

-- What is told, and what is forgotten --------------------------------------------------------------

-- username -> number of meetings that they started.
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

local function count(set)
	local number = 0;
	for _ in pairs(set) do number = number + 1; end
	return number;
end

function methods:sizes()
	local people = self.people;
	return {
		people = count(people.known), clients = count(people.clients), claims = count(people.claims);
		requests = count(self.requests.of_client), rooms = count(self.rooms), logins = people.logins:count();
	};
end

return { new = new, on_top = on_top };
