-- logouts.lib.lua: logs remembered logins out at jicofo, again and again until jicofo confirms it.
-- jicofo logs a session-id out for any sender.  A logout that did not reach jicofo is sent again when it is back; meanwhile
-- that session-id is refused here.  Never logs a session-id: it is all that a login needs.
-- This file is MIT licensed; see LICENSE.

local async = require "util.async";
local cache = require "util.cache";
local new_id = require "util.id".medium;
local st = require "util.stanza";
local timer = require "util.timer";

local clients = module:require "clients";
local protect = module:require "authbridge/protect";

local xmlns = "http://jitsi.org/protocol/focus";
local patience = 0.5; -- seconds that the report waits for jicofo; what it reports is done by then
local max_owed, max_sent = 4096, 8192;
local lifetime = 25 * 3600; -- seconds; jicofo forgets a login after 24 hours in which nobody could show it

-- Conditions with which jicofo itself says that it knows no such login; all others come from a Prosody that cannot
-- reach it.
local unknown = { ["not-acceptable"] = true, ["item-not-found"] = true };

local methods = {};
methods.__index = methods;

-- No answer is on its way any more.
local function give_up(entry)
	for _, order in ipairs(entry.orders) do
		local counts = order.counts;
		if order.is_awaited then
			order.is_awaited = false;
			counts.unanswered = counts.unanswered - 1;
			if counts.unanswered == 0 and counts.finish then counts.finish(); end
		end
	end
end

local function close(entry, is_confirmed)
	if entry.is_closed then return; end
	entry.is_closed = true;
	for _, order in ipairs(entry.orders) do
		local counts = order.counts;
		counts.waiting = counts.waiting - 1;
		if is_confirmed then counts.logins = (counts.logins or 0) + 1; end
		if counts.waiting == 0 and counts.on_settled then counts.on_settled(); end
	end
	give_up(entry); -- last: the report goes on at once, with the counts
end

-- place: of jitsi_config.lib.lua.
local function new(place)
	local self = setmetatable({ place = place, context = module:context(place.focus), jicofo = nil }, methods);
	self.owed = cache.new(max_owed, function (_, entry) close(entry, false); end);
	self.sent = cache.new(max_sent); -- id of a stanza -> entry
	return self;
end

-- Notes which jicofo answered last.
function methods:heard_of(jicofo)
	self.jicofo = jicofo;
end

-- Returns every jicofo that is connected here; if there is none, the one that answered last.
function methods:jicofos()
	local list = clients.of_address(self.place.target);
	if not list[1] and self.jicofo then table.insert(list, self.jicofo); end
	return list;
end

function methods:ask(entry, jicofo)
	local id = new_id();
	self.sent:set(id, entry);
	entry.open = entry.open + 1;
	self.context:send(st.iq({ type = "set", id = id, from = self.place.focus, to = jicofo })
		:tag("logout", { xmlns = xmlns, ["session-id"] = entry.login }):up());
end

-- counts: { logins, waiting, unanswered }; logins grows when jicofo confirms, waiting says how many it has not confirmed
-- yet, unanswered for how many of them an answer is still on its way.  counts.on_settled(), if there is one, is called
-- when none waits any more.
function methods:log_out(login, counts, now)
	local entry = self.owed:get(login) or { login = login, open = 0, orders = {}, at = now };
	self.owed:set(login, entry);
	counts.waiting, counts.unanswered = (counts.waiting or 0) + 1, (counts.unanswered or 0) + 1;
	table.insert(entry.orders, { counts = counts, is_awaited = true });
	for _, jicofo in ipairs(self:jicofos()) do protect.call(self.ask, self, entry, jicofo); end
	if entry.open == 0 then give_up(entry); end
end

function methods:settle(entry, is_confirmed)
	self.owed:set(entry.login, nil);
	close(entry, is_confirmed);
end

-- Returns true if that was the answer to a logout of ours.
function methods:on_answer(stanza)
	local entry = self.sent:get(stanza.attr.id);
	if not entry then return nil; end
	self.sent:set(stanza.attr.id, nil);
	entry.open = entry.open - 1;
	if stanza.attr.type == "result" then
		self:settle(entry, true);
		return true;
	end
	local _, condition = stanza:get_error();
	entry.is_bounced = entry.is_bounced or not unknown[condition];
	if entry.open > 0 or entry.is_closed then return true; end
	if entry.is_bounced then
		give_up(entry);
	else
		self:settle(entry, false);
	end
	return true;
end

-- jicofo is there, perhaps again.
function methods:jicofo_came(jicofo)
	self:heard_of(jicofo);
	for _, entry in self.owed:items() do
		entry.is_bounced = false;
		protect.call(self.ask, self, entry, jicofo);
	end
end

-- Returns the session-ids that jicofo has not confirmed yet.
function methods:owed_logins()
	local list = {};
	for login in self.owed:items() do table.insert(list, login); end
	return list;
end

function methods:sweep(now)
	local login, entry = self.owed:tail();
	while login and now - entry.at > lifetime do
		self:settle(entry, false);
		login, entry = self.owed:tail();
	end
end

-- all: list of counts.  Returns when an answer is on its way for none of them, or after a moment.  Needs an async context.
local function await(all)
	local wait, done = async.waiter();
	local open, is_over = 1, false;
	local function finish()
		open = open - 1;
		if open > 0 or is_over then return; end
		is_over = true;
		done();
	end
	local task = timer.add_task(patience, function ()
		open = 1;
		finish();
	end);
	for _, counts in ipairs(all) do
		if (counts.unanswered or 0) > 0 then
			open, counts.finish = open + 1, finish;
		end
	end
	finish();
	wait();
	timer.stop(task);
end

return { new = new, await = await };
