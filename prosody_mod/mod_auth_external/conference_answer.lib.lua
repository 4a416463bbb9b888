-- conference_answer.lib.lua: reads jicofo's answers to conference requests: learns from them whose page it is, and refuses
-- those that would let in a page whose login is over or whose organiser is unknown.
-- This file is MIT licensed; see LICENSE.

local jid = require "util.jid";
local time = require "util.time".now;

local clients = module:require "clients";
local end_unopened = module:require "meeting_owners".end_unopened;
local hooks = module:require "authbridge/hooks";
local protect = module:require "authbridge/protect";
local refuse = module:require "conference_refusal".refuse;
local rooms = module:require "authbridge/rooms";

local xmlns = "http://jitsi.org/protocol/focus";

local methods = {};
methods.__index = methods;

-- parts: feed, logins, renewed, people, requests, meetings, pseudonyms, addresses, place, owners, leaders, own_rooms, logouts,
-- ending, rules, changed().
local function new(parts)
	return setmetatable({
		feed = parts.feed, logins = parts.logins, renewed = parts.renewed, people = parts.people;
		requests = parts.requests, meetings = parts.meetings, pseudonyms = parts.pseudonyms;
		addresses = parts.addresses, place = parts.place, owners = parts.owners, leaders = parts.leaders;
		own_rooms = parts.own_rooms, logouts = parts.logouts;
		ending = parts.ending, rules = parts.rules, changed = parts.changed;
	}, methods);
end

-- What an answer says ------------------------------------------------------------------------------

-- identity: the organiser's JID, as jicofo names it.
function methods:read_identity(answer, identity, login, client)
	local node, host = jid.prepped_split(identity);
	if not node or host ~= module.host then
		answer.is_foreign = true;
		return;
	end
	local username = self.pseudonyms:of(node);
	answer.username, answer.login, answer.is_named = username, login, true;
	answer.since = self.logins:age_of(login, clients.login_began(client, username, self.pseudonyms));
	-- Of unknown age: Prosody was started anew since.
	if login and answer.since == 0 then
		answer.since = self.renewed:moment_of(username, login);
		answer.is_early = not self.feed:has_news();
	end
end

-- jicofo opens any room to a page that it knows by its JID, and names nobody, unless the page shows its session-id.
function methods:read_known(answer, client)
	local known = self.people:behind(client, answer.number);
	if known then answer.username, answer.since, answer.is_claim = known.username, known.since, known.is_claim; end
end

-- Returns { client, number, room, is_ready, is_there, username, login, since, is_named, is_claim, is_foreign }.
-- client is nil if it is gone or did not ask: an old answer, sent once more, begins no meeting.  username is nil if the
-- answer names nobody and nobody is known behind the client; is_foreign: it names an organiser of another host.
function methods:read(stanza, client, request)
	local conference = stanza:get_child("conference", xmlns).attr;
	local room = self.addresses:meeting(conference.room);
	local answer = {
		client = request and clients.session(client) and client or nil, number = request and request.number;
		room = room, is_ready = conference.ready == "true", is_there = room ~= nil and rooms.find(room) ~= nil;
	};
	if conference.identity then
		self:read_identity(answer, conference.identity, conference["session-id"], client);
	else
		self:read_known(answer, client);
	end
	return answer;
end

-- Returns why that organiser may not go on, "suspend" or "end_sessions", or nil.
function methods:fault_of(answer)
	if not answer.username then return nil; end
	if self.feed:is_suspended(answer.username) then return "suspend"; end
	return self.people:was_ended(answer.username, answer.since) and "end_sessions" or nil;
end

-- Tells whether the answer says whose page it is.  A page that merely showed a session-id, which jicofo may have refused, is
-- nobody's, except where it has opened a room that nobody else can have opened.
function methods:counts(answer)
	return not answer.is_claim or answer.room ~= nil and not self.meetings:is_opened(answer.room)
		and not self.meetings:is_contended(answer.room, answer.client, time());
end

-- What follows from it -----------------------------------------------------------------------------

-- jicofo lets a page in and names nobody.  A room that an organiser has opened is open to guests; any other one was
-- opened for a page whose session-id jicofo believed without an answer.
function methods:on_nameless(stanza, client, answer)
	local address = answer.room;
	if not address or self.meetings:is_opened(address) then return; end
	local room, is_contended = rooms.find(address) or nil, self.meetings:is_contended(address, client, time());
	if self.owners:settle_room(address, room, is_contended) then return; end
	if room and answer.is_ready and not is_contended then end_unopened(room); end
	refuse(stanza, "client");
end

