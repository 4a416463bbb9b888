-- meeting_guard.lib.lua: keeps suspended organisers out of Jitsi's meetings, and ends those that they started.
-- Builds the parts that do it, and attaches them to the component in front of jicofo and to the components with rooms.
-- Within the guard an organiser is called by the pseudonym, by whichever door they came: a `username` in its parts is that one.
-- Names of the service become pseudonyms in carry_out(), nodes of JIDs where they are read; and names again in running(), in
-- the reports of counts.lib.lua, and where a school is looked up.
-- This file is MIT licensed; see LICENSE.

local cache = require "util.cache";
local jid = require "util.jid";
local new_id = require "util.id".medium;
local timer = require "util.timer";
local time = require "util.time".now;

local client_claims = module:require "client_claims";
local conference_admission = module:require "conference_admission";
local conference_answer = module:require "conference_answer";
local conference_detour = module:require "conference_detour";
local conference_requests = module:require "conference_requests";
local counts = module:require "counts";
local hooks = module:require "authbridge/hooks";
local leaders = module:require "leaders";
local logouts = module:require "logouts";
local meeting_end = module:require "meeting_end";
local meeting_owners = module:require "meeting_owners";
local meetings = module:require "meetings";
local own_rooms = module:require "own_rooms";
local people = module:require "people";
local protect = module:require "authbridge/protect";
local remembered_logins = module:require "remembered_logins";
local renewed_logins = module:require "renewed_logins";
local room_addresses = module:require "room_addresses";
local rules_link = module:require "rules_link";
local schools = module:require "schools";

local sweep_interval, purge_interval = 60, 3600; -- seconds
local format = 7; -- of the state that outlives a reload

local methods = {};
methods.__index = methods;

function methods:attach_focus()
	local context = module:context(self.place.focus);
	self.admission:attach(context);
	self.answer:attach(context);
	hooks.before_all(context, "presence/host", function (event)
		local from, kind = event.stanza.attr.from, event.stanza.attr.type;
		if kind ~= nil or jid.bare(from) ~= self.place.target then return; end
		self.requests:jicofo_came();
		self.logouts:jicofo_came(from);
	end);
	for _, login in ipairs(self.owed) do self.logouts:log_out(login, {}, time()); end
end

function methods:attach(host)
	local context = module:context(host);
	hooks.before_all(context, "resource-unbind", function (event)
		self.owners:client_gone(event.session.full_jid);
		self.meetings:client_gone(event.session.full_jid);
		self.leaders:client_gone(event.session.full_jid);
	end);
	if host == self.place.focus then self:attach_focus(); end
	if self.mucs[host] then
		self.owners:attach(host, context);
		self.leaders:attach(context);
		self.own_rooms:attach(context);
		self.rules:attach(context);
	end
	if self.detours[host] then conference_detour.attach(context, self.place.focus); end
end

function methods:sweep()
	self.logouts:sweep(time());
	self.owners:sweep();
end

-- What is on disk is a week old at most, also where Prosody is restarted every day.
function methods:purge()
	if time() - self.purged_at < purge_interval then return; end
	self.purged_at = time();
	self.renewed:sweep(time());
end

-- Attaches everything to the hosts that are there, and to those that come; not before their modules are loaded.
function methods:start()
	self.mucs, self.detours = {}, conference_detour.hosts_of(self.place);
	for _, host in ipairs(self.place.mucs) do self.mucs[host] = true; end
	for host in pairs(prosody.hosts) do self:attach(host); end
	hooks.after_all_globally("host-activated", function (host) self:attach(host); end);
	self.sweeping = timer.add_task(sweep_interval, function ()
		protect.call(self.sweep, self);
		protect.call(self.purge, self);
		return sweep_interval;
	end);
end

-- saved: what save() returned before a reload, or nil.  Returns it if this version can go on with it.
local function kept_of(saved)
	return saved and saved.format == format and saved or nil;
end

-- Adds logins, claims, people, requests, counts, schools and meetings to the guard: new ones, or those that outlived a reload.
local function add_state(self, kept)
	if kept then
		self.logins, self.claims = remembered_logins.on_top(kept.logins), client_claims.on_top(kept.claims);
		self.people, self.requests = people.on_top(kept.people), conference_requests.on_top(kept.requests);
		self.counts, self.schools = counts.on_top(kept.counts), schools.on_top(kept.schools);
		self.meetings = meetings.on_top(kept.meetings);
	else
		self.logins, self.claims, self.requests = remembered_logins.new(cache.new), client_claims.new(), conference_requests.new();
		self.people, self.counts = people.new(self.logins, self.claims), counts.new(new_id(), self.pseudonyms);
		self.schools = schools.new(cache.new);
		self.meetings = meetings.new(self.people, self.logins, self.requests, self.counts);
	end
end

-- feed: of revocations.lib.lua; place: of jitsi_config.lib.lua; changed() is called when the meetings that run are others
-- than before; pseudonyms: of pseudonyms.lib.lua; kept: of kept_of().
-- Without a focus there is nothing to guard, and nothing is attached.
local function start(feed, place, changed, pseudonyms, kept)
	local self = setmetatable({
		feed = feed, place = place, changed = changed, pseudonyms = pseudonyms, owed = kept and kept.owed or {};
	}, methods);
	add_state(self, kept);
	self.renewed, self.purged_at = renewed_logins.new(module:open_store("auth_external_logins", "keyval")), 0;
	self.addresses = room_addresses.new(jid, place);
	self.rules = rules_link.new(self);
	self.owners = meeting_owners.new(self);
	self.leaders = leaders.new(self, place.target);
	self.own_rooms = own_rooms.new(self, place.target);
	self.logouts = logouts.new(place);
	self.ending = meeting_end.new(self);
	self.admission = conference_admission.new(self);
	self.answer = conference_answer.new(self);
	if place.focus then self:start(); end
	return self;
end

-- Returns counts of what ended, and the pages whose sessions are still to be closed; see meeting_end.lib.lua.
function methods:carry_out(order)
	if order.action == "reinstate" or not self.place.focus then return { meetings = 0, logins = 0, waiting = 0 }, {}; end
	return self.ending:carry_out({ username = self.pseudonyms:of(order.username), action = order.action, before = order.before });
end

-- Returns login name -> number of meetings that the organiser started; those of unknown names under "".
function methods:running()
	local running = {};
	for username, number in pairs(self.meetings:running()) do
		local name = self.pseudonyms:name_of(username) or "";
		running[name] = (running[name] or 0) + number;
	end
	return running;
end

function methods:save()
	return {
		logins = self.logins, claims = self.claims, people = self.people, requests = self.requests, counts = self.counts;
		schools = self.schools, pseudonyms = self.pseudonyms, meetings = self.meetings;
		owed = self.logouts:owed_logins(), format = format;
	};
end

function methods:stop()
	if self.sweeping then timer.stop(self.sweeping); end
end

return { start = start, kept_of = kept_of, await = logouts.await };
