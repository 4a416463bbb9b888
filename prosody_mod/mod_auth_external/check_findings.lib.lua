-- check_findings.lib.lua: what `prosodyctl mod_auth_external check` says about the facts it found.
-- Pure: facts in, findings out; a finding is { sign, words, mend }, its sign one of
-- "ok" "note" "warning" "error".  An error keeps organisers out, lets clients forge their address, or
-- leaves open what was asked; nothing else does.
-- This file is MIT licensed; see LICENSE.

local max_clock_difference = 5; -- seconds; an HTTP date holds whole ones

local function ok(words, ...) return { sign = "ok", words = words:format(...) }; end

local function finding(sign)
	return function (mend, words, ...) return { sign = sign, words = words:format(...), mend = mend }; end;
end

local note, warning, failure = finding("note"), finding("warning"), finding("error");

local function append(found, more)
	for _, each in ipairs(more) do table.insert(found, each); end
end

-- What others send is shown short, and cannot move the cursor of a terminal.
local function printable(text)
	return (tostring(text):sub(1, 200):gsub("[^\32-\126]", "?"));
end

local function mend_token_file(fault, path)
	if fault:find("No such file", 1, true) then return "name the file that AUTHBRIDGE_API_TOKEN_FILE names"; end
	if fault:find("cannot read", 1, true) then
		return ("chgrp authbridge-token %s && chmod 640 %s && usermod -a -G authbridge-token prosody, then restart Prosody; "
			.. "run this command as root or as Prosody's user"):format(path, path);
	end
end

-- facts: faults = sentences of options.lib.lua, token_file, token_mode = "rw-r-----" or nil.
local function of_options(facts)
	local found = {};
	for _, fault in ipairs(facts.faults) do
		local about_token = fault:find("external_auth_token_file", 1, true);
		table.insert(found, failure(about_token and mend_token_file(fault, tostring(facts.token_file)), "%s", fault));
	end
	if #found == 0 then table.insert(found, ok("The options of mod_auth_external are in order.")); end
	if facts.token_mode and facts.token_mode:sub(7, 9) ~= "---" then
		table.insert(found, warning("chmod o= " .. facts.token_file,
			"Every local user may open the token file %s (%s).", facts.token_file, facts.token_mode));
	end
	return found;
end

-- "Tue, 15 Nov 1994 08:12:31 GMT" (RFC 9110 section 5.6.7) -> seconds since 1970, or nil.
local function seconds_of(date)
	local day, name, year, hour, minute, second = tostring(date):match("(%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$");
	local at = name and ("JanFebMarAprMayJunJulAugSepOctNovDec"):find(name, 1, true);
	if not at or at % 3 ~= 1 then return nil; end
	local month = (at + 2) // 3;
	if month <= 2 then month, year = month + 12, year - 1; end -- a year that begins in March has its leap day last
	local days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469;
	return math.tointeger(days * 86400 + hour * 3600 + minute * 60 + second);
end

local function of_clock(url, health)
	local theirs = health.date and seconds_of(health.date);
	local difference = theirs and math.abs(theirs - health.now) or 0;
	if difference <= max_clock_difference then return {}; end
	return { warning("timedatectl set-ntp true (on both machines)", "The clock of %s and this one differ by %d s.",
		url, math.floor(difference)) };
end

local start = "systemctl start authbridge-api; if that does not help: journalctl -u authbridge-api";

-- The finding about an answer that is not the expected one.
local function of_stranger(url, answer)
	if answer.code ~= 0 then
		return failure("look who listens there, and mend external_auth_url", "%s answers, but not as AuthBridge does (HTTP status %d).",
			url, answer.code);
	elseif answer.reason == "timeout" then
		return failure("systemctl restart authbridge-api; journalctl -u authbridge-api", "%s gives no answer in time.", url);
	end
	return failure(answer.reason == "connection refused" and start or ("look what stands there: curl -v " .. url),
		"%s cannot be reached: %s.", url, printable(answer.reason));
