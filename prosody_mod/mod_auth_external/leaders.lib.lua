-- leaders.lib.lua: decides who may lead a meeting: organisers that may go on, and those whom they let lead.
-- jicofo makes a page an owner because of a session-id that the page showed at some time.  Here nobody becomes an owner
-- whom neither an answer of jicofo's nor a request has named.
-- This file is MIT licensed; see LICENSE.

local jid = require "util.jid";

local clients = module:require "clients";
local hooks = module:require "authbridge/hooks";
local protect = module:require "authbridge/protect";
local rooms = module:require "authbridge/rooms";

local methods = {};
methods.__index = methods;

-- parts: feed, people, requests, meetings, rules, pseudonyms; target: jicofo's bare JID.
local function new(parts, target)
	return setmetatable({
		feed = parts.feed, people = parts.people, requests = parts.requests, meetings = parts.meetings, rules = parts.rules;
		pseudonyms = parts.pseudonyms, target = target;
		held = {}; -- bare JID -> room -> true: jicofo made it an owner before its answer said whose page it is
	}, methods);
end

-- Tells whether that bare JID leads that room by an organiser's login of its own.
function methods:is_organiser(address, room)
	for _, client in ipairs(clients.of_address(address)) do
		if self.people:may_lead(client, self.feed) and not self.rules:is_visitor(client, room.jid) then return true; end
	end
	return false;
end

function methods:hold(address, room)
	for _, client in ipairs(clients.of_address(address)) do
		if self.requests:shows_login(client) then
			self.held[address] = self.held[address] or {};
			self.held[address][room.jid] = true;
		end
	end
end

local function refuse_change(event)
	event.allowed, event.error = false, { type = "cancel", condition = "not-allowed" };
	return true;
end

-- Returns true if that bare JID must not become an owner.
function methods:before_change(event)
	local is_jicofos = type(event.actor) == "string" and jid.bare(event.actor) == self.target;
	local leads = event.affiliation == "owner" or event.affiliation == "admin";
	if not is_jicofos or not leads or event.jid == self.target then return nil; end
	if self:is_organiser(event.jid, event.room) then return nil; end
	self:hold(event.jid, event.room);
	module:log("info", "jicofo may not make a page an owner whose organiser is unknown, or whose login ended");
	return refuse_change(event);
end

-- jicofo's answer has said whose page it is, and that one may lead.
function methods:give_held(client)
	local address = jid.bare(client);
	local held = self.held[address];
	self.held[address] = nil;
	for room_address in pairs(held or {}) do
		local room = rooms.find(room_address);
		if room then rooms.set_affiliation(room, self.target, address, "owner"); end
	end
end

function methods:client_gone(client)
	self.held[jid.bare(client)] = nil;
end

-- Returns by which organiser that address leads, or nil: jicofo lets a page lead for its own organiser, anybody else for
-- the organiser behind them.  Noted while it is known: when that organiser is suspended the page may be gone, and another
-- one of its bare JID there.
function methods:organiser_behind(actor, address)
	local actors = jid.bare(actor) == self.target and clients.of_address(address) or { actor };
	for _, client in ipairs(actors) do
		local known = self.people:behind(client);
		if known then return known.username; end
	end
	return clients.own_organiser(actor, self.pseudonyms);
end

function methods:after_change(event)
	local room, address, actor = event.room, event.jid, event.actor;
	if type(actor) ~= "string" or not rooms.is_leader(room, address) then
		return self.meetings:leads_no_more(room.jid, address);
	end
	self.meetings:leads_by(room.jid, address, jid.bare(actor), self:organiser_behind(actor, address));
end

-- Takes the lead from those whom the organiser let lead: the organiser would go on leading, by a second page.
function methods:take_back(username)
	for _, grant in ipairs(self.meetings:led_by(username)) do
		local room = rooms.find(grant.room);
		if room and not self:is_organiser(grant.address, room) then rooms.set_affiliation(room, true, grant.address, nil); end
	end
	for _, address in ipairs(self.meetings:rooms_of(username)) do
		for _, room in ipairs(rooms.with_breakouts(rooms.find(address))) do protect.call(rooms.demote_others, room); end
	end
end

-- context: of a component with rooms.  Where the first hook fails, the change is refused.
function methods:attach(context)
	hooks.before_all(context, "muc-pre-set-affiliation", function (event) return self:before_change(event); end, refuse_change);
	hooks.before_all(context, "muc-set-affiliation", function (event) self:after_change(event); end);
end

return { new = new };
