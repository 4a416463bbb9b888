-- renewed_logins.lib.lua: keeps over a restart of Prosody which remembered logins are younger than the end of all before.
-- Otherwise nobody would know the age of a session-id after a restart, and it would count as one that was ended.
-- Kept are a hash of the session-id and the moment of the password, for a week, and only of organisers whose logins were
-- ended within one.  Where Prosody's storage does not keep it, such an organiser logs in once more.
-- This file is MIT licensed; see LICENSE.

local sha256 = require "util.hashes".sha256;

local protect = module:require "authbridge/protect";

local kept = 7 * 24 * 3600; -- seconds; the service tells of no older end
local max_of_one = 32; -- of an organiser, as many as are remembered
local same = 0.01; -- seconds; storage rounds

local methods = {};
methods.__index = methods;

-- Of a host whose storage cannot be opened.
local nowhere = {};
function nowhere.get() return nil; end
function nowhere.set() return nil; end
function nowhere.users() return next, {}; end

-- store: username -> { hash = moment }, as Prosody's storage drivers keep it; or nil.
local function new(store)
	return setmetatable({ store = store or nowhere }, methods);
end

function methods:read(username)
	local record = protect.call(self.store.get, self.store, username);
	return type(record) == "table" and record or {};
end

function methods:write(username, record)
	local is_kept = protect.call(self.store.set, self.store, username, next(record) and record or nil);
	if not is_kept then module:log("warn", "A login could not be kept: after a restart of Prosody its organiser has to log in once more"); end
end

-- Leaves those of the last week, the youngest ones.  Returns whether some were too many.
local function prune(record, now)
	local list, is_changed = {}, false;
	for hash, since in pairs(record) do table.insert(list, { hash = hash, since = since }); end
	table.sort(list, function (a, b) return a.since > b.since; end);
	for i, entry in ipairs(list) do
		if i > max_of_one or now - entry.since > kept then record[entry.hash], is_changed = nil, true; end
	end
	return is_changed;
end

-- since: when the password was shown that made the login, or vouched for it anew.
function methods:note(username, login, since, now)
	local record, hash = self:read(username), sha256(login, true);
	if record[hash] and math.abs(record[hash] - since) < same then return; end
	record[hash] = since;
	prune(record, now);
	self:write(username, record);
end

-- Returns the moment of the password behind that login, 0 (long ago) if it is unknown.
function methods:moment_of(username, login)
	return self:read(username)[sha256(login, true)] or 0;
end

function methods:sweep(now)
	local usernames = {};
	for username in self.store:users() do table.insert(usernames, username); end
	for _, username in ipairs(usernames) do
		local record = self:read(username);
		if prune(record, now) then self:write(username, record); end
	end
end

return { new = new };
