-- guard.lib.lua: keeps suspended organisers out of Jitsi's meetings, and ends those that they started.
-- Stands where conference requests and jicofo's answers pass: at the component in front of jicofo.
-- Who is behind what stands in meetings.lib.lua.  Never logs a session-id: whoever knows one is logged in.
-- This file is MIT licensed; see LICENSE.

local async = require "util.async";
local cache = require "util.cache";
local jid = require "util.jid";
local new_id = require "util.id".medium;
local st = require "util.stanza";
local timer = require "util.timer";
local time = require "util.time".now;

local endings = module:require "endings";
local meetings = module:require "meetings";
local rooms = module:require "rooms";

local xmlns = "http://jitsi.org/protocol/focus";
local xmlns_stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";
local sweep_interval = 60; -- seconds
local patience = 0.5; -- seconds that the report waits for jicofo; what it reports is done by then
local max_logouts = 4096; -- that jicofo has not answered yet

local attempt = endings.attempt;

local methods = {};
methods.__index = methods;

local function contains(list, wanted)
	for _, each in ipairs(list) do
		if each == wanted then return true; end
	end
	return false;
end

-- Refusals -----------------------------------------------------------------------------------------

-- Jitsi's client forgets its session-id when it hears the first, and waits for a host when it hears the second.
local refusals = {
	login = { type = "cancel", condition = "not-acceptable", extra = "session-invalid" };
	client = { type = "auth", condition = "not-authorized" };
};

local function refuse(stanza, kind)
	local refusal = refusals[kind];
	stanza.attr.type = "error";
	stanza:reset():maptags(function () return nil; end);
	stanza:tag("error", { type = refusal.type }):tag(refusal.condition, { xmlns = xmlns_stanzas }):up();
	if refusal.extra then stanza:tag(refusal.extra, { xmlns = xmlns }):up(); end
	return stanza:reset();
end

local function is_own(client)
	return jid.host(client) == module.host;
end

function methods:on_request(event)
	local origin, stanza = event.origin, event.stanza;
	local client, login = stanza.attr.from, stanza.tags[1].attr["session-id"];
	local kind = self.registry:refusal(client, login, self.feed);
	if not kind and is_own(client) and self.feed.suspended[jid.node(client)] then kind = "client"; end
	if not kind then return nil; end
	module:log("info", "Conference request refused: its login is suspended or was ended%s",
		self.feed.is_informed and "" or ", or there are no news of suspensions yet");
	origin.send(refuse(st.reply(stanza), kind));
	return true;
end

-- Past the component nobody would look at the answer, and jicofo answers whoever asks.
function methods:on_detour(event)
	local stanza = event.stanza;
	local child = stanza.tags[1];
	if not child or child.attr.xmlns ~= xmlns or jid.host(stanza.attr.from) == self.place.focus then return nil; end
	if stanza.attr.type ~= "get" and stanza.attr.type ~= "set" then return nil; end
	event.origin.send(st.error_reply(stanza, "cancel", "not-allowed", "Ask " .. self.place.focus));
	return true;
end

-- A page whose session is merely closed comes back by itself; one that was taken out of the room does not.
function methods:take_out(client)
	for _, host in ipairs(self.place.mucs) do
		for room in rooms.all_at(host) do attempt(rooms.take_out, room, client); end
	end
end

-- Answers ------------------------------------------------------------------------------------------

local function session_of(client)
	return prosody.full_sessions[client];
end

-- When the password was shown with which that client is here, if it is that organiser himself.
local function vouched_at(client, username)
	if not is_own(client) or jid.node(client) ~= username then return nil; end
	local session = session_of(client);
	local login = session and session.auth_external_login;
	return login and login.began;
end

-- The room, or nil if organisers do not start it: a breakout room goes with its meeting, and asks nobody.
function methods:startable(address)
	local host = address and jid.host(address);
	if host == self.place.muc then return address; end
	if not contains(self.place.mucs, host) or rooms.is_breakout(address, self.place.mucs) then return nil; end
	return address;
end

-- What jicofo's answer says, or nil if it is about nobody of this host.
function methods:read_answer(stanza)
	local conference = stanza.attr.type == "result" and stanza:get_child("conference", xmlns);
	local client = jid.prep(jid.resource(stanza.attr.to));
	if not (conference and client) then return nil; end
	local room = jid.prep(conference.attr.room);
	if not conference.attr.identity then return self:read_silent_answer(client, room); end
	local username, host = jid.prepped_split(conference.attr.identity);
	if not (username and host == module.host) then return nil; end
	local answer = { client = client, username = username, login = conference.attr["session-id"], room = self:startable(room) };
	answer.since = self.registry:age_of(answer.login, vouched_at(client, username));
	return answer;
