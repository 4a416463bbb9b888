-- revocations.lib.lua: knows who is suspended and whose sessions have to end, and what the feed is asked and told.
-- Pure: `now` (seconds since 1970) and random numbers are arguments; sessions are never touched here.
-- This file is MIT licensed; see LICENSE.
--
--             snapshot
--   strange ------------> following --+ events: carried out, reported with the next question
--      ^                    |    ^    |
--      |                    |    +----+
--      +--------------------+ an answer, or a question, that was not understood
--
-- Any other fault changes nothing: a suspended organiser stays suspended, and the question is asked again.

local feed_answer = module:require "authbridge/feed_answer";

local wait = 15; -- seconds; the panel calls a node late that has asked nothing for 30
local max_done = 32; -- reports in a question, which has 8 KiB; they take up to 2.4 KiB
local max_running = 4000; -- bytes of the meetings in a question
local kept_done = 1000; -- reports; an event without a report is shown as carried out with zeros

-- A service on the same machine that restarts is there again within a second or two.
local pauses = { 0.25, 0.5, 1, 2, 4, 8, 10 }; -- seconds
local pause_of_older = 60; -- seconds
local jitter = 0.2; -- of a pause, up and down: several Prosodys do not come back all at once
local pause_of_hasty = 1; -- second

local methods = {};
methods.__index = methods;

-- node: the name of this Prosody; urls: number of services; one that fails is left for the next one at once; pseudonyms: of
-- pseudonyms.lib.lua.
-- logins: nil, or those of the feed before a reload, which its logins under way go on to use.
local function new(node, urls, pseudonyms, logins)
	return setmetatable({
		node = node, urls = urls, pseudonyms = pseudonyms, epoch = nil, cursor = 0;
		suspended = {}; -- username and pseudonym -> true
		-- Logins under check or not bound yet; one whose session is gone is forgotten with it.
		logins = logins or setmetatable({}, { __mode = "k" });
		done = {}, failures = 0, hasty = 0, is_informed = false; -- whether it ever heard who is suspended
	}, methods);
end

-- username: or the pseudonym.
function methods:is_suspended(username)
	return self.suspended[username] == true;
end

function methods:suspend(username)
	self.suspended[username], self.suspended[self.pseudonyms:of(username)] = true, true;
end

function methods:reinstate(username)
	self.suspended[username], self.suspended[self.pseudonyms:of(username)] = nil, nil;
end

-- Tells whether the service ever told who is suspended, since this Prosody started.
function methods:has_news()
	return self.is_informed;
end

-- Logins -------------------------------------------------------------------------------------------

-- Call before the service is asked: what arrives from now on counts for this login.  username: nil for one by a token.
-- Returns the login, { username, session, began; ended = whether an order has ended it, is_shared = whether nothing may be
-- remembered on its device; missed = list of what orders have ended while its name was not known }.
function methods:login_began(username, session, now)
	local login = { username = username, session = session, began = now, missed = not username and {} or nil };
	self.logins[login] = true;
	return login;
end

-- moments: username -> moment before which everything of that organiser ends.
local function end_login(login, moments)
	if login.began < (moments[login.username] or 0) then login.ended = true; end
end

-- The service has granted the login.  organiser: { username, is_shared }.
function methods:login_named(login, organiser) -- luacheck: ignore 212/self
	login.username, login.is_shared = organiser.username, organiser.is_shared;
	for _, moments in ipairs(login.missed or {}) do end_login(login, moments); end
	login.missed = nil;
end

-- Returns what becomes of a login that the service granted: "granted", or the verdict that the client is told instead.
-- An organiser who was suspended when the service was asked is so no longer: the service knows before the feed does.
function methods:verdict_of(login)
	if login.ended then return self.suspended[login.username] and "suspended" or "unavailable"; end
	if self.suspended[login.username] then self:reinstate(login.username); end
	return "granted";
end

-- The login failed, or is bound, and so among Prosody's sessions.
function methods:login_over(login)
	self.logins[login] = nil;
end

-- Tells whether a session may be bound.  login: nil, or from before a reload, where this feed cannot have followed it.
function methods:may_bind(username, login)
	if login and login.ended then return false; end
	return login and self.logins[login] or not self.suspended[username];
end

-- Returns the logins of that name that an order has ended.
function methods:ended_logins(username)
	local found = {};
	for login in pairs(self.logins) do
		if login.ended and login.username == username then table.insert(found, login); end
	end
	return found;
end

-- The question and the answer ----------------------------------------------------------------------

