-- jitsi_config.lib.lua: where Jitsi is in this Prosody: the focus component, whom it stands for, the meetings.
-- Pure: the configuration is handed in.
-- This file is MIT licensed; see LICENSE.

local function components(hosts, get, kind)
	local found = {};
	for _, name in ipairs(hosts) do
		if get(name, "component_module") == kind then table.insert(found, name); end
	end
	table.sort(found);
	return found;
end

local function contains(list, wanted)
	for _, each in ipairs(list) do
		if each == wanted then return true; end
	end
	return false;
end

-- The first of the wanted names that is there, or the only one that is.
local function choose(found, wanted)
	for _, name in ipairs(wanted) do
		if contains(found, name) then return name; end
	end
	return #found == 1 and found[1] or nil;
end

-- jitsi-meet names its rooms after these: prefix.base, or prefix.TENANT.base, which it maps to rooms at `muc`.
local function mapper_of(host, get)
	local base = get(host, "muc_mapper_domain_base");
	if not base then return nil; end
	local prefix = get(host, "muc_mapper_domain_prefix") or "conference";
	return { prefix = prefix, base = base, muc = get(host, "muc_mapper_domain") or prefix .. "." .. base };
end

local function list_of(...)
	local list = {};
	for i = 1, select("#", ...) do table.insert(list, (select(i, ...))); end -- without the nils
	return list;
end

-- Where people meet, if nothing says which component is theirs: all but those that Jitsi has for something else, above
-- all the one where jicofo and the bridges meet.
local function meetings_among(mucs, host, get)
	local found = {};
	for _, name in ipairs(mucs) do
		local is_other = name:match("^internal[.-]") or name == (get(host, "lobby_muc") or "lobby." .. host)
			or name == (get(host, "breakout_rooms_muc") or "breakout." .. host);
		if not is_other then table.insert(found, name); end
	end
	return found;
end

-- hosts: names of all; get(host, option) -> value.
-- Returns { focus, target = jicofo's bare JID, muc = where people meet, meetings = list of it, or of all that come
-- into question; mucs = list of all such components; mapper = { prefix, base, muc } of tenants' rooms, or nil }, nothing
-- of it where there is no Jitsi; and a sentence for an option that names what is not there.
local function find(host, hosts, get)
	local proxies, mucs = components(hosts, get, "client_proxy"), components(hosts, get, "muc");
	local focus, muc = get(host, "external_auth_focus"), get(host, "external_auth_muc");
	if focus and not contains(proxies, focus) then
		return {}, ("Option external_auth_focus names %s, which is no Component of type client_proxy."):format(tostring(focus));
	elseif muc and not contains(mucs, muc) then
		return {}, ("Option external_auth_muc names %s, which is no Component of type muc."):format(tostring(muc));
	end
	focus = focus or choose(proxies, { "focus." .. host });
	local target = focus and get(focus, "target_address");
	if not target then return {}; end
	local mapper = mapper_of(host, get);
	muc = muc or choose(mucs, list_of(get(host, "main_muc"), mapper and mapper.muc, "conference." .. host, "muc." .. host));
	return {
		focus = focus, target = target, muc = muc, mucs = mucs, mapper = mapper;
		meetings = muc and { muc } or meetings_among(mucs, host, get);
	};
end

local function is_set(value)
	return value ~= nil and value ~= "" and value ~= "''" and value ~= '""' and value ~= "null" and value ~= "undefined";
end

-- Whether this config.js of jitsi-meet lets browsers send conference requests to jicofo over HTTP, past Prosody.
local function sends_past(script)
	local code = script:gsub("/%*.-%*/", ""):gsub("%f[/:]//[^\n]*", "");
	for value in code:gmatch("conferenceRequestUrl[\"']?%s*[:=]%s*([^%s,;]*)") do
		if is_set(value) then return true; end
	end
	return false;
end

return { find = find, sends_past = sends_past };
