-- mod_small_domain_mapper: does to addresses what Jitsi's mod_muc_domain_mapper does: clients, the focus among them,
-- see and name a tenant's room by its outside address.  What is inside a stanza stays as it is.
-- Is loaded on the main MUC, and works on all hosts.  This file is MIT licensed; see LICENSE.
-- luacheck: globals module prosody

local filters = require "util.filters";

local addresses = module:require "small_addresses";

local kinds = { "message", "presence", "iq" };
local is_stanza = { message = true; presence = true; iq = true };

local function rewrite(stanza, attribute, how)
	local address = stanza.attr[attribute];
	if address then stanza.attr[attribute] = how(address); end
end

local function on_its_way_out(stanza)
	if is_stanza[stanza.name] then
		rewrite(stanza, "to", addresses.to_inside);
		rewrite(stanza, "from", addresses.to_outside);
	end
	return stanza;
end

local function watch_session(session)
	filters.add_filter(session, "stanzas/out", on_its_way_out);
end

local function watch_host(host)
	local there = module:context(host);
	for _, kind in ipairs(kinds) do
		for _, reach in ipairs { "host", "bare", "full" } do
			there:hook("pre-" .. kind .. "/" .. reach, function (event) rewrite(event.stanza, "to", addresses.to_inside); end);
			there:hook(kind .. "/" .. reach, function (event) rewrite(event.stanza, "from", addresses.to_outside); end);
		end
	end
end

function module.load()
	filters.add_filter_hook(watch_session);
end

function module.unload()
	filters.remove_filter_hook(watch_session);
end

prosody.events.add_handler("host-activated", watch_host);
for host in pairs(prosody.hosts) do
	watch_host(host);
end