-- Returns the numbers that fit into a question; the rest is one sum under the empty name, so that the total stays true.
local function fit(running)
	local names, fitting, room = {}, {}, max_running;
	for name in pairs(running) do table.insert(names, name); end
	table.sort(names);
	for _, name in ipairs(names) do
		room = room - #name - 10; -- quotes, colon, comma, number
		local key = room > 0 and name or "";
		fitting[key] = (fitting[key] or 0) + running[name];
	end
	return names[1] and fitting or nil;
end

-- running: username -> number of meetings that the organiser started; report: of counts.lib.lua, or nil; schools: the version
-- of the codes of schools that are known here.
function methods:question(running, report, schools)
	local rest = #self.done > max_done;
	return {
		node = self.node, epoch = self.epoch, cursor = self.cursor, wait = rest and 0 or wait;
		done = self.done[1] and { table.unpack(self.done, 1, max_done) } or nil, meetings = fit(running or {}), schools = schools;
		opened = report and report.opened, rules = report and report.rules;
	};
end

-- Reads what the service answered; see feed_answer.lib.lua.
function methods:read(code, body, json, call)
	return feed_answer.read(code, body, json, self, call);
end

-- What follows from an answer, in this order ----------------------------------------------------------

function methods:forget_reported(question)
	self.done = { table.unpack(self.done, #(question.done or {}) + 1) };
end

-- Returns username -> moment before which everything of that organiser ends.
local function end_moments(orders)
	local moments = {};
	for _, order in ipairs(orders) do
		if order.action ~= "reinstate" then
			moments[order.username] = math.max(moments[order.username] or 0, order.before or math.huge);
		end
	end
	return moments;
end

-- Makes the orders of an answer count at once.  Returns them: their sessions are still to be ended.
function methods:begin(answer, question)
	self.failures, self.is_informed = 0, true;
	self:forget_reported(question);
	if answer.is_snapshot then self.suspended = {}; end
	if answer.epoch ~= self.epoch then self.done = {}; end
	for _, order in ipairs(answer.orders) do
		if order.action == "suspend" then
			self:suspend(order.username);
		elseif order.action == "reinstate" then
			self:reinstate(order.username);
		end
	end
	local moments = end_moments(answer.orders);
	for login in pairs(self.logins) do
		if login.username then end_login(login, moments); else table.insert(login.missed, moments); end
	end
	return answer.orders;
end

-- Tells whether that order ends a session which began then; one of unknown beginning (nil) began long ago.
local function ends(order, began)
	return order.action ~= "reinstate" and (began or 0) < (order.before or math.huge);
end

-- Returns report(counts) for later, which returns whether it did report: not if another database has taken the place
-- of the service's meanwhile, to which the ids of this one mean nothing.
function methods:reporter(order)
	local epoch = self.epoch;
	return function (counts)
		if self.epoch ~= epoch then return false; end
		self:report(order, counts);
		return true;
	end;
end

-- counts.waiting: remembered logins that jicofo has not confirmed yet; when it has, the order is reported once more.
function methods:report(order, counts)
	if not order.id then return; end -- of a snapshot: the cursor alone says that it is carried out
	table.insert(self.done, {
		id = order.id, sessions = counts.sessions or 0, meetings = counts.meetings or 0, logins = counts.logins or 0;
		waiting = counts.waiting or 0;
	});
	if #self.done > kept_done then table.remove(self.done, 1); end
end

-- All orders of the answer are carried out.  Returns the pause before the next question, in seconds.
-- An empty answer long before its time says that the service is about to stop, or that another poll of this node came.
-- If that goes on, two Prosodys have the same name: they take turns, slowly.
function methods:complete(answer, question, took)
	self.epoch, self.cursor = answer.epoch, answer.cursor;
	local is_hasty = not answer.is_snapshot and #answer.orders == 0 and not question.done and took < question.wait / 2;
	self.hasty = is_hasty and self.hasty + 1 or 0;
	return self.hasty > 1 and pause_of_hasty or 0;
end

-- There was no answer.  random: 0 to 1.  Returns the pause before the next question, in seconds.
function methods:failed(fault, random)
	if fault == "malformed" then self.epoch, self.cursor = nil, 0; end
	self.failures = self.failures + 1;
	if self.failures % self.urls ~= 0 then return 0; end -- the next service may do better
	local pause = fault == "older" and pause_of_older or pauses[math.min(self.failures // self.urls, #pauses)];
	return pause * (1 - jitter + 2 * jitter * random);
end

-- Returns how often in a row all services have failed.
function methods:rounds_failed()
	return self.failures // self.urls;
end

return { new = new, ends = ends };
