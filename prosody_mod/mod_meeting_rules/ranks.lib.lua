-- ranks.lib.lua: keeps organisers in their meetings: somebody whom an organiser let lead cannot put an organiser out, or take the
-- lead from one.  Then they leave last because they want to.
-- This file is MIT licensed; see LICENSE.

local jid = require "util.jid";
local st = require "util.stanza";

local hooks = module:require "authbridge/hooks";
local rooms = module:require "authbridge/rooms";

local xmlns_muc = "http://jabber.org/protocol/muc";

local methods = {};
methods.__index = methods;

-- organiser_of(client, room) -> organiser or nil; is_focus(client).
local function new(organiser_of, is_focus)
	return setmetatable({ organiser_of = organiser_of, is_focus = is_focus }, methods);
end

local function refuse_role(event)
	event.allowed, event.error, event.condition = false, "cancel", "not-allowed";
	return true;
end

local function refuse_affiliation(event)
	event.allowed, event.error = false, { type = "cancel", condition = "not-allowed" };
	return true;
end

local function refuse_request(event)
	event.origin.send(st.error_reply(event.stanza, "cancel", "not-allowed"));
	return true;
end

-- Tells whether that bare JID is an organiser's in that room, also while they are in a breakout room or on the way.
function methods:is_organiser(address, room)
	local account = prosody.bare_sessions[address];
	for _, session in pairs(account and account.sessions or {}) do
		if self.organiser_of(session.full_jid, room) then return true; end
	end
	return false;
end

-- Tells whether that actor may do anything to organisers: Prosody itself (nil), jicofo, another organiser.
function methods:is_their_equal(actor, room)
	return type(actor) ~= "string" or self.is_focus(actor) or self.organiser_of(actor, room) ~= nil;
end

-- A host stands for all its people: organisers are among them, or come back by another address of it.
function methods:before_affiliation(event)
	if self:is_their_equal(event.actor, event.room) then return nil; end
	local is_host = jid.node(event.jid) == nil;
	if is_host or event.affiliation ~= "owner" and self:is_organiser(event.jid, event.room) then return refuse_affiliation(event); end
	return nil;
end

function methods:before_role(event)
	if self:is_their_equal(event.actor, event.room) or event.role == "moderator" then return nil; end
	return self:is_organiser(event.occupant.bare_jid, event.room) and refuse_role(event) or nil;
end

-- Jitsi's pages name a nick with a role, or an address with an affiliation.  A request with an affiliation and a nick is none of
-- theirs, and nobody's here.
local function before_admin_request(event)
	for item in event.stanza.tags[1]:childtags("item") do
		if item.attr.affiliation and item.attr.nick then return refuse_request(event); end
	end
	return nil;
end

-- The end of the room puts organisers out, too.  Jitsi's page ends a room for all by a component of its own.
function methods:before_owner_request(event)
	local stanza = event.stanza;
	local room = stanza.tags[1]:get_child("destroy") and rooms.find(stanza.attr.to);
	if not room or self:is_their_equal(stanza.attr.from, room) then return nil; end
	return refuse_request(event);
end

-- context: of a component with rooms.  Where a hook fails, the change is refused.
function methods:attach(context)
	hooks.before_others(context, "muc-pre-set-affiliation", function (event) return self:before_affiliation(event); end,
		refuse_affiliation);
	hooks.before_others(context, "muc-pre-set-role", function (event) return self:before_role(event); end, refuse_role);
	hooks.before_others(context, "iq-set/bare/" .. xmlns_muc .. "#admin:query", before_admin_request, refuse_request);
	hooks.before_others(context, "iq-set/bare/" .. xmlns_muc .. "#owner:query", function (event)
		return self:before_owner_request(event);
	end, refuse_request);
end

return { new = new };