-- Logs the login out, ends the meeting that it opened, and turns its page out.  Each step is done although another one fails.
function methods:on_ended(stanza, client, answer, action)
	module:log("info", "Remembered login found that is suspended or was ended: logged out");
	if answer.login then protect.call(self.logouts.log_out, self.logouts, answer.login, {}, time()); end
	protect.call(self.ending.turn_out, self.ending, client, action);
	if self:counts(answer) then protect.call(self.ending.close_room_of, self.ending, answer, action); end
	refuse(stanza, clients.own_organiser(client, self.pseudonyms) and "client" or "login");
end

-- Keeps the login over a restart of Prosody if older ones of its organiser were ended.
function methods:keep_login(answer)
	if not answer.login or not self.people:has_an_end(answer.username) then return; end
	protect.call(self.renewed.note, self.renewed, answer.username, answer.login, answer.since, time());
end

-- Makes the page an owner where jicofo made it one before this answer, and where its organiser started the meeting.
function methods:let_lead(answer)
	if not answer.client then return; end
	self.leaders:give_held(answer.client);
	if answer.room and not answer.is_claim then self.own_rooms:answered(answer.client, answer.room); end
end

function methods:on_named(stanza, client, answer)
	if answer.is_named and not answer.client then self.people:named_without_request(client, answer.username, answer.since); end
	local is_new, surplus = self.meetings:learn(answer, time());
	if is_new then self.changed(); end
	if surplus then self.logouts:log_out(surplus, {}, time()); end
	self:keep_login(answer);
	self:let_lead(answer);
	if answer.client and not answer.is_claim then self.rules:organiser_known(answer.client, answer.room); end
	-- jicofo let the page in for what it showed before, and names nobody: the room's organiser is not known yet.
	if not answer.is_named and answer.room and not self.meetings:is_known(answer.room) then refuse(stanza, "client"); end
end

-- A rule keeps the organiser out, which jicofo could not know.  A room that it has opened for nobody else ends.
function methods:on_ruled_out(stanza, answer, refusal)
	module:log("info", "Conference answer withheld: %s", refusal.reason);
	local room, is_contended = rooms.find(answer.room), self.meetings:is_contended(answer.room, answer.client, time());
	if room and not is_contended and not self.meetings:is_known(answer.room) then protect.call(end_unopened, room); end
	refuse(stanza, refusal.kind, refusal.text, refusal.code);
end

-- The organiser may enter, and where the room belongs to another school only as a participant.
function methods:on_organiser(stanza, client, answer)
	local refusal = self.rules:refusal_of_answer(answer);
	if refusal then return self:on_ruled_out(stanza, answer, refusal); end
	if answer.room and not self.rules:may_lead(answer.room, answer.username) then answer.room, answer.is_there = nil, false; end
	self:on_named(stanza, client, answer);
end

function methods:on_conference(stanza, client, request)
	local answer = self:read(stanza, client, request);
	if answer.is_foreign then
		if answer.room then self.meetings:found_before(answer.room); end
		return;
	end
	local fault = self:fault_of(answer);
	if fault then
		self:on_ended(stanza, client, answer, fault);
	elseif answer.username and self:counts(answer) then
		self:on_organiser(stanza, client, answer);
	else
		self:on_nameless(stanza, client, answer);
	end
end

-- jicofo refused the request; where it did so for the session-id, the request claims nobody any more.
function methods:on_refusal(stanza, request)
	local _, condition = stanza:get_error();
	if request and condition == "not-acceptable" then self.people:disbelieved(request); end
end

-- A page on a device that others use too remembers nothing: it never hears the session-id, and the next one there is a guest.
local function keep_from_shared_device(stanza, client)
	local conference = stanza:get_child("conference", xmlns);
	if conference and clients.is_on_shared_device(client) then conference.attr["session-id"] = nil; end
end

-- Returns nil: the component delivers what is not answered here.
function methods:on_answer(event)
	local stanza = event.stanza;
	if jid.bare(stanza.attr.from) ~= self.place.target then return nil; end
	if stanza.attr.to == self.place.focus then return self.logouts:on_answer(stanza); end
	self.logouts:heard_of(stanza.attr.from);
	local client = jid.prep(jid.resource(stanza.attr.to));
	if not client then return nil; end
	local request = self.requests:take(client, stanza.attr.id);
	if stanza.attr.type == "error" then
		self:on_refusal(stanza, request);
	elseif stanza.attr.type == "result" and stanza:get_child("conference", xmlns) then
		self:on_conference(stanza, client, request);
		keep_from_shared_device(stanza, client);
	end
	return nil;
end

-- context: of the component in front of jicofo.  Where the hook fails, the page gets no answer, and does not enter.
function methods:attach(context)
	hooks.before_all(context, "iq/host", function (event) return self:on_answer(event); end, hooks.stop);
end

return { new = new };
