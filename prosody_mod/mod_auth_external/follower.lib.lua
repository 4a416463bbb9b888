-- follower.lib.lua: asks the feed of revocations, again and again, and has its orders carried out.
-- What to ask and what follows from an answer stands in revocations.lib.lua.
-- This file is MIT licensed; see LICENSE.

local async = require "util.async";
local json = require "util.json";
local monotonic = require "util.time".monotonic;
local timer = require "util.timer";

local exchange = module:require "exchange";
local new_endpoints = module:require "endpoints".new;

local grace = 10; -- seconds after its wait in which an answer still comes
local max_answer = 4 * 1024 * 1024; -- bytes; a snapshot of 50,000 names
local tolerated = 3; -- faults in a row that are not worth a line: a restart of the service
local pace = 2; -- seconds; a school bell changes the number of meetings many times a second
local anew = {}; -- instead of an answer: the question is out of date

local methods = {};
methods.__index = methods;

-- util.timer, not module:add_timer: those die with a `module reload`, and the coroutine would wait for ever.
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
	local call = { max_answer = max_answer };
	self.interrupt = function () call.abandon("stopped"); end
	if not self.hurries then self.ask_anew = function () call.abandon(anew); end end
	local body, code = exchange.post(endpoint.url .. "/v1/revocations", self.token, question, question.wait + grace, call);
	self.interrupt, self.ask_anew = nil, nil;
	return body, code;
end

-- The meetings that run have changed: the service is told within moments.  An answer that crosses this is
-- given once more, for the cursor has not moved.
function methods:tell_anew()
	if self.stopped or self.telling then return; end
	self.telling = timer.add_task(pace, function ()
		self.telling = nil;
		if self.ask_anew then self.ask_anew(); end
	end);
end

function methods:tell_fault(fault, detail)
	if self.told or (fault == "outage" and self.feed.failures < tolerated * self.feed.urls) then return; end
	self.told = true;
	module:log("warn", "No news of suspensions: %s; logins are checked as ever, and running sessions end once there are news", detail);
end

function methods:tell_success(answer)
	if self.told or answer.is_snapshot then
		module:log("info", "Following the news of suspensions from %d on", answer.cursor);
	end
	self.told = false;
end

-- When jicofo was away, and has confirmed the last login.  Ids of another feed mean nothing to this one.
function methods:report_again(order, counts)
	local epoch = self.feed.epoch;
	function counts.on_settled()
		if self.feed.epoch ~= epoch then return; end
		self.feed:report(order, counts);
		self:tell_anew();
	end
end

-- All at once, and only then is jicofo waited for.
function methods:carry_out(orders)
	local all = {};
	for i, order in ipairs(orders) do all[i] = self.execute(order); end
	self.await(all);
	for i, order in ipairs(orders) do
		local counts = all[i];
		self.feed:report(order, counts);
		self:report_again(order, counts);
		if counts.sessions + counts.meetings + counts.logins > 0 then
			module:log("info", "News %s carried out, ended: %d sessions, %d meetings, %d remembered logins",
				order.id or "of the beginning", counts.sessions, counts.meetings, counts.logins);
		end
	end
end

-- One question.  Returns the seconds until the next one.
function methods:round()
	local feed, asked = self.feed, monotonic();
	local question, endpoint = feed:question(self.running()), self.endpoints:choose(asked);
	if self.hurries then question.wait = 0; end
	local body, code = self:ask(endpoint, question);
	-- A question that was given up is made good by one that is not: else a bell at a slow service, which changes the
	-- numbers all the time, would keep all news away.
	self.hurries = body == anew;
	if self.stopped or self.hurries then return 0; end
	local answer, fault, detail = feed:read(code, body, json);
	if not answer then
		self.endpoints:dropped(endpoint);
		local seconds = feed:failed(fault, math.random());
		self:tell_fault(fault, detail);
		return seconds;
	end
	self.endpoints:answered(endpoint);
	local took = monotonic() - asked;
	local orders = feed:begin(answer, question);
	self:tell_success(answer);
	self:carry_out(orders);
	return feed:complete(answer, question, took);
end

function methods:follow()
	while not self.stopped do
		local ok, result = pcall(self.round, self);
		if not ok then
			self.interrupt, self.ask_anew, self.hurries = nil, nil, false;
			module:log("error", "Error in this module: %s", result);
			result = self.feed:failed("outage", math.random());
		end
		self:pause(result);
	end
end

-- Nothing of it runs on afterwards.
function methods:stop()
	self.stopped = true;
	timer.stop(self.start);
	if self.telling then timer.stop(self.telling); end
	if self.interrupt then self.interrupt(); end
end

-- deeds: execute(order) -> { sessions, meetings, logins = numbers of those ended }; await(list of them) returns
-- when the numbers are final; running() -> username -> number of meetings that he started.
-- The endpoints are not those of the logins: a feed that hangs must not make a login choose otherwise.
local function start(feed, settings, deeds)
	local self = setmetatable({
		feed = feed, token = settings.token, endpoints = new_endpoints(settings.urls), stopped = false;
		execute = deeds.execute, await = deeds.await, running = deeds.running;
	}, methods);
	local runner = async.runner(function () self:follow(); end);
	self.start = timer.add_task(0, function () runner:run(true); end); -- when the server's loop runs
	return self;
end

return { start = start };
