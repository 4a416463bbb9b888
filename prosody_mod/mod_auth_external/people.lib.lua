-- people.lib.lua: knows which organiser is behind which client.
-- Pure: `now` and moments are seconds since 1970, and Prosody's own tables are never touched here.
-- This file is MIT licensed; see LICENSE.
--
--   client ----- jicofo's answer names the organiser ------> organiser
--   client ----- a request shows a session-id: a claim ----> organiser
--
-- jicofo believes a request before it answers it, and where it cannot join the room it never answers.  So a claim ends with
-- its organiser, as a client ends that an answer named.  It makes nobody a starter or an heir: jicofo may still refuse the
-- request, and a stranger who shows a session-id would otherwise take a meeting over.
-- A client is as old as the password that began its login.  One of unknown age began at 0: long ago.

local kept = 7 * 24 * 3600; -- seconds; the service tells of no older moment
local expected_for = 15; -- seconds from the answer to the join; jicofo waits no longer either

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

-- logins: of remembered_logins.lib.lua.
local function new(logins)
	return on_top {
		logins = logins;
		known = {}; -- username -> { clients = set; ended = moment of the last end, or nil }
		clients = {}; -- full JID -> { username, room, since, asked, joined, ended }
		claims = {}; -- full JID -> username -> { since, number, ended; open = of how many requests }
	};
end

function methods:person(username)
	local person = self.known[username];
	if not person then
		person = { clients = {} };
		self.known[username] = person;
	end
	return person;
end

function methods:tidy(username)
	local person = self.known[username];
	if person and not (person.ended or next(person.clients)) then self.known[username] = nil; end
end

-- Claims -------------------------------------------------------------------------------------------

-- number: of the request that claims it.
function methods:claim(client, username, since, number)
	self.claims[client] = self.claims[client] or {};
	local claim = self.claims[client][username] or { since = since, number = number, open = 0 };
	self.claims[client][username] = claim;
	claim.since, claim.open = math.min(claim.since, since), claim.open + 1;
end

function methods:unclaim(client, username)
	local claims = self.claims[client];
	if not claims then return; end
	claims[username] = nil;
	if not next(claims) then self.claims[client] = nil; end
end

-- request: { client, login, own, since, number }; own: the organiser whose own client asks, since that moment.
function methods:asked(request)
	local known = self.logins:find(request.login);
	if known then
		self:claim(request.client, known.username, known.since, request.number);
	elseif request.own then
		self:claim(request.client, request.own, request.since, request.number);
	end
end

-- jicofo refused that request for its session-id: one of the requests that claim the client is gone.
function methods:disbelieved(request)
	local known = self.logins:find(request.login);
	local claims = known and self.claims[request.client];
	local claim = claims and claims[known.username];
	if not claim then return; end
	claim.open = claim.open - 1;
	if claim.open == 0 then self:unclaim(request.client, known.username); end
end

-- An answer names the organiser, and Prosody knows no request that it is for: the client ends with that organiser.
function methods:named_without_request(client, username, since)
	if not self.clients[client] then self:claim(client, username, since, 0); end
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

-- Notes that the client has joined that room.  Returns { username, since, room, joined } of a client of an organiser that
-- was not ended, or nil; room and joined tell of the room of jicofo's last answer.
function methods:joined(client, address)
	local known = self.clients[client];
	if not known or known.ended then return nil; end
	if known.room == address then known.joined = true; end
	return known;
end

-- Returns { username, since, room, joined } of a client that an answer of jicofo's named.
function methods:of_client(client)
	return self.clients[client];
end

-- Returns { username, since, is_claim } of the organiser whom jicofo's last answer to that client named; otherwise of one whose
-- session-id it showed, before the request of that number if there is one; or nil.
function methods:behind(client, number)
	local known = self.clients[client];
	if known then return known; end
	for username, claim in pairs(self.claims[client] or {}) do
		if claim.number < (number or math.huge) then return { username = username, since = claim.since, is_claim = true }; end
	end
	return nil;
end

-- What a client may ---------------------------------------------------------------------------------

