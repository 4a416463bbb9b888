-- check_rules.lib.lua: says what the check found about the rules of the meeting: mod_meeting_rules, and what it relies on.
-- Pure: facts in, findings out.
-- This file is MIT licensed; see LICENSE.

local say = module:require "check_findings";

local rules = { "names", "schools", "protection", "ending", "recording", "opening" };

-- Returns the names of the rules that are on, or off, as one text.
local function those(settings, is_on)
	local list = {};
	for _, rule in ipairs(rules) do
		if settings[rule] == is_on then table.insert(list, rule); end
	end
	return table.concat(list, ", ");
end

-- facts: place; rules = { listed = where the module is enabled, settings, fault }; has_lobby = whether Jitsi's module of lobbies is
-- enabled anywhere.
local function of_module(facts)
	local muc, found = facts.place.muc, {};
	for _, host in ipairs(facts.rules.listed) do
		if host ~= muc then
			table.insert(found, say.warning(('take "meeting_rules" out of modules_enabled there; it belongs below Component "%s"'):format(muc),
				"mod_meeting_rules is enabled at %s, where no meetings are held.", host));
		end
	end
	if not facts.rules.is_loaded then
		table.insert(found, say.note(('add "meeting_rules" to the modules_enabled of Component "%s"'):format(muc),
			"mod_meeting_rules is not loaded: the server keeps none of the rules of the meeting (a password or a lobby, the organiser leaves "
			.. "last, no recording)."));
	elseif facts.rules.fault then
		table.insert(found, say.failure("correct that option below the Component of the meetings",
			"%s Until then all rules of the meeting are kept as they are without options.", facts.rules.fault));
	else
		table.insert(found, say.ok("The server keeps these rules of the meeting: %s.", those(facts.rules.settings, true)));
		if those(facts.rules.settings, false) ~= "" then
			table.insert(found, say.note(nil, "These rules of the meeting are switched off: %s.", those(facts.rules.settings, false)));
		end
	end
	return found;
end

local function of_lobby(facts)
	local settings = facts.rules.is_loaded and facts.rules.settings;
	if not settings or not settings.protection or not settings.lobby or facts.has_lobby then return {}; end
	return { say.warning('enable Jitsi\'s "muc_lobby_rooms" as its packages do', "There is no lobby here (muc_lobby_rooms is not enabled): a "
		.. "meeting opens to participants only when the organiser sets a password.") };
end

-- facts: guests = list of { host, authentication }.
local function of_guests(facts)
	local found = {};
	for _, guest in ipairs(facts.guests) do
		if guest.authentication ~= "jitsi-anonymous" then
			table.insert(found, say.failure(('authentication = "jitsi-anonymous" below VirtualHost "%s"'):format(guest.host),
				"%s, where participants come in, has authentication = %s. Only with Jitsi's own provider a page that lost its connection goes on "
				.. "as the same person, and nobody comes in by a claim that nobody verified.", guest.host, say.printable(guest.authentication)));
		end
	end
	return found;
end

-- facts: believers = enabled modules of Jitsi's that believe the claims of a session; token_hosts = those that verify tokens, for
-- which mod_auth_external leaves the claims on all hosts as they are.
local function of_believers(facts)
	if not facts.token_hosts[1] then return {}; end
	local found = {};
	for _, name in ipairs(facts.believers) do
		table.insert(found, say.failure(('take "%s" out of modules_enabled'):format(name),
			"mod_%s lets a page lead for what it claims in a token. As %s takes tokens, nobody clears such claims where nobody verifies them.",
			name, facts.token_hosts[1]));
	end
	return found;
end

local function of(facts)
	local found = {};
	if not facts.place.muc then return found; end
	for _, examine in ipairs({ of_module, of_lobby, of_guests, of_believers }) do say.append(found, examine(facts)); end
	return found;
end

return { of = of };
