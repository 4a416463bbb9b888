-- ranks.lib.lua: keeps organisers in their meetings: somebody whom an organiser let lead cannot put an organiser out, or take the
-- lead from one.  Then they leave last because they want to.
-- This file is MIT licensed; see LICENSE.

local hooks = module:require "authbridge/hooks";

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

-- Tells whether that bare JID is an organiser's in that room.
function methods:is_organiser(address, room)
	for _, occupant in room:each_occupant() do
		if occupant.bare_jid == address then
			for client in occupant:each_session() do
				if self.organiser_of(client, room) then return true; end
			end
		end
	end
	return false;
end

-- Tells whether that actor may do anything to organisers: Prosody itself (nil), jicofo, another organiser.
function methods:is_their_equal(actor, room)
	return type(actor) ~= "string" or self.is_focus(actor) or self.organiser_of(actor, room) ~= nil;
end

-- context: of the component of the meetings.  Where a hook fails, the change is refused.
function methods:attach(context)
	hooks.before_others(context, "muc-pre-set-affiliation", function (event)
		if self:is_their_equal(event.actor, event.room) or not self:is_organiser(event.jid, event.room) then return nil; end
		if event.affiliation ~= "owner" then return refuse_affiliation(event); end
	end, refuse_affiliation);
	hooks.before_others(context, "muc-pre-set-role", function (event)
		if self:is_their_equal(event.actor, event.room) or not self:is_organiser(event.occupant.bare_jid, event.room) then return nil; end
		if event.role ~= "moderator" then return refuse_role(event); end
	end, refuse_role);
end

return { new = new };
