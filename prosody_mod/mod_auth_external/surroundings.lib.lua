-- surroundings.lib.lua: where Jitsi is in this Prosody: the focus component, whom it stands for, the meetings.
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

-- jitsi-meet names its rooms after these two; the second one defaults to "conference".
local function mapped(host, get)
	local base = get(host, "muc_mapper_domain_base");
	return base and (get(host, "muc_mapper_domain_prefix") or "conference") .. "." .. base or nil;
end

local function list_of(...)
	local list = {};
	for i = 1, select("#", ...) do table.insert(list, (select(i, ...))); end -- without the nils
	return list;
end

-- hosts: names of all; get(host, option) -> value.
-- Returns { focus, target = jicofo's bare JID, muc, mucs = list of all such components }, nothing of it where
-- there is no Jitsi; and a sentence for an option that names what is not there.
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
	muc = muc or choose(mucs, list_of(mapped(host, get), "conference." .. host, "muc." .. host));
	return { focus = focus, target = target, muc = muc, mucs = mucs };
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
