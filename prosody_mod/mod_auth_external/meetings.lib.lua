-- meetings.lib.lua: which organiser is behind which client, remembered login and meeting.
-- Pure: what jicofo answered comes in, what a suspension has to end comes out; `now` and moments are
-- seconds since 1970, and Prosody's own tables are never touched here.
-- This file is MIT licensed; see LICENSE.
--
--   jicofo's answer: identity, session-id, room, client
--        |
--        v
--   client -----> organiser <----- login (jicofo's session-id: opens the next room without a password)
--                     ^
--                     +----------- room (whose first authenticated answer made him its starter)
--
-- Everything has the age of the password that began it.  One of unknown age began at 0: long ago.

local max_logins = 16384; -- one a machine and organiser; jicofo's answer names him even if his was forgotten
local max_of_one = 32; -- of an organiser; else one of them could push out all others, and make his end slow
local expected_for = 15; -- seconds from the answer to the join; jicofo waits no longer either
local kept = 7 * 24 * 3600; -- seconds; the service tells of no older moment
local unseen_for = 60; -- seconds after which a room that does not exist never came to be

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

local function new(new_cache)
	return on_top {
		people = {}; -- username -> { clients, logins, rooms = sets; ended = moment or nil }
		clients = {}; -- full JID -> { username, room, since, asked, joined, ended }
		rooms = {}; -- JID -> { starter, since, at, expected = set of clients, granted = bare JID -> username;
		-- led = set of usernames of all who ever led it }
		logins = new_cache(max_logins); -- session-id -> { username, since, seen, ended }
		strangers = {}; -- set of rooms that were there before: nobody knows who started them
	};
end

-- People -------------------------------------------------------------------------------------------

function methods:person(username)
	local person = self.people[username];
	if not person then
		person = { clients = {}, logins = {}, rooms = {} };
		self.people[username] = person;
	end
	return person;
end

function methods:tidy(username)
	local person = self.people[username];
	if person and not (person.ended or next(person.clients) or next(person.logins) or next(person.rooms)) then
		self.people[username] = nil;
	end
end

local function is_ended(moment, since)
	return moment ~= nil and since < moment;
end

-- Whether what began then was ended since: a login from before "log out everywhere", although Prosody forgot it.
function methods:was_ended(username, since)
	local person = self.people[username];
	return person ~= nil and is_ended(person.ended, since);
end

-- What jicofo answers ------------------------------------------------------------------------------

-- How old an answer's login is.  began: of the organiser's own session, if it was he who asked; his
-- password has then vouched for that login anew.
function methods:age_of(login, began)
	local known = login and self.logins:get(login);
	return math.max(began or 0, known and known.since or 0);
end

function methods:is_login_ended(login)
	local known = login and self.logins:get(login);
	return known ~= nil and known.ended == true;
end

function methods:remember_login(answer, now)
	local before = self.logins:get(answer.login);
	if before and before.username ~= answer.username then self:forget_login(answer.login); end
	local oldest, entry = self.logins:tail();
	if oldest and self.logins:count() >= max_logins and not before then self:forget_login(oldest, entry); end
	self.logins:set(answer.login, { username = answer.username, since = answer.since, seen = now });
	self:person(answer.username).logins[answer.login] = true;
end

function methods:forget_login(login, entry)
	entry = entry or self.logins:get(login);
	self.logins:set(login, nil);
	self.people[entry.username].logins[login] = nil;
	self:tidy(entry.username);
end

function methods:remember_client(answer, now)
	local before = self.clients[answer.client];
	self:client_gone(answer.client);
	local joined = before ~= nil and before.room == answer.room and before.joined;
	self.clients[answer.client] = {
		username = answer.username, room = answer.room, since = answer.since, asked = now, joined = joined;
	};
	self:person(answer.username).clients[answer.client] = true;
	local room = self.rooms[answer.room];
	if room and not joined then room.expected[answer.client] = true; end
end

-- answer: { client, username, login, room, since }; client is nil if it has gone, room if organisers do not start it.
-- Returns whether a meeting began, and a session-id that is to be logged out, if he has too many.
function methods:learn(answer, now)
	local is_new = answer.room ~= nil and not (self.rooms[answer.room] or self.strangers[answer.room]);
	if is_new then
		self.rooms[answer.room] = { starter = answer.username, since = answer.since, at = now, expected = {}, granted = {}, led = {} };
		self:person(answer.username).rooms[answer.room] = true;
	end
	local room = self.rooms[answer.room];
	if room then room.led[answer.username] = true; end
	if answer.client then self:remember_client(answer, now); end
	if answer.login then self:remember_login(answer, now); end
	return is_new, self:take_surplus(answer.username);
end

-- The login that he has used for the longest time no more, if he has too many; it is forgotten.
function methods:take_surplus(username)
	local number, oldest = 0, nil;
	for login in pairs(self.people[username].logins) do
		number = number + 1;
		if not oldest or self.logins:get(login).seen < self.logins:get(oldest).seen then oldest = login; end
	end
	if number <= max_of_one then return nil; end
	self:forget_login(oldest);
	return oldest;
end

-- What happens to clients and rooms ----------------------------------------------------------------

function methods:client_joined(client, room)
	local known = self.clients[client];
	if not known then return; end
	if known.room == room then known.joined = true; end
	if self.rooms[room] then self.rooms[room].expected[client] = nil; end
end

function methods:client_gone(client)
	local known = self.clients[client];
	if not known then return; end
	self.clients[client] = nil;
	local room = known.room and self.rooms[known.room];
	if room then room.expected[client] = nil; end
	self.people[known.username].clients[client] = nil;
	self:tidy(known.username);
end

-- Returns whether it was one of ours.
function methods:room_gone(jid)
	self.strangers[jid] = nil;
	local room = self.rooms[jid];
	if not room then return false; end
	self.rooms[jid] = nil;
	self.people[room.starter].rooms[jid] = nil;
	self:tidy(room.starter);
	return true;
end

function methods:pass_on(jid, client)
	local heir, room = self.clients[client], self.rooms[jid];
	self.people[room.starter].rooms[jid] = nil;
	self:tidy(room.starter);
	room.starter, room.since = heir.username, heir.since;
	self:person(heir.username).rooms[jid] = true;
end

-- Whoever leads a meeting can let others lead it too, and these others still.
-- address, by: bare JIDs; username: of the organiser who did it, if it was one.
function methods:leads_by(room, address, by, username)
	local known = self.rooms[room];
	if known then known.granted[address] = username or by and known.granted[by]; end
end

function methods:leads_no_more(room, address)
	local known = self.rooms[room];
	if known then known.granted[address] = nil; end
end

function methods:found_before(jid)
	if not self.rooms[jid] then self.strangers[jid] = true; end
end

-- What is refused ----------------------------------------------------------------------------------

-- feed: of revocations.lib.lua.  Returns nil, or "login" if the session-id is no longer one, or "client".
-- As long as the feed has not told who is suspended, a session-id of unknown age has to wait, and its page asks again.
function methods:refusal(client, login, feed)
	local suspended = feed.suspended;
	local known = login and self.logins:get(login);
	if known and (known.ended or suspended[known.username]) then return "login"; end
	if login and not known and not feed.is_informed then return "client"; end
	local bound = self.clients[client];
	if bound and (bound.ended or suspended[bound.username]) then return "client"; end
	return nil;
end

-- What a suspension ends ---------------------------------------------------------------------------

local function take(keys, entries, before)
	local taken = {};
	for key in pairs(keys) do
		local entry = entries(key);
		if entry.since < before and not entry.ended then table.insert(taken, key); end
	end
	table.sort(taken);
	return taken;
end

-- The meetings that he ever led.
function methods:rooms_of(username)
	local list = {};
	for room, known in pairs(self.rooms) do
		if known.led[username] then table.insert(list, room); end
	end
	return list;
end

-- Whom he lets lead: list of { room, address }.
function methods:led_by(username)
	local list = {};
	for room, known in pairs(self.rooms) do
		for address, by in pairs(known.granted) do
			if by == username then table.insert(list, { room = room, address = address }); end
		end
	end
	return list;
end

-- order: { username, action, before }; see revocations.lib.lua.  What it ends counts as ended from now on.
-- Returns { logins, rooms, clients }, each a list of keys.
function methods:ending_of(order, now)
	local person = self:person(order.username);
	local before = order.before or math.huge;
	local ending = {
		logins = take(person.logins, function (login) return self.logins:get(login); end, before);
		rooms = take(person.rooms, function (jid) return self.rooms[jid]; end, before);
		clients = take(person.clients, function (client) return self.clients[client]; end, before);
	};
	for _, login in ipairs(ending.logins) do self.logins:get(login).ended = true; end
	for _, client in ipairs(ending.clients) do self.clients[client].ended = true; end
	local moment = math.min(order.before or now, now); -- the service's clock may be ahead
	if moment > 0 then person.ended = math.max(person.ended or 0, moment); end
	self:tidy(order.username);
	return ending;
end

-- A client of another organiser who may go on with that meeting: one who is in it, or about to join.
-- occupants: the clients in its rooms.
function methods:heir_of(jid, username, occupants, suspended, now)
	local function may(client)
		local known = self.clients[client];
		return known and not known.ended and known.username ~= username and not suspended[known.username];
	end
	for _, client in ipairs(occupants) do
		if may(client) then return client; end
	end
	for client in pairs(self.rooms[jid] and self.rooms[jid].expected or {}) do
		if may(client) and now - self.clients[client].asked <= expected_for then return client; end
	end
	return nil;
end

-- What is told, and what is forgotten --------------------------------------------------------------

-- username -> number of meetings that he started.
function methods:running()
	local running = {};
	for _, room in pairs(self.rooms) do running[room.starter] = (running[room.starter] or 0) + 1; end
	return running;
end

-- exists(jid) -> whether there is such a room.  Returns whether a meeting was forgotten.
function methods:sweep(now, exists)
	local is_changed = false;
	for jid, room in pairs(self.rooms) do
		if now - room.at > unseen_for and not exists(jid) then is_changed = self:room_gone(jid) or is_changed; end
	end
	local login, entry = self.logins:tail();
	while login and now - entry.seen > kept do
		self:forget_login(login, entry);
		login, entry = self.logins:tail();
	end
	for username, person in pairs(self.people) do
		if person.ended and now - person.ended > kept then
			person.ended = nil;
			self:tidy(username);
		end
	end
	return is_changed;
end

local function count(set)
	local number = 0;
	for _ in pairs(set) do number = number + 1; end
	return number;
end

function methods:sizes()
	return {
		people = count(self.people), clients = count(self.clients), rooms = count(self.rooms), logins = self.logins:count();
	};
end

return { new = new, on_top = on_top };