end

local function is_healthy(health)
	return health.code == 200 and type(health.body) == "table" and type(health.body.version) == "string";
end

local function of_readiness(url, ready)
	if type(ready.body) ~= "table" or (ready.code ~= 200 and ready.code ~= 503) then return { of_stranger(url .. "/readyz", ready) }; end
	local parts, found = {}, {};
	for part in pairs(ready.body) do table.insert(parts, tostring(part)); end
	table.sort(parts);
	for _, part in ipairs(parts) do
		local word = ready.body[part];
		if word ~= "ok" then
			local sign = part == "storage" and failure or warning;
			table.insert(found, sign("journalctl -u authbridge-api", "%s reports about its %s: %s.", url, printable(part), printable(word)));
		end
	end
	if #found == 0 and ready.code ~= 200 then table.insert(found, failure(start, "%s is not ready.", url)); end
	if #found == 0 then table.insert(found, ok("%s is ready: %s.", url, printable(table.concat(parts, ", ")))); end
	return found;
end

-- The service finds a question of nothing but a host malformed, and records nothing.
local function of_acceptance(url, host, answer)
	local kind = type(answer.body) == "table" and answer.body.error;
	if answer.code == 400 and kind == "malformed" then
		return ok("%s accepts the token and answers for %s.", url, host);
	elseif answer.code == 400 and kind == "host" then
		return failure("set AUTHBRIDGE_XMPP_HOST=" .. host .. " and restart authbridge-api, or mend the name of the VirtualHost",
			"%s does not answer for %s: %s.", url, host, printable(answer.body.detail));
	elseif answer.code == 401 then
		return failure("let both name the same file, and restart authbridge-api if that file is newer than its start",
			"%s refuses the token: external_auth_token_file and AUTHBRIDGE_API_TOKEN_FILE differ.", url);
	end
	return of_stranger(url .. "/v1/authenticate", answer);
end

-- A poll of no node is malformed too; a proper one would show up in the panel as one more Prosody.
local function of_feed(url, answer)
	if answer.code == 400 and type(answer.body) == "table" and answer.body.error == "malformed" then
		return ok("%s tells of suspensions: they end running sessions at once.", url);
	elseif answer.code == 404 then
		return warning("update the service to the version of this module, and restart authbridge-api",
			"%s does not tell of suspensions: they count from the next login on, and running sessions go on.", url);
	end
	local stranger = of_stranger(url .. "/v1/revocations", answer);
	return warning(stranger.mend, "%s", stranger.words); -- logins are as ever
end

local function of_probe(host, probe)
	if not is_healthy(probe.health) then return { of_stranger(probe.url, probe.health) }; end
	local found = { ok("%s answers, version %s.", probe.url, printable(probe.health.body.version)) };
	append(found, of_clock(probe.url, probe.health));
	append(found, of_readiness(probe.url, probe.ready));
	if not probe.acceptance then return found; end
	local accepted = of_acceptance(probe.url, host, probe.acceptance);
	table.insert(found, accepted);
	if accepted.sign == "ok" then table.insert(found, of_feed(probe.url, probe.feed)); end
	return found;
end

local function holds_error(findings)
	for _, each in ipairs(findings) do
		if each.sign == "error" then return true; end
	end
	return false;
end

-- facts.probes: for each address { url, health, ready, acceptance, feed }, each { code, body, reason, date, now }.
-- With several addresses, one that works is enough for logins: the faults of the others are warnings.
local function of_services(facts)
	local all, works = {}, false;
	for i, probe in ipairs(facts.probes) do
		all[i] = of_probe(facts.host, probe);
		works = works or not holds_error(all[i]);
	end
	local found = {};
	for _, findings in ipairs(all) do
		for _, each in ipairs(findings) do
			if works and each.sign == "error" then each.sign = "warning"; end
		end
		append(found, findings);
	end
	return found;
