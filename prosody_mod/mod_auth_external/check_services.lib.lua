-- check_services.lib.lua: says what the check found about the options of this module and about the services that they name.
-- Pure: facts in, findings out.
-- This file is MIT licensed; see LICENSE.

local say = module:require "check_findings";

local max_clock_difference = 5; -- seconds; an HTTP date holds whole ones

-- Returns how to make the token file readable, or nil if the fault is another one.
local function fix_for_token_file(fault, path)
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
		table.insert(found, say.failure(about_token and fix_for_token_file(fault, tostring(facts.token_file)), "%s", fault));
	end
	if #found == 0 then table.insert(found, say.ok("The options of mod_auth_external are in order.")); end
	if facts.token_mode and facts.token_mode:sub(7, 9) ~= "---" then
		table.insert(found, say.warning("chmod o= " .. facts.token_file,
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
	return { say.warning("timedatectl set-ntp true (on both machines)", "The clock of %s and this one differ by %d s.",
		url, math.floor(difference)) };
end

local start = "systemctl start authbridge-api; if that does not help: journalctl -u authbridge-api";

-- Returns the finding about an answer that is not the expected one.
local function of_unexpected(url, answer)
	if answer.code ~= 0 then
		return say.failure("look which program listens there, and correct external_auth_url", "%s answers, but not as AuthBridge does (HTTP status %d).",
			url, answer.code);
	elseif answer.reason == "timeout" then
		return say.failure("systemctl restart authbridge-api; journalctl -u authbridge-api", "%s gives no answer in time.", url);
	end
	return say.failure(answer.reason == "connection refused" and start or ("look what answers there: curl -v " .. url),
		"%s cannot be reached: %s.", url, say.printable(answer.reason));
end

local function is_healthy(health)
	return health.code == 200 and type(health.body) == "table" and type(health.body.version) == "string";
end

local function of_readiness(url, ready)
	if type(ready.body) ~= "table" or (ready.code ~= 200 and ready.code ~= 503) then return { of_unexpected(url .. "/readyz", ready) }; end
	local parts, found = {}, {};
	for part in pairs(ready.body) do table.insert(parts, tostring(part)); end
	table.sort(parts);
	for _, part in ipairs(parts) do
		local word = ready.body[part];
		if word ~= "ok" then
			local sign = part == "storage" and say.failure or say.warning;
			table.insert(found, sign("journalctl -u authbridge-api", "%s reports about its %s: %s.", url, say.printable(part), say.printable(word)));
		end
	end
	if #found == 0 and ready.code ~= 200 then table.insert(found, say.failure(start, "%s is not ready.", url)); end
	if #found == 0 then table.insert(found, say.ok("%s is ready: %s.", url, say.printable(table.concat(parts, ", ")))); end
	return found;
end

-- answer: to a request that holds nothing but a host.  The service finds it malformed, and records nothing.
-- inherits: whether authentication is set above all hosts.  Then this may be jicofo's own host, or the guests'.
local function of_acceptance(url, host, answer, inherits)
	local kind = type(answer.body) == "table" and answer.body.error;
	if answer.code == 400 and kind == "malformed" then
		return say.ok("%s accepts the token and answers for %s: accounts are made there, not by prosodyctl adduser.", url, host);
	elseif answer.code == 400 and kind == "host" and inherits then
		return say.failure(('set authentication below VirtualHost "%s" to what it was before, such as "internal_hashed" for jicofo and the bridges, '
			.. 'and authentication = "external" only below the VirtualHost of the organisers'):format(host),
			'authentication = "external" stands above all hosts, so %s asks %s too, which does not answer for it.', host, url);
	elseif answer.code == 400 and kind == "host" then
		return say.failure("set AUTHBRIDGE_XMPP_HOST=" .. host .. " and restart authbridge-api, or correct the name of the VirtualHost",
			"%s does not answer for %s: %s.", url, host, say.printable(answer.body.detail));
	elseif answer.code == 401 then
		return say.failure("let both name the same file, and restart authbridge-api if that file is newer than its start",
			"%s refuses the token: external_auth_token_file and AUTHBRIDGE_API_TOKEN_FILE differ.", url);
	end
	return of_unexpected(url .. "/v1/authenticate", answer);
end

-- answer: to a question that names no node.  It is malformed too; a proper one would show up in the panel as one more
-- Prosody.
local function of_feed(url, answer)
	if answer.code == 400 and type(answer.body) == "table" and answer.body.error == "malformed" then
		return say.ok("%s tells of suspensions: they end running sessions at once.", url);
	elseif answer.code == 404 then
		return say.warning("update the service to the version of this module, and restart authbridge-api",
			"%s does not tell of suspensions: they count from the next login on, and running sessions go on.", url);
	end
	local other = of_unexpected(url .. "/v1/revocations", answer);
	return say.warning(other.fix, "%s", other.words); -- a warning only: logins work as always
end

-- answer: to a question about a token that names nothing but a host.
local function of_tokens(url, answer)
	if answer.code == 400 and type(answer.body) == "table" and answer.body.error == "malformed" then
		return say.ok("%s knows the tokens of the login page.", url);
	elseif answer.code == 404 then
		return say.failure("update the service to the version of this module, and restart authbridge-api",
			"%s does not know the tokens of the login page (external_auth_page): nobody gets in from there.", url);
	end
	return of_unexpected(url .. "/v1/token", answer);
end

local function of_probe(host, probe, inherits)
	if not is_healthy(probe.health) then return { of_unexpected(probe.url, probe.health) }; end
	local found = { say.ok("%s answers, version %s.", probe.url, say.printable(probe.health.body.version)) };
	say.append(found, of_clock(probe.url, probe.health));
	say.append(found, of_readiness(probe.url, probe.ready));
	if not probe.acceptance then return found; end
	local accepted = of_acceptance(probe.url, host, probe.acceptance, inherits);
	table.insert(found, accepted);
	if accepted.sign == "ok" then table.insert(found, of_feed(probe.url, probe.feed)); end
	if accepted.sign == "ok" and probe.tokens then table.insert(found, of_tokens(probe.url, probe.tokens)); end
	return found;
end

-- facts.probes: for each service { url, health, ready, acceptance, feed, tokens = nil where none come }, each { code, body, reason,
-- date, now }.
-- One service that works is enough for logins: the faults of the others are then warnings.
local function of_services(facts)
	local all, works = {}, false;
	for i, probe in ipairs(facts.probes) do
		all[i] = of_probe(facts.host, probe, facts.inherits);
		works = works or not say.holds_error(all[i]);
	end
	local found = {};
	for _, findings in ipairs(all) do
		for _, each in ipairs(findings) do
			if works and each.sign == "error" then each.sign = "warning"; end
		end
		say.append(found, findings);
	end
	return found;
end

local function of(facts)
	local found = of_options(facts);
	say.append(found, of_services(facts));
	return found;
end

return { of = of, seconds_of = seconds_of };
