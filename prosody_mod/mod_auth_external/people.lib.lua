-- people.lib.lua: which organiser is behind which client and which remembered login.
-- Pure: `now` and moments are seconds since 1970, and Prosody's own tables are never touched here.
-- This file is MIT licensed; see LICENSE.
--
--   client ----- jicofo's answer names the organiser ------> organiser <---- login (jicofo's session-id)
--   client ----- a request shows a session-id: a claim ----> organiser
--
-- jicofo believes a request before it answers it, and where it cannot join the room it never answers: so a claim ends
-- with its organiser as what an answer said does.  It gives nothing, for jicofo may still refuse the request.
-- Everything has the age of the password that began it.  One of unknown age began at 0: long ago.

local max_logins = 16384; -- one a machine and organiser; jicofo's answer names the organiser even if it was forgotten
local max_of_one = 32; -- of an organiser; else one of them could push out all others, and make their end slow
local kept = 7 * 24 * 3600; -- seconds; the service tells of no older moment

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

local function new(new_cache)
	return on_top {
		known = {}; -- username -> { clients, logins = sets; ended = moment or nil }
		clients = {}; -- full JID -> { username, room, since, asked, joined, ended }
		claims = {}; -- full JID -> username -> { since, number, ended; open = of how many requests }
		logins = new_cache(max_logins); -- session-id -> { username, since, seen, ended }
	};
end

function methods:person(username)
	local person = self.known[username];
	if not person then
		person = { clients = {}, logins = {} };
		self.known[username] = person;
	end
	return person;
end

function methods:tidy(username)
	local person = self.known[username];
	if person and not (person.ended or next(person.clients) or next(person.logins)) then self.known[username] = nil; end
end

-- Whether what began then was ended since: a login from before "log out everywhere", although Prosody forgot it.
function methods:was_ended(username, since)
	local person = self.known[username];
	return person ~= nil and person.ended ~= nil and since < person.ended;
end

-- Logins -------------------------------------------------------------------------------------------

-- How old an answer's login is.  began: of the organiser's own session, if it was that one which asked; the
-- password has then vouched for that login anew.
function methods:age_of(login, began)
	local known = login and self.logins:get(login);
	return math.max(began or 0, known and known.since or 0);
end

function methods:forget_login(login, entry)
	entry = entry or self.logins:get(login);
	self.logins:set(login, nil);
	self.known[entry.username].logins[login] = nil;
	self:tidy(entry.username);
end

-- The login of that organiser that was not shown for the longest time, if there are too many; it is forgotten.
function methods:take_surplus(username)
	local number, oldest = 0, nil;
	for login in pairs(self.known[username].logins) do
		number = number + 1;
		if not oldest or self.logins:get(login).seen < self.logins:get(oldest).seen then oldest = login; end
	end
	if number <= max_of_one then return nil; end
	self:forget_login(oldest);
	return oldest;
end

-- Returns a session-id that is to be logged out, if the organiser has too many.
function methods:remember_login(answer, now)
	local before = self.logins:get(answer.login);
	if before and before.username ~= answer.username then self:forget_login(answer.login); end
	local oldest, entry = self.logins:tail();
	if oldest and self.logins:count() >= max_logins and not before then self:forget_login(oldest, entry); end
	self.logins:set(answer.login, { username = answer.username, since = answer.since, seen = now });
	self:person(answer.username).logins[answer.login] = true;
	return self:take_surplus(answer.username);
end

-- Clients ------------------------------------------------------------------------------------------

function methods:forget_client(client)
	local known = self.clients[client];
	if not known then return; end
	self.clients[client] = nil;
	self.known[known.username].clients[client] = nil;
	self:tidy(known.username);
end

function methods:client_gone(client)
	self.claims[client] = nil;
	self:forget_client(client);
end

-- answer: { client, username, room, since }; room is nil if it is none that organisers open.
function methods:remember_client(answer, now)
	local before = self.clients[answer.client];
	self:forget_client(answer.client);
	self.clients[answer.client] = {
		username = answer.username, room = answer.room, since = answer.since, asked = now;
		joined = before ~= nil and before.room == answer.room and before.joined;
	};
	self:person(answer.username).clients[answer.client] = true;
	self:unclaim(answer.client, answer.username);
end

