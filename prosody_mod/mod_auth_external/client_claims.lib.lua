-- client_claims.lib.lua: keeps which organisers a client claims by the session-ids that its requests show.
-- Pure: moments are seconds since 1970.
-- This file is MIT licensed; see LICENSE.
--
-- jicofo believes a request before it answers it, and where it cannot join the room it never answers.  So a claim ends with
-- its organiser, as a client does that an answer named.  It makes nobody a starter or an heir: jicofo may still refuse the
-- request, and a stranger who shows a session-id would otherwise take a meeting over.

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

local function new()
	return on_top { of_client = {} }; -- full JID -> username -> { since, number, ended; open = of how many requests }
end

-- number: of the request that claims it.
function methods:add(client, username, since, number)
	local claims = self.of_client[client] or {};
	self.of_client[client] = claims;
	local claim = claims[username] or { since = since, number = number, open = 0 };
	claims[username] = claim;
	claim.since, claim.open = math.min(claim.since, since), claim.open + 1;
end

function methods:remove(client, username)
	local claims = self.of_client[client];
	if not claims then return; end
	claims[username] = nil;
	if not next(claims) then self.of_client[client] = nil; end
end

-- jicofo did not believe one of the requests: the claim goes when it believed none of them.
function methods:disbelieve(client, username)
	local claims = self.of_client[client];
	local claim = claims and claims[username];
	if not claim then return; end
	claim.open = claim.open - 1;
	if claim.open == 0 then self:remove(client, username); end
end

function methods:client_gone(client)
	self.of_client[client] = nil;
end

-- Returns a username that the client claims, and the moment since when; with `number`, by a request before that one; or nil.
function methods:first(client, number)
	for username, claim in pairs(self.of_client[client] or {}) do
		if claim.number < (number or math.huge) then return username, claim.since; end
	end
	return nil;
end

-- Tells whether test(claim, username) is true for one of the client's claims; a claim is { since, ended }.
function methods:any(client, test)
	for username, claim in pairs(self.of_client[client] or {}) do
		if test(claim, username) then return true; end
	end
	return false;
end

-- Adds to the set `taken` the clients that claim that organiser since before that moment, and that were not ended yet; their
-- claims count as ended from now on.
function methods:take_before(username, before, taken)
	for client, claims in pairs(self.of_client) do
		local claim = claims[username];
		if claim and claim.since < before and not claim.ended then
			claim.ended = true;
			taken[client] = true;
		end
	end
end

return { new = new, on_top = on_top };