end

-- To a page that it knows by its JID jicofo opens any room, and names nobody, unless the page shows its session-id.
function methods:read_silent_answer(client, room)
	local known = self.registry.clients[client];
	room = known and self:startable(room);
	if not room then return nil; end
	return { client = client, username = known.username, since = known.since, room = room };
end

function methods:fault_of(answer)
	if self.feed.suspended[answer.username] then return "suspend"; end
	local is_over = self.registry:was_ended(answer.username, answer.since);
	return is_over and "end_sessions" or nil;
end

-- A room that such an answer has opened, or goes on with, ends.  But an old session-id alone is no reason to end a
-- meeting with people in it: the organiser may have logged in anew since.
function methods:close_room_of(answer, fault)
	local room = answer.room and rooms.find(answer.room);
	local known = self.registry.rooms[answer.room];
	if not room or self.registry.strangers[answer.room] or known and known.starter ~= answer.username then return; end
	local clients = rooms.clients_in(room);
	if self.registry:heir_of(answer.room, answer.username, clients, self.feed.suspended, time()) then return; end
	for _, client in ipairs(clients) do
		if fault ~= "suspend" and jid.bare(client) ~= self.place.target then return; end
	end
	rooms.destroy(room);
end

function methods:on_answer(event)
	local stanza = event.stanza;
	if jid.bare(stanza.attr.from) ~= self.place.target then return nil; end
	if stanza.attr.to == self.place.focus then return self:on_logout_answer(stanza); end
	self.jicofo = stanza.attr.from;
	local answer = self:read_answer(stanza);
	if not answer then return nil; end
	local fault = self:fault_of(answer);
	if not fault then
		if not session_of(answer.client) then answer.client = nil; end -- left before the answer came
		local is_new, surplus = self.registry:learn(answer, time());
		if is_new then self.changed(); end
		if surplus then self:log_out(surplus, {}); end
		return nil;
	end
	module:log("info", "Remembered login found that is suspended or was ended: logged out");
	if answer.login then attempt(self.log_out, self, answer.login, {}); end
	attempt(self.close_room_of, self, answer, fault);
	attempt(self.turn_out, self, answer.client, fault);
	refuse(stanza, is_own(answer.client) and "client" or "login");
	return nil; -- the component delivers it
end

-- jicofo has let that page lead wherever it is, or will in a moment: its order may still be on the way.
function methods:turn_out(client, fault)
	local session = session_of(client);
	if not session then return; end
	endings.silence(session);
	attempt(self.take_out, self, client);
	-- When the page has heard the refusal, and forgets its session-id.
	timer.add_task(0, function () attempt(endings.end_session, session, fault); end);
end

-- jicofo's remembered logins -----------------------------------------------------------------------

-- Every jicofo that is connected here; else the one that answered last.
function methods:jicofos()
	local list = {};
	local account = prosody.bare_sessions[self.place.target];
	for _, session in pairs(account and account.sessions or {}) do table.insert(list, session.full_jid); end
	if not list[1] and self.jicofo then table.insert(list, self.jicofo); end
	return list;
end

-- counts.logins grows when jicofo confirms.  It does not ask who wants to log somebody out.
function methods:log_out(login, counts)
	for _, jicofo in ipairs(self:jicofos()) do
		local id = new_id();
		self.logouts:set(id, counts);
		counts.waiting = (counts.waiting or 0) + 1;
		self.context:send(st.iq({ type = "set", id = id, from = self.place.focus, to = jicofo })
			:tag("logout", { xmlns = xmlns, ["session-id"] = login }):up());
	end
end

function methods:on_logout_answer(stanza)
	local id = stanza.attr.id;
	local counts = self.logouts:get(id);
	if not counts then return nil; end
	self.logouts:set(id, nil);
	if stanza.attr.type == "result" then counts.logins = (counts.logins or 0) + 1; end
	counts.waiting = counts.waiting - 1;
	if counts.waiting == 0 and counts.finish then counts.finish(); end
	return true;
end

-- Returns when jicofo has confirmed all, or after a moment.  Needs an async context.
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
		if (counts.waiting or 0) > 0 then
			open, counts.finish = open + 1, finish;
		end
	end
	finish();
	wait();
	timer.stop(task);
end

-- What a suspension ends ---------------------------------------------------------------------------

function methods:end_room(address, username)
	local room = rooms.find(address);
	if not room then
		if self.registry:room_gone(address) then self.changed(); end
		return false;
	end
	local heir = self.registry:heir_of(address, username, rooms.clients_in(room), self.feed.suspended, time());
	if not heir then return rooms.destroy(room); end
	self.registry:pass_on(address, heir);
	self.changed();
	return false;
end