-- number: of the request that claims it.
function methods:claim(client, username, since, number)
	self.claims[client] = self.claims[client] or {};
	local claim = self.claims[client][username] or { since = since, number = number, open = 0 };
	self.claims[client][username] = claim;
	claim.since, claim.open = math.min(claim.since, since), claim.open + 1;
end

-- jicofo did not believe one of the requests that claim it.
function methods:disbelieve(client, username)
	local claim = self.claims[client] and self.claims[client][username];
	if not claim then return; end
	claim.open = claim.open - 1;
	if claim.open == 0 then self:unclaim(client, username); end
end

function methods:unclaim(client, username)
	local claims = self.claims[client];
	if not claims then return; end
	claims[username] = nil;
	if not next(claims) then self.claims[client] = nil; end
end

-- Of whom jicofo's last answer to that client spoke; else one of those whose session-id it showed, before the request of
-- that number if there is one; or nil.  Returns { username, since, is_claim }.
function methods:behind(client, number)
	local known = self.clients[client];
	if known then return known; end
	for username, claim in pairs(self.claims[client] or {}) do
		if claim.number < (number or math.huge) then return { username = username, since = claim.since, is_claim = true }; end
	end
	return nil;
end

-- Whether jicofo may let that client lead: it is an organiser's that may go on.
function methods:may_lead(client, suspended)
	local known = self.clients[client];
	if known then return not known.ended and not suspended[known.username]; end
	for username, claim in pairs(self.claims[client] or {}) do
		if not claim.ended and not suspended[username] then return true; end
	end
	return false;
end

local function is_out(entry, username, suspended)
	return entry ~= nil and (entry.ended or suspended[username]);
end

function methods:is_client_out(client, suspended)
	local bound = self.clients[client];
	if bound and is_out(bound, bound.username, suspended) then return true; end
	for username, claim in pairs(self.claims[client] or {}) do
		if is_out(claim, username, suspended) then return true; end
	end
	return false;
end

-- feed: of revocations.lib.lua.  Returns nil, or "login" if the session-id is no longer one, or "client".
-- As long as the feed has not told who is suspended, a session-id of unknown age has to wait, and its page asks again;
-- also one that is known from an old answer of jicofo's, sent once more after a restart.
function methods:refusal(client, login, feed)
	local known = login and self.logins:get(login);
	if known and is_out(known, known.username, feed.suspended) then return "login"; end
	if login and not feed.is_informed and not (known and known.since > 0) then return "client"; end
	return self:is_client_out(client, feed.suspended) and "client" or nil;
end

-- What a suspension ends ---------------------------------------------------------------------------

local function take(keys, entries, before)
	local taken = {};
	for key in pairs(keys) do
		local entry = entries(key);
		if entry.since < before and not entry.ended then
			entry.ended = true;
			table.insert(taken, key);
		end
	end
	return taken;
end

function methods:take_claims(username, before, taken)
	local is_taken = {};
	for _, client in ipairs(taken) do is_taken[client] = true; end
	for client, claims in pairs(self.claims) do
		local claim = claims[username];
		if claim and claim.since < before and not claim.ended then
			claim.ended = true;
			if not is_taken[client] then table.insert(taken, client); end
		end
	end
end

-- order: { username, action, before }; see revocations.lib.lua.  What it ends counts as ended from now on.
-- Returns { logins, clients }, each a sorted list of keys.
function methods:ending_of(order, now)
	local person = self:person(order.username);
	local before = order.before or math.huge;
	local logins = take(person.logins, function (login) return self.logins:get(login); end, before);
	local clients = take(person.clients, function (client) return self.clients[client]; end, before);
	self:take_claims(order.username, before, clients);
	local moment = math.min(order.before or now, now); -- the service's clock may be ahead
	if moment > 0 then person.ended = math.max(person.ended or 0, moment); end
	self:tidy(order.username);
	table.sort(logins);
	table.sort(clients);
	return { logins = logins, clients = clients };
end

function methods:sweep(now)
	local login, entry = self.logins:tail();
	while login and now - entry.seen > kept do
		self:forget_login(login, entry);
		login, entry = self.logins:tail();
	end
	for username, person in pairs(self.known) do
		if person.ended and now - person.ended > kept then
			person.ended = nil;
			self:tidy(username);
		end
	end
end

return { new = new, on_top = on_top };
