-- guard.lib.lua: keeps suspended organisers out of Jitsi's meetings, and ends those that they started.
-- Stands where conference requests and jicofo's answers pass: at the component in front of jicofo.
-- Who is behind what stands in people.lib.lua and meetings.lib.lua, who may lead in leaders.lib.lua.
-- This file is MIT licensed; see LICENSE.

local cache = require "util.cache";
local jid = require "util.jid";
local st = require "util.stanza";
local timer = require "util.timer";
local time = require "util.time".now;

local endings = module:require "endings";
local leaders = module:require "leaders";
local logouts = module:require "logouts";
local meetings = module:require "meetings";
local people = module:require "people";
local requests = module:require "requests";
local room_addresses = module:require "room_addresses";
local rooms = module:require "rooms";

local xmlns = "http://jitsi.org/protocol/focus";
local xmlns_stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";
local sweep_interval = 60; -- seconds
local max_id, max_jid = 256, 1024; -- bytes
local format = 3; -- of the state that outlives a reload

-- Prosody runs handlers of one priority in an order that is another at each start; so ours share theirs with nobody,
-- and run before all that change or answer what they look at.
local priority = 101;
local after_modules = -101; -- of a host that is activated: when its modules are loaded

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
	room = { type = "cancel", condition = "not-allowed", text = "There is no meeting under this address." };
	malformed = { type = "modify", condition = "bad-request" };
};

local function refuse(stanza, kind)
	local refusal = refusals[kind];
	stanza.attr.type = "error";
	stanza:reset():maptags(function () return nil; end);
	stanza:tag("error", { type = refusal.type }):tag(refusal.condition, { xmlns = xmlns_stanzas }):up();
	if refusal.text then stanza:tag("text", { xmlns = xmlns_stanzas }):text(refusal.text):up(); end
	if refusal.extra then stanza:tag(refusal.extra, { xmlns = xmlns }):up(); end
	return stanza:reset();
end

-- Requests -----------------------------------------------------------------------------------------

local function session_of(client)
	return prosody.full_sessions[client];
end

local function is_own(client)
	return jid.host(client) == module.host;
end

-- When the password was shown with which that client is here, if it is that organiser's own.
local function vouched_at(client, username)
	if not is_own(client) or jid.node(client) ~= username then return nil; end
	local session = session_of(client);
	local login = session and session.auth_external_login;
	return login and login.began;
end

function methods:is_breakout(address)
	local prepared = self.addresses:prepared(address);
	return prepared ~= nil and rooms.is_breakout(prepared, self.place.meetings);
end

function methods:read_request(stanza)
	local client, asked = stanza.attr.from, stanza.tags[1].attr;
	local login = asked["session-id"];
	local own = is_own(client) and jid.node(client) or nil;
	return {
		id = stanza.attr.id, client = client, at = time(), login = login and login:find("%S") and login or nil;
		room = self.addresses:meeting(asked.room), own = own, since = own and vouched_at(client, own) or 0;
	};
end

-- What comes back from jicofo as another text than it went, as a line break in an attribute does, could be no request's
-- answer; and what is kept of a request is short.
local function is_plain(text, longest)
	return type(text) == "string" and #text <= longest and text:find("^[\33-\126]+$") ~= nil;
end

local function is_malformed(request)
	return not is_plain(request.id, max_id) or not is_plain(request.client, max_jid) or not session_of(request.client)
		or request.login and not is_plain(request.login, max_id);
end

-- What jicofo cannot join it never answers, and believes all the same: whose page it is we would not hear.
function methods:refusal_of(request, address)
	if is_malformed(request) then return "malformed", "its id, its sender or its session-id is none that a client of Jitsi has"; end
	local kind = self.registry.people:refusal(request.client, request.login, self.feed);
	if kind then return kind, "its login is suspended or was ended" .. (self.feed.is_informed and "" or ", or there are no news of suspensions yet"); end
	if request.own and self.feed.suspended[request.own] then return "client", "its organiser is suspended"; end
	if not request.room and not self:is_breakout(address) then
		local _, _, host = self.addresses:prepared(address);
		return "room", ("no meetings are held at %s"):format(host or "an address that Prosody and jicofo read differently");
	end
	return nil;
end

