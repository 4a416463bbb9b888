-- counts.lib.lua: counts the meetings that were opened, and how often each rule stepped in; reports both, each once.
-- Pure: knows pseudonyms and numbers only.  A meeting counts when the organiser who opened it is in the room.
-- This file is MIT licensed; see LICENSE.
--
--   waiting --------> sent --------> forgotten
--            a question     its answer
--
-- What was sent is not added to until it is answered: without an answer it is sent again as it was, under the same number,
-- by which the service knows it.

local max_bytes = 1000; -- of the names in a report: a question has 8 KiB
local max_steps = 1000000; -- of a rule in a report; the service understands no question with more
local max_name = 64; -- bytes; no organiser has a longer name

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

-- run: a text that no other run of this Prosody had; pseudonyms: of pseudonyms.lib.lua.
local function new(run, pseudonyms)
	return on_top { run = run, pseudonyms = pseudonyms, number = 0, waiting = {}, rules = {}, sent = nil };
end

-- A meeting of that organiser was opened.
function methods:opened(username)
	self.waiting[username] = (self.waiting[username] or 0) + 1;
end

-- That rule has stepped in; rule: one of the few names of the meeting rules.
function methods:stepped_in(rule)
	self.rules[rule] = math.min((self.rules[rule] or 0) + 1, max_steps);
end

-- Returns the login name under which that organiser's meetings are reported; "" for one whose name is not known.
function methods:reported_name(username)
	local name = self.pseudonyms:name_of(username);
	return name and #name <= max_name and name or "";
end

-- Takes out of the meetings that wait those that fit into a report; in order, so that it is the same in every test.
function methods:take()
	local usernames, taken, room = {}, {}, max_bytes;
	for username in pairs(self.waiting) do table.insert(usernames, username); end
	table.sort(usernames);
	for _, username in ipairs(usernames) do
		local name = self:reported_name(username);
		room = room - #name - 10; -- quotes, colon, comma, number
		if room < 0 then break; end
		taken[name] = (taken[name] or 0) + self.waiting[username];
		self.waiting[username] = nil;
	end
	return taken;
end

-- Returns the report for the next question, { opened = { run, number, meetings }, rules = rule -> number }, or nil.
function methods:report()
	if not self.sent and (next(self.waiting) or next(self.rules)) then
		self.number = self.number + 1;
		self.sent = { opened = { run = self.run, number = self.number, meetings = self:take() }, rules = self.rules };
		self.rules = {};
	end
	return self.sent;
end

-- The service has answered the question with that report (nil: it had none).
function methods:answered(report)
	if report and report == self.sent then self.sent = nil; end
end

return { new = new, on_top = on_top };
