-- jitsi_config.lib.lua: finds Jitsi in this Prosody's configuration: the component in front of jicofo, and the meetings.
-- Pure: the configuration is handed in.
-- This file is MIT licensed; see LICENSE.

-- hosts: name -> its options; get(host, option) -> value.  Returns a list of the names but for hosts that are switched off,
-- such as that of Jitsi's telephony for customers: Prosody does not start them.
local function active(hosts, get)
	local found = {};
	for name in pairs(hosts) do
		if get(name, "enabled") ~= false then table.insert(found, name); end
	end
	return found;
end

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

-- Returns the first of the wanted names that is in the list, or the only one in the list, or nil.
local function choose(found, wanted)
	for _, name in ipairs(wanted) do
		if contains(found, name) then return name; end
	end
	return #found == 1 and found[1] or nil;
end

-- Returns { prefix, base, muc }, or nil: jitsi-meet calls its rooms' component prefix.base, or prefix.TENANT.base, which it maps
-- to rooms at `muc`.
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

-- Returns the components where people may meet, if nothing says which one is theirs: all but those that Jitsi has for
-- something else, above all the one where jicofo and the bridges meet: without it nobody has a picture.
local function meetings_among(mucs, host, get)
	local found = {};
	for _, name in ipairs(mucs) do
		local is_other = name:match("^internal[.-]") or name == (get(host, "lobby_muc") or "lobby." .. host)
			or name == (get(host, "breakout_rooms_muc") or "breakout." .. host);
		if not is_other then table.insert(found, name); end
	end
	return found;
end

local correct = "correct the name, or take the option out";

-- Returns why the component in front of jicofo was not found, and how to fix that; nil where there is no sign of a Jitsi.
local function explain(host, focus, proxies, get)
	local expected = "focus." .. host;
	if focus then
		return ("Component %s names no jicofo."):format(focus), 'set target_address = "focus@auth.' .. host .. '" below it, or what jicofo logs in as';
	elseif proxies[1] then
		return ("Several Components of type client_proxy (%s), and none is recognised as the one in front of jicofo."):format(
			table.concat(proxies, ", ")), "set external_auth_focus to the one that config.js names as hosts.focus, or that is called focus. in front of it";
	elseif get(expected, "component_module") == "component" then
		return ("%s is an external component, as Jitsi had it before 2021: nobody can watch the requests there."):format(expected),
			"update Jitsi, and set the component up as client_proxy";
	end
end

-- hosts: names of all; get(host, option) -> value.
-- Returns the place, { focus = the component in front of jicofo, target = jicofo's bare JID, muc = the component where people
-- meet or nil, meetings = list of it, or of all that come into question; mucs = list of all components with rooms; mapper =
-- { prefix, base, muc } of tenants' rooms, or nil }, an empty table where none is found; and, where there is a Jitsi all the
-- same, a sentence why not and how to fix it.
local function find(host, hosts, get)
	local proxies, mucs = components(hosts, get, "client_proxy"), components(hosts, get, "muc");
	local focus, muc = get(host, "external_auth_focus"), get(host, "external_auth_muc");
	if focus and not contains(proxies, focus) then
		return {}, ("Option external_auth_focus names %s, which is no Component of type client_proxy."):format(tostring(focus)), correct;
	elseif muc and not contains(mucs, muc) then
		return {}, ("Option external_auth_muc names %s, which is no Component of type muc."):format(tostring(muc)), correct;
	end
	focus = focus or choose(proxies, { "focus." .. host });
	local target = focus and get(focus, "target_address");
	if not target then return {}, explain(host, focus, proxies, get); end
	local mapper = mapper_of(host, get);
	muc = muc or choose(mucs, list_of(get(host, "main_muc"), mapper and mapper.muc, "conference." .. host, "muc." .. host));
	return {
		focus = focus, target = target, muc = muc, mucs = mucs, mapper = mapper;
		meetings = muc and { muc } or meetings_among(mucs, host, get);
	};
end

local function is_set(value)
	return value ~= nil and value ~= "" and value ~= "''" and value ~= '""' and value ~= "null" and value ~= "undefined"
		and value ~= "false";
end

-- Tells whether this config.js of jitsi-meet gives that option a value; a comment gives none.
local function sets(script, option)
	local code = script:gsub("/%*.-%*/", ""):gsub("%f[/:]//[^\n]*", "");
	for value in code:gmatch(option .. "[\"']?%s*[:=]%s*([^%s,;]*)") do
		if is_set(value) then return true; end
	end
	return false;
end

-- Tells whether this config.js lets browsers send conference requests to jicofo over HTTP, past Prosody.
local function sends_past(script)
	return sets(script, "conferenceRequestUrl");
end

-- Tells whether this config.js names a document with words of the operator's.
local function is_branded(script)
	return sets(script, "dynamicBrandingUrl");
end

-- Tells whether this config.js sends organisers to a login page; opens it in a window; has Jitsi's button log out there.
local function names_page(script) return sets(script, "tokenAuthUrl"); end
local function opens_inline(script) return sets(script, "tokenAuthInline"); end
local function logs_out_there(script) return sets(script, "tokenLogoutUrl"); end

return {
	active = active, find = find, sends_past = sends_past, is_branded = is_branded;
	names_page = names_page, opens_inline = opens_inline, logs_out_there = logs_out_there;
};