function methods:on_request(event)
	local origin, stanza = event.origin, event.stanza;
	local request = self:read_request(stanza);
	local kind, reason = self:refusal_of(request, stanza.tags[1].attr.room);
	if not kind then
		self.registry:asked(request);
		return nil;
	end
	module:log("info", "Conference request refused: %s", reason);
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

-- What jicofo's answer says, or nil if it names nobody of this host, and the room then.
function methods:read_answer(stanza, client, request)
	local conference = stanza:get_child("conference", xmlns).attr;
	local room, is_ready = self.addresses:meeting(conference.room), conference.ready == "true";
	local is_here = request and session_of(client) ~= nil; -- or else it founds nothing: an old one, sent once more
	local answer = { client = is_here and client or nil, room = room, is_ready = is_ready };
	answer.number = request and request.number;
	answer.is_there = room ~= nil and rooms.find(room) ~= nil;
	if conference.identity then
		local username, host = jid.prepped_split(conference.identity);
		if not username or host ~= module.host then
			if room then self.registry:found_before(room); end -- of an organiser of another host
			return nil;
		end
		answer.username, answer.login, answer.is_named = username, conference["session-id"], true;
		answer.since = self.registry.people:age_of(answer.login, vouched_at(client, username));
		return answer;
	end
	-- To a page that it knows by its JID jicofo opens any room, and names nobody, unless the page shows its session-id.
	local known = self.registry.people:behind(client, answer.number);
	if not known then return nil, room, is_ready; end
	answer.username, answer.since, answer.is_claim = known.username, known.since, known.is_claim;
	return answer;
end

function methods:fault_of(answer)
	if self.feed.suspended[answer.username] then return "suspend"; end
	local is_over = self.registry.people:was_ended(answer.username, answer.since);
	return is_over and "end_sessions" or nil;
end

-- A room that such an answer has opened, or goes on with, ends.  But an old session-id alone is no reason to end a
-- meeting with people in it: the organiser may have logged in anew since.
function methods:close_room_of(answer, fault)
	local room = answer.room and rooms.find(answer.room);
	if not room or not self:counts(answer) or not self.registry:may_close(answer.room, answer.username) then return; end
	if not self.registry:is_opened(answer.room) and self.registry:is_contended(answer.room, answer.client, time()) then return; end
	local clients = rooms.clients_in(room);
	for _, client in ipairs(clients) do
		if fault ~= "suspend" and jid.bare(client) ~= self.place.target then return; end
	end
	local heir = self.registry:heir_of(answer.room, answer.username, clients, self.feed.suspended, time());
	if not heir then return rooms.destroy(room); end
	self:hand_over(answer.room, heir);
end

-- A client of an organiser who is in that room or about to join, or nil.
function methods:organiser_in(room)
	return self.registry:heir_of(room.jid, nil, rooms.clients_in(room), self.feed.suspended, time());
end

-- Whether an organiser has opened that room, or was let into it, or is there.
function methods:is_somebodys(address, room, is_contended)
	if not is_contended and self.registry:settle_delayed(time()) then self.changed(); end
	if self.registry:is_known(address) then return true; end
	local opener = room and self:organiser_in(room);
	if opener and not is_contended then self:hand_over(address, opener); end
	return opener ~= nil;
end

-- jicofo lets a page in and names nobody.  A room that an organiser has opened is open to guests; any other one was
-- opened for a page whose session-id jicofo believed without an answer.
function methods:on_nameless(stanza, client, address, is_ready)
	if not address or self.registry:is_opened(address) then return; end
	local room, is_contended = rooms.find(address) or nil, self.registry:is_contended(address, client, time());
	if self:is_somebodys(address, room, is_contended) then return; end
	if room and is_ready and not is_contended then
		module:log("warn", "A meeting ended that no known organiser has opened");
		rooms.destroy(room);
	end
	refuse(stanza, "client");
end

function methods:on_refusal(stanza, request)
	local _, condition = stanza:get_error();
	if request and condition == "not-acceptable" then self.registry:disbelieved(request); end
end

-- A page that showed a session-id, which jicofo may have refused, is nobody's but where it has opened a room that nobody
-- else can have opened.
function methods:counts(answer)
	return not answer.is_claim or answer.room ~= nil and not self.registry:is_opened(answer.room)
		and not self.registry:is_contended(answer.room, answer.client, time());
end