end

-- facts: bosh, websocket = loaded anywhere; bosh_secure, websocket_secure = the option's value.
local function of_browsers(facts)
	local found = {};
	for _, name in ipairs({ "bosh", "websocket" }) do
		if facts[name] and not facts[name .. "_secure"] then
			table.insert(found, warning(("consider_%s_secure = true, if the proxy speaks HTTPS to browsers"):format(name),
				"mod_%s is loaded without consider_%s_secure: behind a proxy that speaks HTTPS, no browser is offered a login "
				.. '("No stream features").', name, name));
		end
	end
	return found;
end

-- facts: limit_auth, listed (auth_external among the enabled modules), debug_log; token_hosts = those with Jitsi's own
-- token provider.
local function of_neighbours(facts)
	local found = {};
	for _, host in ipairs(facts.token_hosts) do
		table.insert(found, warning("run that host in a Prosody of its own, or take its token authentication away",
			"%s takes Jitsi's tokens. What a request claims in a token is therefore left in the session on every host of this "
			.. "Prosody, also on those where nobody verifies it, and other modules may believe it.", host));
	end
	if facts.limit_auth then
		table.insert(found, warning('take "limit_auth" out of modules_enabled',
			"mod_limit_auth counts every failed login per address: behind one address it locks out a whole school. "
			.. "AuthBridge slows down guessing itself."));
	end
	if facts.listed then
		table.insert(found, warning('take "auth_external" out of modules_enabled',
			'auth_external is listed in modules_enabled; authentication = "external" loads it where it is needed.'));
	end
	if facts.debug_log then
		table.insert(found, warning('let the log begin at "info"',
			"A log is at level debug: Prosody's mod_bosh then writes the passwords of browsers, in base64, into it."));
	end
	return found;
end

-- facts: place, place_fault as jitsi_config.lib.lua returns them; bypasses = files and addresses of those config.js
-- that send conference requests past Prosody.
local function of_meetings(facts)
	local place, found = facts.place, {};
	if facts.place_fault then
		table.insert(found, warning("mend the name, or take the option out", "%s Suspensions end sessions, but no meetings.", facts.place_fault));
	elseif not place.focus then
		table.insert(found, note("external_auth_focus, if this is a Jitsi whose focus component was not found",
			"There is no Jitsi here (no Component of type client_proxy): suspensions end sessions."));
	elseif not place.muc then
		table.insert(found, warning("external_auth_muc = the Component of the meetings",
			"Several Components of type muc, and none is recognised as that of the meetings: organisers may open one at any of %s.",
			table.concat(place.meetings, ", ")));
	else
		table.insert(found, ok("Meetings at %s are guarded: their requests pass %s on the way to %s.", place.muc, place.focus, place.target));
	end
	for _, source in ipairs(facts.bypasses) do
		table.insert(found, warning("take conferenceRequestUrl out of it, and set jicofo.rest.conference-request.enabled=false",
			"%s sends conference requests to jicofo over HTTP (conferenceRequestUrl): they go past Prosody, and a remembered "
			.. "login that was ended while Prosody was away is not noticed there.", source));
	end
	return found;
end

-- All findings about one host, but for those of check_addresses.lib.lua.
local function of(facts)
	local found = {};
	for _, examine in ipairs({ of_options, of_services, of_meetings, of_browsers, of_neighbours }) do
		append(found, examine(facts));
	end
	return found;
end

-- Whether this value of Prosody's option `log` sends debug messages anywhere; the rules are those
-- of core/loggingmanager.lua.
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

local function line(each)
	return ("[%s] %s%s"):format(each.sign, each.words, each.mend and (" Mend: " .. each.mend) or "");
end

return {
	of = of, ok = ok, note = note, warning = warning, failure = failure, printable = printable;
	append = append, holds_error = holds_error, line = line, logs_debug = logs_debug, seconds_of = seconds_of;
};
