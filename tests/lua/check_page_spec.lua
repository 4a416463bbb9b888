local libraries = dofile("tests/lua/prosody_libraries.lua");
local findings_seen = dofile("tests/lua/findings_seen.lua");
local check_page, jitsi_config = libraries.own("check_page"), libraries.own("jitsi_config");
local signs, only = findings_seen.signs, findings_seen.only;

local script = "/etc/jitsi/meet/meet.test-config.js";

-- The facts of a host that takes tokens, where all is well, but for what is given.
local function facts(over, of_page)
	local all = {
		host = "meet.test", websocket = true, token_hosts = {};
		page = { is_on = true, is_read = true, named = { script }, inline = {}, logout = {} };
	};
	for name, value in pairs(over or {}) do all[name] = value; end
	for name, value in pairs(of_page or {}) do all.page[name] = value; end
	return all;
end

describe("About the login page", function ()
	it("all is in order where both halves are set, and where no config.js can be read", function ()
		assert.same({ ok = 1 }, signs(check_page.of(facts())));
		assert.same({ ok = 1 }, signs(check_page.of(facts(nil, { is_read = false, named = {} }))));
	end);

	it("nothing is said where there is none", function ()
		assert.same({}, check_page.of(facts(nil, { is_on = false, named = {} })));
	end);

	it("a page that leads to a closed door is an error", function ()
		local each = only("error", check_page.of(facts(nil, { is_on = false })));
		assert.matches(script, each.words, 1, true);
		assert.matches('external_auth_page = true below VirtualHost "meet.test"', each.fix, 1, true);
	end);

	it("a door to which no page leads is a note", function ()
		assert.matches("authbridge page on meet.test", only("note", check_page.of(facts(nil, { named = {} }))).fix, 1, true);
	end);

	local faults = {
		{ "error", "disable_sasl_mechanisms", { has_no_anonymous = true } };
		{ "error", "tokenAuthInline", nil, { inline = { script } } };
		{ "warning", "tokenLogoutUrl", nil, { logout = { script } } };
		{ "warning", "mod_websocket", { websocket = false } };
		{ "warning", "token.test", { token_hosts = { "token.test" } } };
	};
	for _, case in ipairs(faults) do
		it(case[2] .. " is found, with a remedy", function ()
			local each = only(case[1], check_page.of(facts(case[3], case[4])));
			assert.matches(case[2], each.words, 1, true);
			assert.is_string(each.fix);
		end);
	end

	it("config.js tells of it by three options, unless they are switched off", function ()
		local options = { tokenAuthUrl = "names_page", tokenAuthInline = "opens_inline", tokenLogoutUrl = "logs_out_there" };
		for option, name in pairs(options) do
			local tells = jitsi_config[name];
			assert.is_true(tells(("var config = { %s: 'https://x' };"):format(option)));
			assert.is_true(tells(("config.%s = true;"):format(option)));
			for _, text in ipairs({ "// %s: 'x'", "%s: false,", "config.%s = '';", "%sAutoRedirect: true" }) do
				assert.is_false(tells(text:format(option)));
			end
		end
	end);
end);
