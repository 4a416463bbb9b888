-- mod_client_proxy: stands in for Jitsi's component of that name, which carries what clients ask to jicofo and back.
-- It has Jitsi's behaviour and none of its code: the same addresses, the same choice of a jicofo, the same priority.
-- This file is MIT licensed; see LICENSE.
-- luacheck: read globals module, globals sessions

local array = require "util.array";
local jid = require "util.jid";
local st = require "util.stanza";
local timer = require "util.timer";

local target = assert(module:get_option_string("target_address"), "target_address is missing");

sessions = array {}; -- resources of the target that are there; global, because Jitsi's is
local resources = sessions;

local function forget(resource)
	for i = #resources, 1, -1 do
		if resource == nil or resources[i] == resource then table.remove(resources, i); end
	end
end

local function note_presence(stanza)
	local kind, resource = stanza.attr.type, jid.resource(stanza.attr.from);
	if kind == "error" then
		forget(nil);
	elseif kind == "unavailable" then
		forget(resource);
	elseif kind == nil then
		forget(resource);
		resources:push(resource);
	end
end

local function refuse(stanza, condition)
	if stanza.attr.type ~= "error" and stanza.attr.type ~= "result" then
		module:send(st.error_reply(stanza, "cancel", condition));
	end
end

-- The client's address is the resource of the one that the target saw.
local function carry_back(stanza)
	local client = jid.prep(jid.resource(stanza.attr.to));
	if not client then return; end
	stanza.attr.from, stanza.attr.to = module.host, client;
	module:send(stanza);
end

local function carry_on(stanza)
	if #resources == 0 then return refuse(stanza, "service-unavailable"); end
	stanza.attr.from = module.host .. "/" .. stanza.attr.from;
	stanza.attr.to = target .. "/" .. resources[math.random(#resources)];
	module:send(stanza);
end

local function take_from_target(stanza)
	local is_answer = stanza.attr.type == "result" or stanza.attr.type == "error";
	if jid.resource(stanza.attr.to) == nil then
		if stanza.name == "presence" then note_presence(stanza); else refuse(stanza, "bad-request"); end
	elseif stanza.name == "presence" then
		return; -- to a client, or to a room that is none
	elseif stanza.name == "iq" and is_answer then
		carry_back(stanza);
	else
		refuse(stanza, "feature-not-implemented");
	end
end

local function take_from_client(stanza)
	local kind = stanza.attr.type;
	if stanza.name == "presence" then
		refuse(stanza, "bad-request");
	elseif stanza.name == "message" then
		refuse(stanza, "feature-not-implemented");
	elseif kind == "get" or kind == "set" then
		carry_on(stanza);
	end
end

local function take(event)
	local stanza = event.stanza;
	if jid.bare(stanza.attr.from) == target then
		take_from_target(stanza);
	else
		take_from_client(stanza);
	end
	return true;
end

for _, kind in ipairs { "iq", "presence", "message" } do
	for _, reach in ipairs { "bare", "full", "host" } do
		module:hook(kind .. "/" .. reach, take, -1);
	end
end

-- Once the server's loop runs: now the target's host may not be there yet.
timer.add_task(0, function ()
	module:send(st.presence { type = "subscribe", from = module.host, to = target });
end);