function methods:accept(answer, stanza, client)
	if answer.is_named and not answer.client then self.registry:named_without_request(client, answer.username, answer.since); end
	local is_new, surplus = self.registry:learn(answer, time());
	if is_new then self.changed(); end
	if surplus then self.logouts:log_out(surplus, {}, time()); end
	if answer.client then self.leaders:give_held(answer.client); end
	-- Let in without a name, for what it showed before: who opened that room we have not heard yet.
	if not answer.is_named and answer.room and not self.registry:is_known(answer.room) then refuse(stanza, "client"); end
end

function methods:on_conference(stanza, client, request)
	local answer, address, is_ready = self:read_answer(stanza, client, request);
	if not answer then return self:on_nameless(stanza, client, address, is_ready); end
	local fault = self:fault_of(answer);
	if not fault and not self:counts(answer) then return self:on_nameless(stanza, client, answer.room, answer.is_ready); end
	if not fault then return self:accept(answer, stanza, client); end
	module:log("info", "Remembered login found that is suspended or was ended: logged out");
	if answer.login then attempt(self.logouts.log_out, self.logouts, answer.login, {}, time()); end
	attempt(self.close_room_of, self, answer, fault);
	attempt(self.turn_out, self, client, fault);
	refuse(stanza, is_own(client) and "client" or "login");
end

-- The component delivers what is not answered here.
function methods:on_answer(event)
	local stanza = event.stanza;
	if jid.bare(stanza.attr.from) ~= self.place.target then return nil; end
	if stanza.attr.to == self.place.focus then return self.logouts:on_answer(stanza); end
	self.logouts.jicofo = stanza.attr.from;
	local client = jid.prep(jid.resource(stanza.attr.to));
	if not client then return nil; end
	local request = self.registry.requests:take(client, stanza.attr.id);
	if stanza.attr.type == "error" then
		self:on_refusal(stanza, request);
	elseif stanza.attr.type == "result" and stanza:get_child("conference", xmlns) then
		self:on_conference(stanza, client, request);
	end
	return nil;
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

-- What a suspension ends ---------------------------------------------------------------------------

function methods:hand_over(address, client)
	self.registry:hand_over(address, client, time());
	self.changed();
end

-- A meeting belongs to whom was let in first, if none who asked earlier has been answered; and where its starter never
-- came, to an organiser who leads it.  username: of the one who is to be ended, if anybody is.
function methods:settle(username)
	if self.registry:settle_delayed(time(), username) then self.changed(); end
	for _, address in ipairs(self.registry:abandoned_rooms(time())) do
		local room = rooms.find(address);
		local leader = room and self:organiser_in(room);
		if leader then self:hand_over(address, leader); end
	end
end

function methods:end_room(address, username)
	local room = rooms.find(address);
	if not room then
		if self.registry:room_gone(address) then self.changed(); end
		return false;
	end
	local heir = self.registry:heir_of(address, username, rooms.clients_in(room), self.feed.suspended, time());
	if not heir then return rooms.destroy(room); end
	self:hand_over(address, heir);
	return false;
end

-- Returns counts of meetings and of logins (these while jicofo confirms), and the sessions still to be ended.
function methods:carry_out(order)
	local counts, sessions = { meetings = 0, logins = 0, waiting = 0 }, {};
	if order.action == "reinstate" or not self.place.focus then return counts, sessions; end
	attempt(self.settle, self, order.username);
	local ending = self.registry:ending_of(order, time());
	for _, client in ipairs(ending.clients) do table.insert(sessions, session_of(client)); end
	for _, login in ipairs(ending.logins) do attempt(self.logouts.log_out, self.logouts, login, counts, time()); end
	for _, address in ipairs(ending.rooms) do
		if attempt(self.end_room, self, address, order.username) then counts.meetings = counts.meetings + 1; end
	end
	for _, client in ipairs(ending.clients) do attempt(self.take_out, self, client); end
	attempt(self.leaders.take_back, self.leaders, order.username);
	return counts, sessions;
end

-- How it is attached -------------------------------------------------------------------------------