-- Whether that bare JID leads by an organiser's login of its own.
function methods:is_organiser(address)
	local account = prosody.bare_sessions[address];
	for _, session in pairs(account and account.sessions or {}) do
		local known = self.registry.clients[session.full_jid];
		if known and not known.ended and not self.feed.suspended[known.username] then return true; end
	end
	return false;
end

-- Else he would go on leading, by a second page of his.
function methods:take_back_grants(username)
	for _, grant in ipairs(self.registry:led_by(username)) do
		local room = rooms.find(grant.room);
		if room and not self:is_organiser(grant.address) then attempt(room.set_affiliation, room, true, grant.address, nil); end
	end
	for _, address in ipairs(self.registry:rooms_of(username)) do
		for _, room in ipairs(rooms.with_breakouts(rooms.find(address))) do attempt(rooms.demote_others, room); end
	end
end

function methods:on_affiliation(event)
	local room, address, actor = event.room, event.jid, event.actor;
	if type(actor) ~= "string" or not rooms.is_leader(room, address) then
		return self.registry:leads_no_more(room.jid, address);
	end
	local known = self.registry.clients[actor];
	local username = known and known.username or is_own(actor) and jid.node(actor) or nil;
	self.registry:leads_by(room.jid, address, jid.bare(actor), username);
end

-- Returns counts of meetings and of logins (these while jicofo confirms), and the sessions still to be ended.
function methods:carry_out(order)
	local counts, sessions = { meetings = 0, logins = 0, waiting = 0 }, {};
	if order.action == "reinstate" or not self.place.focus then return counts, sessions; end
	local ending = self.registry:ending_of(order, time());
	for _, client in ipairs(ending.clients) do table.insert(sessions, session_of(client)); end
	for _, login in ipairs(ending.logins) do attempt(self.log_out, self, login, counts); end
	for _, address in ipairs(ending.rooms) do
		if attempt(self.end_room, self, address, order.username) then counts.meetings = counts.meetings + 1; end
	end
	for _, client in ipairs(ending.clients) do attempt(self.take_out, self, client); end
	attempt(self.take_back_grants, self, order.username);
	return counts, sessions;
end

-- How it is attached -------------------------------------------------------------------------------

function methods:hook_focus()
	self.context = module:context(self.place.focus);
	self.context:hook("iq/host/" .. xmlns .. ":conference", function (event) return self:on_request(event); end, 10);
	self.context:hook("iq/host", function (event) return self:on_answer(event); end, 10);
end

function methods:hook_muc(host, context)
	for room in rooms.all_at(host) do self.registry:found_before(room.jid); end
	context:hook("muc-occupant-joined", function (event)
		for client in event.occupant:each_session() do self.registry:client_joined(client, event.room.jid); end
	end);
	context:hook("muc-set-affiliation", function (event) self:on_affiliation(event); end);
	context:hook("muc-room-destroyed", function (event)
		if self.registry:room_gone(event.room.jid) then self.changed(); end
	end);
end

function methods:attach(host)
	local context = module:context(host);
	context:hook("resource-unbind", function (event) self.registry:client_gone(event.session.full_jid); end);
	if host == self.place.focus then self:hook_focus(); end
	if contains(self.place.mucs, host) then self:hook_muc(host, context); end
	for _, kind in ipairs(self.detours[host] and { "iq/full", "iq/bare" } or {}) do
		context:hook(kind, function (event) return self:on_detour(event); end, 10);
	end
end

-- The ways past what is looked at: straight to jicofo, as a private message through a room that jicofo is in, or to
-- any other address at the component, which takes all of them for its own.
local function detours_of(place)
	local hosts = { [jid.host(place.target)] = true, [place.focus] = true };
	for _, host in ipairs(place.mucs) do hosts[host] = true; end
	return hosts;
end

-- Without a focus there is nothing to guard, and all of this does nothing.
-- changed() is called when the meetings that run are others than before; `kept` is the state before a reload.
local function start(feed, place, changed, kept)
	local self = setmetatable({
		feed = feed, place = place, changed = changed;
		registry = kept and meetings.on_top(kept) or meetings.new(cache.new), logouts = cache.new(max_logouts);
	}, methods);
	if not place.focus then return self; end
	self.detours = detours_of(place);
	for host in pairs(prosody.hosts) do self:attach(host); end
	module:hook_global("host-activated", function (host) self:attach(host); end);
	self.sweep = timer.add_task(sweep_interval, function ()
		if self.registry:sweep(time(), function (address) return rooms.find(address) ~= nil; end) then changed(); end
		return sweep_interval;
	end);
	return self;
end

function methods:stop()
	if self.sweep then timer.stop(self.sweep); end
end

return { start = start, await = await };
