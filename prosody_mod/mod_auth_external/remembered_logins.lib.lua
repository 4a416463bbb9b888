-- remembered_logins.lib.lua: knows which organiser a login is whose that jicofo remembers, by its session-id.
-- Pure: `now` and moments are seconds since 1970.
-- This file is MIT licensed; see LICENSE.
--
-- A login is as old as the password that began it.  One of unknown age began at 0: long ago.

local max_logins = 16384; -- one a machine and organiser; jicofo's answer names the organiser even if it was forgotten here
local max_of_one = 32; -- of an organiser; otherwise one of them could push out all others, and make their end slow
local kept = 7 * 24 * 3600; -- seconds; the service tells of no older moment

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

local function new(new_cache)
	return on_top {
		logins = new_cache(max_logins); -- session-id -> { username, since, seen, is_early, ended }
		of_username = {}; -- username -> set of session-ids
	};
end

-- Returns { username, since, ended } of that session-id, or nil; a login may be nil.
function methods:find(login)
	return login and self.logins:get(login);
end

-- Returns the moment when that login began.  began: of the organiser's own session, if it was that one which asked, or
-- nil; its password has then vouched for the login anew.
function methods:age_of(login, began)
	local known = self:find(login);
	return math.max(began or 0, known and known.since or 0);
end

function methods:forget(login)
	local username = self.logins:get(login).username;
	local logins = self.of_username[username];
	self.logins:set(login, nil);
	logins[login] = nil;
	if not next(logins) then self.of_username[username] = nil; end
end

-- Forgets the organiser's login that was not shown for the longest time, if there are too many, and returns it.
function methods:take_surplus(username)
	local number, oldest = 0, nil;
	for login in pairs(self.of_username[username]) do
		number = number + 1;
		if not oldest or self.logins:get(login).seen < self.logins:get(oldest).seen then oldest = login; end
	end
	if number <= max_of_one then return nil; end
	self:forget(oldest);
	return oldest;
end

-- answer: { login, username, since, is_early }; is_early: its age was kept over a restart, and there is no news yet.
-- Returns a session-id that is to be logged out, if the organiser has too many, or nil.
function methods:remember(answer, now)
	local login, username = answer.login, answer.username;
	local before = self.logins:get(login);
	if before and before.username ~= username then self:forget(login); end
	local oldest = self.logins:tail();
	if oldest and self.logins:count() >= max_logins and not before then self:forget(oldest); end
	self.logins:set(login, { username = username, since = answer.since, seen = now, is_early = answer.is_early });
	self.of_username[username] = self.of_username[username] or {};
	self.of_username[username][login] = true;
	return self:take_surplus(username);
end

-- Returns the organiser's session-ids that began before that moment and were not ended yet, sorted; they count as ended
-- from now on.
function methods:take_before(username, before)
	local taken = {};
	for login in pairs(self.of_username[username] or {}) do
		local entry = self.logins:get(login);
		if entry.since < before and not entry.ended then
			entry.ended = true;
			table.insert(taken, login);
		end
	end
	table.sort(taken);
	return taken;
end

function methods:sweep(now)
	local login, entry = self.logins:tail();
	while login and now - entry.seen > kept do
		self:forget(login);
		login, entry = self.logins:tail();
	end
end

return { new = new, on_top = on_top };
