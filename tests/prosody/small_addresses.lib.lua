-- Rooms of tenants: x@conference.TENANT.BASE outside is [TENANT]x@conference.BASE to Prosody; no stanzas, no state.
-- This file is MIT licensed; see LICENSE.
-- luacheck: read globals module

local jid = require "util.jid";

local base = module:get_option_string("muc_mapper_domain_base", module.host);
local muc = "conference." .. base;
local outside = "^conference%.([^%.]+)%." .. base:gsub("%p", "%%%0"); -- without an end, as Jitsi's

local function to_inside(address)
	local node, host, resource = jid.split(address);
	local tenant = node and host:match(outside);
	return tenant and jid.join("[" .. tenant .. "]" .. node, muc, resource) or address;
end

local function to_outside(address)
	local node, host, resource = jid.split(address);
	if not node or host ~= muc then return address; end
	local tenant, name = node:match("^%[([^%]]+)%](.+)$");
	return tenant and jid.join(name, "conference." .. tenant .. "." .. base, resource) or address;
end

return { to_inside = to_inside; to_outside = to_outside };
