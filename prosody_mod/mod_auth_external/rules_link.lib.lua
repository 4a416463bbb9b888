-- rules_link.lib.lua: asks mod_meeting_rules, where it is loaded, and answers what it asks.
-- Where it is not loaded nobody answers, and nothing is refused.
-- This file is MIT licensed; see LICENSE.

local jid = require "util.jid";

local events = module:require "authbridge/meeting_events";
local hooks = module:require "authbridge/hooks";

local methods = {};
methods.__index = methods;

-- parts: place, feed, people, logins, meetings, schools, counts, pseudonyms.
local function new(parts)
	return setmetatable({
		place = parts.place, feed = parts.feed, people = parts.people, logins = parts.logins, meetings = parts.meetings;
		schools = parts.schools, counts = parts.counts, pseudonyms = parts.pseudonyms;
	}, methods);
end

-- host: a component with rooms.
function methods:ask(host, event, data)
	data.schools = self.schools;
	return module:context(host):fire_event(event, data);
end

function methods:organiser(username)
	return username and { username = username, school = self.schools:of(self.pseudonyms:name_of(username)) } or nil;
end

-- request: of conference_admission.lib.lua.  Returns a refusal as meeting_events.lib.lua has it, or nil.
function methods:refusal_of_request(request)
	if not request.name then return nil; end
	local known = self.logins:find(request.login);
	return self:ask(request.host, events.requested, {
		client = request.client, name = request.name:lower(), room = request.room, organiser = self:organiser(request.own or known and known.username);
		is_own = request.own ~= nil, has_login = request.login ~= nil, machine = request.machine;
		is_opened = request.room ~= nil and self.meetings:is_opened(request.room);
	});
end

-- answer: of conference_answer.lib.lua, which names an organiser.  Returns a refusal, or nil.
function methods:refusal_of_answer(answer)
	if not answer.room then return nil; end
	return self:ask(jid.host(answer.room), events.answered, {
		room = answer.room, organiser = self:organiser(answer.username), is_opened = self.meetings:is_opened(answer.room);
	});
end

-- Tells whether that organiser may lead that room, by its name.
function methods:may_lead(address, username)
	return self:ask(jid.host(address), events.may_lead, { room = address, organiser = self:organiser(username) }) ~= false;
end

-- Returns a function(username) that tells the same about that room.
function methods:leading(address)
	return function (username) return self:may_lead(address, username); end;
end

-- Tells whether that client is the page of an organiser who may not lead that room.
function methods:is_visitor(client, address)
	local known = self.people:behind(client);
	return known ~= nil and not self:may_lead(address, known.username);
end

function methods:organiser_known(client, address)
	if address then self:ask(jid.host(address), events.organiser_known, { client = client, room = address }); end
end

function methods:organiser_of(client, address)
	local known = self.people:of_client(client);
	local is_one = known and self.people:may_lead(client, self.feed) and self:may_lead(address, known.username);
	return is_one and self:organiser(known.username) or nil;
end

-- context: of a component with rooms.
function methods:attach(context)
	hooks.before_all(context, events.organiser_of, function (event) return self:organiser_of(event.client, event.room); end);
	hooks.before_all(context, events.place, function () return self.place; end);
	hooks.before_all(context, events.stepped_in, function (event) self.counts:stepped_in(event.rule); end);
end

return { new = new };
