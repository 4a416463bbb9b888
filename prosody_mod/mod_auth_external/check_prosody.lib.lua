-- check_prosody.lib.lua: says what the check found in Prosody's own configuration: Jitsi, browsers, the words of Jitsi's page,
-- other modules, the log, the garbage collector.
-- Pure: facts in, findings out.
-- This file is MIT licensed; see LICENSE.

local say = module:require "check_findings";

-- facts: place, place_fault, place_fix as jitsi_config.lib.lua returns them; hears_of_jicofo = false if the component cannot;
-- bypasses = files and addresses of those config.js that send conference requests past Prosody.
local function of_meetings(facts)
	local place, found = facts.place, {};
	if facts.place_fault then
		table.insert(found, say.warning(facts.place_fix, "%s Suspensions end sessions, but no meetings.", facts.place_fault));
	elseif not place.focus then
		table.insert(found, say.note("set external_auth_focus, if this is a Jitsi whose focus component was not found",
			"There is no Jitsi here (no Component of type client_proxy): suspensions end sessions."));
	elseif not place.muc then
		table.insert(found, say.warning("set external_auth_muc to the Component of the meetings",
			"Several Components of type muc, and none is recognised as that of the meetings: organisers may open one at any of %s.",
			table.concat(place.meetings, ", ")));
	elseif facts.hears_of_jicofo == false then
		table.insert(found, say.warning(
			("prosodyctl mod_roster_command subscribe %s %s, then restart Prosody and jicofo"):format(place.focus, place.target),
			"%s does not hear of jicofo: %s has no such contact. Requests for a meeting lead nowhere then, and its page stays empty.",
			place.focus, place.target));
	else
		table.insert(found, say.ok("Meetings at %s are guarded: their requests pass %s on the way to %s.", place.muc, place.focus, place.target));
	end
	for _, source in ipairs(facts.bypasses) do
		table.insert(found, say.warning("take conferenceRequestUrl out of it, and set jicofo.rest.conference-request.enabled=false",
			"%s sends conference requests to jicofo over HTTP (conferenceRequestUrl): they go past Prosody, and a remembered "
			.. "login that was ended while Prosody was away is not noticed there.", source));
	end
	return found;
end

-- facts: bosh, websocket = loaded anywhere; bosh_secure, websocket_secure = the option's value.
local function of_browsers(facts)
	local found = {};
	for _, name in ipairs({ "bosh", "websocket" }) do
		if facts[name] and not facts[name .. "_secure"] then
			table.insert(found, say.warning(("consider_%s_secure = true, if the proxy speaks HTTPS to browsers"):format(name),
				"mod_%s is loaded without consider_%s_secure: behind a proxy that speaks HTTPS, no browser is offered a login "
				.. '("No stream features").', name, name));
		end
	end
	return found;
end

-- The words with which Jitsi's page says why a login failed need both halves.
-- facts: page_words = the option's value; branded = files and addresses of those config.js that name a document with the
-- operator's words; knows_page = whether any config.js could be read.
local function of_page(facts)
	if facts.page_words and facts.knows_page and not facts.branded[1] then
		return { say.warning("set dynamicBrandingUrl in config.js to PANEL/jitsi/websocket/branding.json, or take external_auth_page_words out",
			"external_auth_page_words is on, but config.js names no document with the words: Jitsi's page then shows "
			.. "technical words to organisers who are suspended or have to wait.") };
	elseif not facts.page_words and facts.branded[1] then
		return { say.note("external_auth_page_words = true, if that document is the panel's (or of `authbridge jitsi-words`)",
			"%s names a document with words of its own, but over WebSocket Jitsi's page will not learn why a login failed.",
			facts.branded[1]) };
	elseif facts.page_words and facts.branded[1] then
		return { say.ok("Jitsi's page says why a login failed (over WebSocket).") };
	end
	return {};
end

-- facts: limit_auth, listed (auth_external among the enabled modules), debug_log; token_hosts = those with Jitsi's own
-- token provider.
local function of_neighbours(facts)
	local found = {};
	for _, host in ipairs(facts.token_hosts) do
		table.insert(found, say.warning("run that host in a Prosody of its own, or take its token authentication away",
			"%s takes Jitsi's tokens. What a request claims in a token is therefore left in the session on every host of this "
			.. "Prosody, also on those where nobody verifies it, and other modules may believe it.", host));
	end
	if facts.limit_auth then
		table.insert(found, say.warning('take "limit_auth" out of modules_enabled',
			"mod_limit_auth counts every failed login per address: behind one address it locks out a whole school. "
			.. "AuthBridge slows down guessing itself."));
	end
	if facts.listed then
		table.insert(found, say.warning('take "auth_external" out of modules_enabled',
			'auth_external is listed in modules_enabled; authentication = "external" loads it where it is needed.'));
	end
	if facts.debug_log then
		table.insert(found, say.warning('let the log begin at "info"',
			"A log is at level debug: Prosody's mod_bosh then writes the passwords of browsers, in base64, into it."));
	end
	return found;
end

-- The line that `authbridge prosody-config` prints, and the value of the option.
local our_gc, our_gc_line = { mode = "generational" }, 'gc = { mode = "generational" }';

local function are_equal(one, other)
	for key, value in pairs(one) do if other[key] ~= value then return false; end end
	for key in pairs(other) do if one[key] == nil then return false; end end
	return true;
end

-- Returns such a value as it stands in the configuration.
local function printed(gc)
	local parts = {};
	for key, value in pairs(gc) do
		table.insert(parts, ("%s = %s"):format(key, type(value) == "string" and ("%q"):format(value) or tostring(value)));
	end
	table.sort(parts);
	return say.printable("{ " .. table.concat(parts, ", ") .. " }");
end

-- facts: gc = the option's value; is_generational = whether this Lua has that mode (from 5.4 on).
local function of_collector(facts)
	local gc = facts.gc;
	if not facts.is_generational then return {}; end
	if type(gc) == "table" and are_equal(gc, our_gc) then
		return { say.ok("Prosody's garbage collector is set up as measured best: %s.", our_gc_line) };
	end
	local words = gc == nil and "Prosody's garbage collector works as it comes, and takes half the time of a login."
		or ("Prosody's garbage collector is set up with gc = %s."):format(type(gc) == "table" and printed(gc) or say.printable(gc));
	return { say.note(our_gc_line .. " outside of any VirtualHost, then restart Prosody, when no meeting is on", "%s", words) };
end

-- Tells whether this value of Prosody's option `log` sends debug messages anywhere, by the rules of
-- core/loggingmanager.lua.
local function logs_debug(log)
	local function has_debug(levels)
		if type(levels) ~= "table" then return levels == nil or levels == "debug"; end
		if levels.min == "debug" or levels.max == "debug" then return true; end
		for _, level in ipairs(levels) do
			if level == "debug" then return true; end
		end
		return false;
	end
	if type(log) == "string" then return log:sub(1, 1) == "*"; end
	if type(log) ~= "table" then return false; end
	for _, sink in ipairs(log) do
		if type(sink) == "string" or has_debug(sink.levels) then return true; end
	end
	return log.debug ~= nil;
end

local function of(facts)
	local found = {};
	for _, examine in ipairs({ of_meetings, of_browsers, of_page, of_neighbours, of_collector }) do say.append(found, examine(facts)); end
	return found;
end

return { of = of, logs_debug = logs_debug };
