-- follower.lib.lua: asks the feed of revocations, again and again, and has its orders carried out.
-- revocations.lib.lua says what to ask, and what follows from an answer.
-- This file is MIT licensed; see LICENSE.

local async = require "util.async";
local json = require "util.json";
local time = require "util.time";
local timer = require "util.timer";

local post = module:require "authbridge/http_call".post;
local protect = module:require "authbridge/protect";

local grace = 10; -- seconds after the wait of a question in which an answer still comes
local max_answer = 4 * 1024 * 1024; -- bytes; a snapshot of 50,000 names
local tolerated = 3; -- rounds of faults in a row that are not worth a line in the log: a restart of the service
local pace = 2; -- seconds; a school bell changes the number of meetings many times a second
local pause_of_none = 0.25; -- seconds while no service answers; health_watch.lib.lua looks as often
local outdated = {}; -- stands in the place of an answer: the question is out of date

local methods = {};
methods.__index = methods;

-- util.timer, not module:add_timer: a `module reload` ends those, and the coroutine would wait for ever.
function methods:pause(seconds)
	if seconds == 0 or self.stopped then return; end
	local wait, done = async.waiter();
	local task;
	self.interrupt = function () -- by the timer or by stop(), whichever is first
		self.interrupt = nil;
		timer.stop(task);
		done();
	end
	task = timer.add_task(seconds, self.interrupt);
	wait();
end

function methods:ask(endpoint, question)
	local call = { max_answer = max_answer, is_of_feed = true };
	self.interrupt = function () call.abandon("stopped"); end
	if not self.hurries then self.ask_anew = function () call.abandon(outdated); end end
	self.services:began(endpoint, call);
	local url = endpoint.url .. "/v1/revocations";
	local is_done, body, code = protect.try(post, url, self.token, json.encode(question), question.wait + grace, call);
	self.services:ended(endpoint, call);
	self.interrupt, self.ask_anew = nil, nil;
	if not is_done then return "error in this module", 0; end
	return body, code;
end

-- The meetings that run have changed: the service is told within moments.  An answer that crosses this is given once
-- more, for the cursor has not moved.
function methods:meetings_changed()
	if self.stopped or self.refreshing then return; end
	self.refreshing = timer.add_task(pace, function ()
		self.refreshing = nil;
		if self.ask_anew then self.ask_anew(); end
	end);
end

-- Logs a fault once, until it is over.
function methods:log_fault(fault, detail)
	if self.is_logged or (fault == "outage" and self.feed:rounds_failed() < tolerated) then return; end
	self.is_logged = true;
	module:log("warn", "No news of suspensions: %s; logins are checked as always, and running sessions end once there is news", detail);
end

function methods:log_success(answer)
	if self.is_logged or answer.is_snapshot then
		module:log("info", "Following the news of suspensions from %d on", answer.cursor);
	end
	self.is_logged = false;
end

-- Reports the order once more when jicofo, which was away, has confirmed the last login.
function methods:report_when_settled(order, counts)
	local report = self.feed:reporter(order);
	function counts.on_settled()
		if report(counts) then self:meetings_changed(); end
	end
end

local function log_counts(order, counts)
	if counts.sessions + counts.meetings + counts.logins == 0 then return; end
	module:log("info", "News %s carried out, ended: %d sessions, %d meetings, %d remembered logins",
		order.id or "of the beginning", counts.sessions, counts.meetings, counts.logins);
end

-- Carries all orders out first, and only then waits for jicofo.
function methods:carry_out(orders)
	local all = {};
	for i, order in ipairs(orders) do all[i] = self.execute(order); end
	self.await(all);
	for i, order in ipairs(orders) do
		local counts = all[i];
		self.feed:report(order, counts);
		self:report_when_settled(order, counts);
		log_counts(order, counts);
	end
end

-- Asks one question and does what its answer says.  Returns the seconds until the next question.
function methods:round()
	local feed, asked, call = self.feed, time.monotonic(), { asked = time.now() };
	local endpoint = self.choice:choose();
	if not endpoint then return pause_of_none; end
	local report = self.counts:report();
	local question = feed:question(self.running(), report, self.schools.version);
	if self.hurries then question.wait = 0; end
	local body, code = self:ask(endpoint, question);
	-- After a question that was given up comes one that is not: otherwise a school bell at a slow service, which changes
	-- the numbers all the time, would keep all news away.
	self.hurries = body == outdated;
	if self.stopped or self.hurries then return 0; end
	call.answered = time.now();
	local answer, fault, detail = feed:read(code, body, json, call);
	if not answer then
		self.choice:pass(endpoint);
		local seconds = feed:failed(fault, math.random());
		self:log_fault(fault, detail);
		return seconds;
	end
	self.services:heard_from(endpoint);
	self.counts:answered(report);
	self.schools:take(answer.schools);
	local took = time.monotonic() - asked;
	local orders = feed:begin(answer, question);
	self:log_success(answer);
	self:carry_out(orders);
	return feed:complete(answer, question, took);
end

function methods:follow()
	while not self.stopped do
		local seconds = protect.call(self.round, self);
		if not seconds then
			self.interrupt, self.ask_anew, self.hurries = nil, nil, false;
			seconds = self.feed:failed("outage", math.random());
		end
		self:pause(seconds);
	end
end

-- Nothing of the follower runs on afterwards.
function methods:stop()
	self.stopped = true;
	timer.stop(self.starting);
	if self.refreshing then timer.stop(self.refreshing); end
	if self.interrupt then self.interrupt(); end
end

-- services: the health_watch.lib.lua of the logins.
local function new(feed, token, services)
	return setmetatable({
		feed = feed, token = token, services = services, choice = services:choice_of_feed(), stopped = false;
	}, methods);
end

-- callbacks: execute(order) -> { sessions, meetings, logins = numbers of those ended }; await(list of them) returns when the
-- numbers are final; running() -> username -> number of meetings that the organiser started; counts, schools: of
-- counts.lib.lua and schools.lib.lua.
function methods:start(callbacks)
	self.execute, self.await, self.running = callbacks.execute, callbacks.await, callbacks.running;
	self.counts, self.schools = callbacks.counts, callbacks.schools;
	local runner = async.runner(function () self:follow(); end);
	self.starting = timer.add_task(0, function () runner:run(true); end); -- when the server's loop runs
end

return { new = new };