-- Tells whether jicofo may let that client lead: it is an organiser's that may go on.  feed: of revocations.lib.lua.
function methods:may_lead(client, feed)
	local known = self.clients[client];
	if known then return not known.ended and not feed:is_suspended(known.username); end
	for username, claim in pairs(self.claims[client] or {}) do
		if not claim.ended and not feed:is_suspended(username) then return true; end
	end
	return false;
end

local function is_over(entry, username, feed)
	return entry.ended or feed:is_suspended(username);
end

function methods:is_client_over(client, feed)
	local known = self.clients[client];
	if known and is_over(known, known.username, feed) then return true; end
	for username, claim in pairs(self.claims[client] or {}) do
		if is_over(claim, username, feed) then return true; end
	end
	return false;
end

-- Returns nil, or what is over: "login" for the session-id, "client" for the page that shows it.
-- As long as the feed has not told who is suspended, a session-id of unknown age has to wait, and its page asks again;
-- also one that is known from an old answer of jicofo's, sent once more after a restart: it would let a suspended
-- organiser in.
function methods:refusal(client, login, feed)
	local known = self.logins:find(login);
	if known and is_over(known, known.username, feed) then return "login"; end
	if login and not feed:has_news() and not (known and known.since > 0) then return "client"; end
	return self:is_client_over(client, feed) and "client" or nil;
end

-- Tells whether what began then was ended since: a login from before "log out everywhere", although Prosody forgot it.
function methods:was_ended(username, since)
	local person = self.known[username];
	return person ~= nil and person.ended ~= nil and since < person.ended;
end

-- Who is where ---------------------------------------------------------------------------------------

-- Returns the usernames, as a set, of those whose client was last let into that room.
function methods:let_into(address)
	local usernames = {};
	for _, known in pairs(self.clients) do
		if known.room == address then usernames[known.username] = true; end
	end
	return usernames;
end

local function is_about_to_join(known, address, now)
	return known.room == address and not known.joined and now - known.asked <= expected_for;
end

-- Tells whether a client of that organiser is about to join the room.
function methods:is_expected(username, address, now)
	local person = self.known[username];
	for client in pairs(person and person.clients or {}) do
		if is_about_to_join(self.clients[client], address, now) then return true; end
	end
	return false;
end

-- Returns a client of an organiser other than `username` (nil: of any) who may go on with that meeting, who is in it or
-- about to join; or nil.  occupants: the clients in its rooms.
function methods:heir_of(address, username, occupants, feed, now)
	local function may(known)
		return known and not known.ended and known.username ~= username and not feed:is_suspended(known.username);
	end
	for _, client in ipairs(occupants) do
		if may(self.clients[client]) then return client; end
	end
	for client, known in pairs(self.clients) do
		if is_about_to_join(known, address, now) and may(known) then return client; end
	end
	return nil;
end

-- What a suspension ends ---------------------------------------------------------------------------

function methods:take_clients(username, before, taken)
	for client in pairs(self:person(username).clients) do
		local known = self.clients[client];
		if known.since < before and not known.ended then
			known.ended = true;
			taken[client] = true;
		end
	end
end

function methods:take_claims(username, before, taken)
	for client, claims in pairs(self.claims) do
		local claim = claims[username];
		if claim and claim.since < before and not claim.ended then
			claim.ended = true;
			taken[client] = true;
		end
	end
end

-- order: { username, action, before }; see revocations.lib.lua.  What it ends counts as ended from now on.
-- Returns { logins, clients }, each a sorted list.
function methods:ending_of(order, now)
	local before, taken, clients = order.before or math.huge, {}, {};
	self:take_clients(order.username, before, taken);
	self:take_claims(order.username, before, taken);
	for client in pairs(taken) do table.insert(clients, client); end
	table.sort(clients);
	local person, moment = self:person(order.username), math.min(order.before or now, now); -- the service's clock may be ahead
	if moment > 0 then person.ended = math.max(person.ended or 0, moment); end
	self:tidy(order.username);
	return { logins = self.logins:take_before(order.username, before), clients = clients };
end

function methods:sweep(now)
	self.logins:sweep(now);
	for username, person in pairs(self.known) do
		if person.ended and now - person.ended > kept then
			person.ended = nil;
			self:tidy(username);
		end
	end
end

return { new = new, on_top = on_top };
