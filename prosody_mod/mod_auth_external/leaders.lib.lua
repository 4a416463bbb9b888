-- leaders.lib.lua: who may lead a meeting: organisers that may go on, and whom they let lead.
-- jicofo makes a page an owner because of a session-id that it was shown some time; nobody becomes one whom no answer
-- of jicofo's and no request has named to us.
-- This file is MIT licensed; see LICENSE.

local jid = require "util.jid";

local attempt = module:require "endings".attempt;
local rooms = module:require "rooms";

local methods = {};
methods.__index = methods;

-- host: the organisers'; target: jicofo's bare JID.
local function new(registry, feed, host, target)
	return setmetatable({
		registry = registry, feed = feed, host = host, target = target;
		held = {}; -- bare JID -> room -> true: jicofo made it an owner before its answer said whose page it is
	}, methods);
end

local function clients_of(address)
	local list, account = {}, prosody.bare_sessions[address];
	for _, session in pairs(account and account.sessions or {}) do table.insert(list, session.full_jid); end
	return list;
end

-- Whether that bare JID leads by an organiser's login of its own.
function methods:is_organiser(address)
	for _, client in ipairs(clients_of(address)) do
		if self.registry.people:may_lead(client, self.feed.suspended) then return true; end
	end
	return false;
end

local function leads(affiliation)
	return affiliation == "owner" or affiliation == "admin";
end

function methods:hold(address, room)
	for _, client in ipairs(clients_of(address)) do
		if self.registry.requests:latest_login(client) then
			self.held[address] = self.held[address] or {};
			self.held[address][room.jid] = true;
		end
	end
end

-- Returns true if it must not become so.
function methods:before_change(event)
	local is_jicofos = type(event.actor) == "string" and jid.bare(event.actor) == self.target;
	if not is_jicofos or not leads(event.affiliation) or event.jid == self.target then return nil; end
	if self:is_organiser(event.jid) then return nil; end
	self:hold(event.jid, event.room);
	event.allowed, event.error = false, { type = "cancel", condition = "not-allowed" };
	module:log("info", "jicofo may not make a page an owner of whose organiser it has not told, or whose login ended");
	return true;
end

-- jicofo's answer has said whose page it is, and that one may lead.
function methods:give_held(client)
	local address = jid.bare(client);
	local held = self.held[address];
	self.held[address] = nil;
	for room_address in pairs(held or {}) do
		local room = rooms.find(room_address);
		if room then attempt(room.set_affiliation, room, self.target, address, "owner"); end
	end
end

function methods:client_gone(client)
	self.held[jid.bare(client)] = nil;
end

function methods:after_change(event)
	local room, address, actor = event.room, event.jid, event.actor;
	if type(actor) ~= "string" or not rooms.is_leader(room, address) then
		return self.registry:leads_no_more(room.jid, address);
	end
	self.registry:leads_by(room.jid, address, jid.bare(actor), self:organiser_behind(actor, address));
end

-- By which organiser that address leads: jicofo lets a page lead for its own, all others for the one who lets it.
-- Noted while it is known: the page may be gone when that organiser is suspended, and another one of its bare JID there.
function methods:organiser_behind(actor, address)
	local clients = jid.bare(actor) == self.target and clients_of(address) or { actor };
	for _, client in ipairs(clients) do
		local known = self.registry.people:behind(client);
		if known then return known.username; end
	end
	return jid.host(actor) == self.host and jid.node(actor) or nil;
end

-- Else the organiser would go on leading, by a second page.
function methods:take_back(username)
	for _, grant in ipairs(self.registry:led_by(username)) do
		local room = rooms.find(grant.room);
		if room and not self:is_organiser(grant.address) then attempt(room.set_affiliation, room, true, grant.address, nil); end
	end
	for _, address in ipairs(self.registry:rooms_of(username)) do
		for _, room in ipairs(rooms.with_breakouts(rooms.find(address))) do attempt(rooms.demote_others, room); end
	end
end

return { new = new };
