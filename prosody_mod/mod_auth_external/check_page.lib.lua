-- check_page.lib.lua: says what the check found about the login page, from which organisers come back with a token.
-- Pure: facts in, findings out.
-- This file is MIT licensed; see LICENSE.

local say = module:require "check_findings";

-- facts: page = { is_on = the option's value; named, logout, inline = files and addresses of those config.js that set tokenAuthUrl,
-- tokenLogoutUrl, tokenAuthInline; is_read = whether any config.js could be read }.
local function of_closed_door(facts)
	local found = {};
	for _, source in ipairs(facts.page.named) do
		local fix = 'external_auth_page = true below VirtualHost "%s", then systemctl reload prosody, which ends no meeting; or take tokenAuthUrl out';
		table.insert(found, say.failure(fix:format(facts.host),
			"%s sends organisers to a login page (tokenAuthUrl), but external_auth_page is off: who comes back from there cannot log in.", source));
	end
	return found;
end

-- facts: has_no_anonymous = whether disable_sasl_mechanisms names ANONYMOUS; bosh, websocket = loaded anywhere.
local function of_prosody(facts)
	local found = {};
	if facts.has_no_anonymous then
		table.insert(found, say.failure('take "ANONYMOUS" out of disable_sasl_mechanisms',
			"disable_sasl_mechanisms names ANONYMOUS, by which Jitsi's page shows its token: nobody gets in from the login page."));
	end
	if not (facts.bosh or facts.websocket) then
		table.insert(found, say.warning('enable "websocket" or "bosh"', "Neither mod_websocket nor mod_bosh is loaded: no token can come."));
	end
	for _, host in ipairs(facts.token_hosts) do
		table.insert(found, say.warning("run that host in a Prosody of its own",
			"external_auth_page is on beside %s, which takes Jitsi's own tokens: what a token of any origin claims stays in the sessions of all hosts.",
			host));
	end
	return found;
end

local function of_scripts(facts)
	local page, found = facts.page, {};
	if page.is_read and not page.named[1] then
		table.insert(found, say.note(("authbridge page on %s"):format(facts.host),
			"external_auth_page is on, but config.js names no login page (tokenAuthUrl): everybody gets Jitsi's own dialog."));
	end
	for _, source in ipairs(page.inline) do
		table.insert(found, say.failure("take tokenAuthInline out of it",
			"%s opens the login page in a window (tokenAuthInline): jicofo does not hear of the token then, and nobody comes to lead.", source));
	end
	for _, source in ipairs(page.logout) do
		table.insert(found, say.warning("take tokenLogoutUrl out of it",
			"%s sets tokenLogoutUrl: Jitsi's button to log out then ends no remembered login.", source));
	end
	return found;
end

local function of(facts)
	if not facts.page.is_on then return of_closed_door(facts); end
	local found = of_prosody(facts);
	say.append(found, of_scripts(facts));
	if not say.holds_error(found) then
		table.insert(found, 1, say.ok("Organisers may come by the login page: a token opens a session under a pseudonym."));
	end
	return found;
end

return { of = of };
