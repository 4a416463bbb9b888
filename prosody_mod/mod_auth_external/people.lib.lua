-- people.lib.lua: knows which organiser is behind which client.
-- Pure: `now` and moments are seconds since 1970, and Prosody's own tables are never touched here.
-- This file is MIT licensed; see LICENSE.
--
--   client ----- jicofo's answer names the organiser ------> organiser
--   client ----- a request shows a session-id: a claim ----> organiser     (see client_claims.lib.lua)
--
-- A client is as old as the password that began its login.  One of unknown age began at 0: long ago.

local kept = 7 * 24 * 3600; -- seconds; the service tells of no older moment
local expected_for = 15; -- seconds from the answer to the join; jicofo waits no longer either

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

-- logins, claims: of remembered_logins.lib.lua and client_claims.lib.lua.
local function new(logins, claims)
	return on_top {
		logins = logins, claims = claims;
		known = {}; -- username -> { clients = set; ended = moment of the last end, or nil }
		clients = {}; -- full JID -> { username, room, since, asked, joined, ended }
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

-- request: { client, login, own, since, number }; own: the organiser whose own client asks, since that moment.
function methods:asked(request)
	local known = self.logins:find(request.login);
	if known then
		self.claims:add(request.client, known.username, known.since, request.number);
	elseif request.own then
		self.claims:add(request.client, request.own, request.since, request.number);
	end
end

-- jicofo refused that request for its session-id.
function methods:disbelieved(request)
	local known = self.logins:find(request.login);
	if known then self.claims:disbelieve(request.client, known.username); end
end

-- An answer names the organiser, and Prosody knows no request that it is for: the client ends with that organiser.
function methods:named_without_request(client, username, since)
	if not self.clients[client] then self.claims:add(client, username, since, 0); end
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
	self.claims:client_gone(client);
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
	self.claims:remove(answer.client, answer.username);
end

-- Notes that the client has joined that room.  Returns { username, since, room, joined } of a client of an organiser that
-- was not ended, or nil; room and joined tell of the room of jicofo's last answer.
function methods:joined(client, address)
	local known = self.clients[client];
	if not known or known.ended then return nil; end
	if known.room == address then known.joined = true; end
	return known;
end

-- Tells whether the client has entered the room of jicofo's last answer to it.
function methods:has_joined(client)
	local known = self.clients[client];
	return known ~= nil and known.joined;
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
	local username, since = self.claims:first(client, number);
	return username and { username = username, since = since, is_claim = true };
end

-- What a client may ---------------------------------------------------------------------------------

local function is_over(entry, username, feed)
	return entry.ended or feed:is_suspended(username);
end

-- Tells whether jicofo may let that client lead: it is an organiser's that may go on.  feed: of revocations.lib.lua.
function methods:may_lead(client, feed)
	local known = self.clients[client];
	if known then return not is_over(known, known.username, feed); end
	return self.claims:any(client, function (claim, username) return not is_over(claim, username, feed); end);
end

function methods:is_client_over(client, feed)
	local known = self.clients[client];
	if known and is_over(known, known.username, feed) then return true; end
	return self.claims:any(client, function (claim, username) return is_over(claim, username, feed); end);
end

-- Returns nil, or what is over: "login" for the session-id, "client" for the page that shows it.
-- As long as the feed has not told who is suspended, a session-id of unknown age has to wait, and its page asks again;
-- also one that is known from an old answer of jicofo's, sent once more after a restart: it would let a suspended
-- organiser in.
function methods:refusal(client, login, feed)
	local known = self.logins:find(login);
	if known and is_over(known, known.username, feed) then return "login"; end
	if login and not feed:has_news() and not (known and known.since > 0 and not known.is_early) then return "client"; end
	return self:is_client_over(client, feed) and "client" or nil;
end

-- Tells whether the organiser's logins were ended within a week.
function methods:has_an_end(username)
	local person = self.known[username];
	return person ~= nil and person.ended ~= nil;
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

-- Returns a client of an organiser other than `username` (nil: of any) who may go on with that meeting, who is in it or,
-- where it is open, about to join; or nil.  occupants: the clients in its rooms; may_lead(username) tells whether that organiser
-- may lead there.
function methods:heir_of(address, username, occupants, feed, now, is_open, may_lead)
	local function may(known)
		return known and not known.ended and known.username ~= username and not feed:is_suspended(known.username)
			and may_lead(known.username);
	end
	for _, client in ipairs(occupants) do
		if may(self.clients[client]) then return client; end
	end
	for client, known in pairs(is_open and self.clients or {}) do
		if is_about_to_join(known, address, now) and may(known) then return client; end
	end
	return nil;
end

-- Tells whether a client of that organiser is among these.
function methods:is_among(username, occupants)
	for _, client in ipairs(occupants) do
		local known = self.clients[client];
		if known and known.username == username then return true; end
	end
	return false;
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

-- order: { username, action, before }; see revocations.lib.lua.  What it ends counts as ended from now on.
-- Returns { logins, clients }, each a sorted list.
function methods:ending_of(order, now)
	local before, taken, clients = order.before or math.huge, {}, {};
	self:take_clients(order.username, before, taken);
	self.claims:take_before(order.username, before, taken);
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
