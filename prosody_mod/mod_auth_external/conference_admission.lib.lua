-- conference_admission.lib.lua: decides which conference requests pass on to jicofo, and notes those that do.
-- This file is MIT licensed; see LICENSE.

local st = require "util.stanza";
local time = require "util.time".now;

local clients = module:require "clients";
local hooks = module:require "authbridge/hooks";
local refuse = module:require "conference_refusal".refuse;
local rooms = module:require "authbridge/rooms";

local xmlns = "http://jitsi.org/protocol/focus";
local max_id, max_jid = 256, 1024; -- bytes

local methods = {};
methods.__index = methods;

-- parts: feed, people, meetings, rules, pseudonyms, addresses (of room_addresses.lib.lua), place (of jitsi_config.lib.lua).
local function new(parts)
	return setmetatable({
		feed = parts.feed, people = parts.people, meetings = parts.meetings, rules = parts.rules;
		pseudonyms = parts.pseudonyms, addresses = parts.addresses, place = parts.place;
	}, methods);
end

-- A text that comes back from jicofo changed, as a line break in an attribute does, would make its answer belong to no
-- request, and the page behind it would be nobody's.  And what is kept of a request is short.
local function is_plain(text, longest)
	return type(text) == "string" and #text <= longest and text:find("^[\33-\126]+$") ~= nil;
end

-- Returns the request as conference_requests.lib.lua keeps it, and with what the rules read: name as the client writes it, host =
-- the component with such rooms, machine.  Its room is nil where people do not meet.
function methods:read(stanza)
	local client, asked = stanza.attr.from, stanza.tags[1].attr;
	local login, own = asked["session-id"], clients.own_organiser(client, self.pseudonyms);
	local name, host = self.addresses:name(asked.room);
	local machine = asked["machine-uid"];
	return {
		id = stanza.attr.id, client = client, at = time(), login = login and login:find("%S") and login or nil;
		room = self.addresses:meeting(asked.room), name = name, host = host, machine = is_plain(machine, max_id) and machine or nil;
		own = own, since = clients.login_began(client, own, self.pseudonyms) or 0;
	};
end

local function is_malformed(request)
	return not is_plain(request.id, max_id) or not is_plain(request.client, max_jid) or not clients.session(request.client)
		or request.login and not is_plain(request.login, max_id);
end

function methods:is_breakout(address)
	local prepared = self.addresses:prepared(address);
	return prepared ~= nil and rooms.main_of(prepared, self.place.meetings) ~= nil;
end

-- A room that jicofo cannot join is refused here: jicofo never answers such a request, and believes its session-id all the
-- same; nobody would hear then whose page it is.
function methods:refusal_of_place(request, address)
	if request.room or self:is_breakout(address) then return nil; end
	local _, _, host = self.addresses:prepared(address);
	local where = host or "an address that Prosody and jicofo read differently";
	return { kind = "room", reason = ("no meetings are held at %s"):format(where) };
end

-- Returns a refusal, { kind, reason = for the log, text, code }, or nil; its kind and text are of conference_refusal.lib.lua.
function methods:refusal_of(request, address)
	if is_malformed(request) then
		return { kind = "malformed", reason = "its id, its sender or its session-id is not as Jitsi's clients send them" };
	end
	local kind = self.people:refusal(request.client, request.login, self.feed);
	if kind then
		local doubt = self.feed:has_news() and "" or ", or there is no news of suspensions yet";
		return { kind = kind, reason = "its login is suspended or was ended" .. doubt };
	end
	if request.own and self.feed:is_suspended(request.own) then return { kind = "client", reason = "its organiser is suspended" }; end
	return self.rules:refusal_of_request(request) or self:refusal_of_place(request, address);
end

function methods:on_request(event)
	local origin, stanza = event.origin, event.stanza;
	local request = self:read(stanza);
	local refusal = self:refusal_of(request, stanza.tags[1].attr.room);
	if not refusal then
		self.meetings:asked(request);
		return nil;
	end
	module:log(refusal.is_quiet and "debug" or "info", "Conference request refused: %s", refusal.reason);
	origin.send(refuse(st.reply(stanza), refusal.kind, refusal.text, refusal.code));
	return true;
end

-- context: of the component in front of jicofo.  Where the hook fails, the request does not reach jicofo.
function methods:attach(context)
	hooks.before_all(context, "iq/host/" .. xmlns .. ":conference", function (event) return self:on_request(event); end, hooks.stop);
end

return { new = new };
