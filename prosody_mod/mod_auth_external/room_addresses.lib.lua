-- room_addresses.lib.lua: turns the address of a room, as Jitsi's page and jicofo write it, into Prosody's.
-- The only place that knows of tenants: under /TENANT/ROOM both say ROOM@conference.TENANT.DOMAIN, and Jitsi's
-- mod_muc_domain_mapper makes [TENANT]ROOM@conference.DOMAIN of it in each stanza, but not within a conference request.
-- Pure: util.jid and the place (see jitsi_config.lib.lua) are handed in.
-- This file is MIT licensed; see LICENSE.

local max_address = 2047; -- bytes: Prosody takes no longer name, and no longer host

local methods = {};
methods.__index = methods;

local function new(jid, place)
	local hosts = {};
	for _, host in ipairs(place.meetings or {}) do hosts[host] = true; end
	return setmetatable({ jid = jid, hosts = hosts, mapper = place.mapper }, methods);
end

-- Returns TENANT of conference.TENANT.DOMAIN, or nil.
function methods:tenant_of(host)
	local mapper = self.mapper;
	if not mapper then return nil; end
	local head, tail = mapper.prefix .. ".", "." .. mapper.base;
	if host:sub(1, #head) ~= head or host:sub(-#tail) ~= tail then return nil; end
	local tenant = host:sub(#head + 1, -#tail - 1);
	return tenant:match("^[^.]+$");
end

-- Returns the address as Prosody has it, its node and its host; or nil if more than upper case differs.  jicofo keeps some
-- letters that Prosody replaces, and then waits for a room that Prosody has under another name.
function methods:prepared(address)
	local prepared = type(address) == "string" and self.jid.prep(address);
	if not prepared or prepared ~= address:lower() then return nil; end
	local node, host, resource = self.jid.split(prepared);
	if not node or resource then return nil; end
	return prepared, node, host;
end

-- Returns Prosody's address of the meeting that page and jicofo call by this address, or nil where people cannot meet.
function methods:meeting(address)
	local prepared, node, host = self:prepared(address);
	if not prepared then return nil; end
	if self.hosts[host] then
		-- jicofo would wait for the bracket form for ever: Prosody names that room to it by the outside address.
		local is_inside_form = self.mapper and node:match("^%[[^%]]+%].");
		return not is_inside_form and prepared or nil;
	end
	local tenant = self:tenant_of(host);
	if not (tenant and self.hosts[self.mapper.muc]) then return nil; end
	return self.jid.join("[" .. tenant .. "]" .. node, self.mapper.muc);
end

-- Returns the room's name as the client writes it, and the component with such rooms; or nil where people cannot meet, and for
-- what is longer than any address.
function methods:name(address)
	local name, host = (type(address) == "string" and #address <= max_address and address or ""):match("^([^@]*)@([^@/]+)$");
	host = host and host:lower();
	if host and self.hosts[host] then return name, host; end
	if host and self:tenant_of(host) and self.hosts[self.mapper.muc] then return name, self.mapper.muc; end
	return nil;
end

return { new = new };