function methods:hook_focus()
	local context = module:context(self.place.focus);
	self.context = context;
	context:hook("iq/host/" .. xmlns .. ":conference", function (event) return self:on_request(event); end, priority);
	context:hook("iq/host", function (event) return self:on_answer(event); end, priority);
	context:hook("presence/host", function (event)
		local from, kind = event.stanza.attr.from, event.stanza.attr.type;
		if kind ~= nil or jid.bare(from) ~= self.place.target then return; end
		self.registry.requests:jicofo_came();
		self.logouts:jicofo_came(from);
	end, priority);
	for _, login in ipairs(self.owed) do self.logouts:log_out(login, {}, time()); end
end

function methods:hook_muc(host, context)
	for room in rooms.all_at(host) do self.registry:found_before(room.jid); end
	context:hook("muc-occupant-joined", function (event)
		for client in event.occupant:each_session() do
			if self.registry:client_joined(client, event.room.jid, time()) then self.changed(); end
		end
	end, priority);
	context:hook("muc-pre-set-affiliation", function (event) return self.leaders:before_change(event); end, priority);
	context:hook("muc-set-affiliation", function (event) self.leaders:after_change(event); end, priority);
	context:hook("muc-room-destroyed", function (event)
		if self.registry:room_gone(event.room.jid) then self.changed(); end
	end, priority);
end

function methods:attach(host)
	local context = module:context(host);
	context:hook("resource-unbind", function (event)
		self.registry:client_gone(event.session.full_jid);
		self.leaders:client_gone(event.session.full_jid);
	end, priority);
	if host == self.place.focus then self:hook_focus(); end
	if contains(self.place.mucs, host) then self:hook_muc(host, context); end
	for _, kind in ipairs(self.detours[host] and { "iq/full", "iq/bare" } or {}) do
		context:hook(kind, function (event) return self:on_detour(event); end, priority);
	end
end

-- The ways past what is looked at: straight to jicofo, as a private message through a room that jicofo is in, or to
-- any other address at the component, which takes all of them for its own.
local function detours_of(place)
	local hosts = { [jid.host(place.target)] = true, [place.focus] = true };
	for _, host in ipairs(place.mucs) do hosts[host] = true; end
	return hosts;
end

-- A room that jicofo keeps and nobody known has opened, at two sweeps in a row.
function methods:end_unowned()
	local seen = {};
	for _, host in ipairs(self.place.meetings) do
		for room in rooms.all_at(host) do
			local is_owned = self.registry:is_known(room.jid) or self:organiser_in(room);
			if not is_owned and rooms.holds(room, self.place.target) then seen[room.jid] = room; end
		end
	end
	for address, room in pairs(seen) do
		if self.unowned[address] then
			module:log("warn", "A meeting ended that no known organiser has opened");
			rooms.destroy(room);
		end
	end
	self.unowned = seen;
end

function methods:tidy_up()
	local now = time();
	self.logouts:sweep(now);
	self:settle();
	self:end_unowned();
	if self.registry:sweep(now, function (address) return rooms.find(address) ~= nil; end) then self.changed(); end
end

local function registry_of(kept)
	if not kept or kept.format ~= format then return meetings.new(people.new(cache.new), requests.new()); end
	local registry = meetings.on_top(kept.meetings);
	people.on_top(registry.people);
	requests.on_top(registry.requests);
	return registry;
end

-- Without a focus there is nothing to guard, and all of this does nothing.
-- changed() is called when the meetings that run are others than before; `kept` is what save() returned before a reload.
local function start(feed, place, changed, kept)
	local self = setmetatable({
		feed = feed, place = place, changed = changed, registry = registry_of(kept), addresses = room_addresses.new(jid, place);
		owed = kept and kept.format == format and kept.owed or {}, unowned = {};
	}, methods);
	self.leaders = leaders.new(self.registry, feed, module.host, place.target);
	self.logouts = logouts.new(place, function (stanza) self.context:send(stanza); end);
	if not place.focus then return self; end
	self.detours = detours_of(place);
	for host in pairs(prosody.hosts) do self:attach(host); end
	module:hook_global("host-activated", function (host) self:attach(host); end, after_modules);
	self.sweep = timer.add_task(sweep_interval, function ()
		attempt(self.tidy_up, self);
		return sweep_interval;
	end);
	return self;
end

function methods:save()
	return { meetings = self.registry, owed = self.logouts:owed_logins(), format = format };
end

function methods:stop()
	if self.sweep then timer.stop(self.sweep); end
end

return { start = start, await = logouts.await, priority = priority };
