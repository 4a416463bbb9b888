local libraries = dofile("tests/lua/prosody_libraries.lua");
local findings_seen = dofile("tests/lua/findings_seen.lua");
local findings, check_prosody = libraries.own("check_findings"), libraries.own("check_prosody");
local signs, only = findings_seen.signs, findings_seen.only;

-- The facts of a Prosody without browsers where all is well, but for what is given.
local function facts(over)
	local all = {
		place = { focus = "focus.meet.test", target = "focus@auth.meet.test", muc = "conference.meet.test" };
		bypasses = {}, token_hosts = {}, branded = {};
	};
	for name, value in pairs(over or {}) do all[name] = value; end
	return all;
end

describe("Where all is well", function ()
	it("everything is ok and nothing else is said", function ()
		local found = check_prosody.of(facts());
		assert.same({ ok = 1 }, signs(found));
		assert.is_false(findings.holds_error(found));
	end);
end);

describe("About the meetings", function ()
	it("they are guarded where Jitsi was found", function ()
		local said = check_prosody.of(facts());
		assert.equal("Meetings at conference.meet.test are guarded: their requests pass focus.meet.test on the way to focus@auth.meet.test.",
			said[1].words);
	end);

	it("a plain Prosody has none, which is worth a note and no more", function ()
		local note = only("note", check_prosody.of(facts({ place = {} })));
		assert.matches("no Jitsi here", note.words, 1, true);
	end);

	it("an option that names what is not there is said", function ()
		local fault = "Option external_auth_muc names x, which is no Component of type muc.";
		assert.matches(fault, only("warning", check_prosody.of(facts({ place = {}, place_fault = fault, place_fix = "correct it" }))).words, 1, true);
	end);

	it("a component that does not hear of jicofo is no guard of anything", function ()
		local warning = only("warning", check_prosody.of(facts({ hears_of_jicofo = false })));
		assert.matches("does not hear of jicofo", warning.words, 1, true);
		assert.matches("subscribe focus.meet.test focus@auth.meet.test", warning.fix, 1, true);
		assert.same({ ok = 1 }, signs(check_prosody.of(facts({ hears_of_jicofo = true }))));
	end);

	it("rooms that are not found are said", function ()
		local warning = only("warning", check_prosody.of(facts({ place = { focus = "f", target = "t@a", meetings = { "a.test", "b.test" } } })));
		assert.matches("external_auth_muc", warning.fix, 1, true);
		assert.matches("at any of a.test, b.test.", warning.words, 1, true);
	end);

	it("each config.js that goes past Prosody is said", function ()
		local source = "https://meet.example.org/config.js";
		local warning = only("warning", check_prosody.of(facts({ bypasses = { source } })));
		assert.matches(source .. " sends conference requests to jicofo over HTTP", warning.words, 1, true);
		assert.matches("conferenceRequestUrl", warning.fix, 1, true);
	end);
end);

describe("About browsers", function ()
	for _, name in ipairs({ "bosh", "websocket" }) do
		it(name .. " without consider_" .. name .. "_secure is a warning", function ()
			local each = only("warning", check_prosody.of(facts({ [name] = true })));
			assert.matches("No stream features", each.words);
			assert.matches("consider_" .. name .. "_secure = true", each.fix);
		end);
	end
end);

describe("About the words of Jitsi's page", function ()
	local branded = { "/etc/jitsi/meet/meet.test-config.js" };

	it("the option without the document is a warning", function ()
		local each = only("warning", check_prosody.of(facts({ page_words = true, knows_page = true })));
		assert.matches("dynamicBrandingUrl", each.fix, 1, true);
	end);

	it("the option is believed where no config.js can be read", function ()
		assert.same({ ok = 1 }, signs(check_prosody.of(facts({ page_words = true, knows_page = false }))));
	end);

	it("the document without the option is a note that names the file", function ()
		local each = only("note", check_prosody.of(facts({ branded = branded, knows_page = true })));
		assert.matches(branded[1], each.words, 1, true);
		assert.matches("external_auth_page_words = true", each.fix, 1, true);
	end);

	it("both are in order", function ()
		assert.same({ ok = 2 }, signs(check_prosody.of(facts({ page_words = true, branded = branded, knows_page = true }))));
	end);
end);

describe("About neighbours", function ()
	for fact, words in pairs({ limit_auth = "mod_limit_auth", listed = "modules_enabled", debug_log = "passwords" }) do
		it(fact .. " is a warning with a remedy", function ()
			local each = only("warning", check_prosody.of(facts({ [fact] = true })));
			assert.matches(words, each.words);
			assert.is_string(each.fix);
		end);
	end
end);

describe("About Jitsi's tokens", function ()
	it("each host that takes them is a warning: what requests claim is left to it then", function ()
		local each = only("warning", check_prosody.of(facts({ token_hosts = { "token.test" } })));
		assert.matches("token.test takes Jitsi's tokens", each.words, 1, true);
		assert.is_string(each.fix);
	end);
end);

describe("About the garbage collector", function ()
	local function said_of(gc)
		return check_prosody.of(facts({ gc = gc, is_generational = true }));
	end

	it("the line of prosody-config is in order", function ()
		assert.same({ ok = 2 }, signs(said_of({ mode = "generational" })));
	end);

	local others = {
		{ nil, "works as it comes" };
		{ { mode = "incremental", threshold = 400, speed = 250 }, '{ mode = "incremental", speed = 250, threshold = 400 }' };
		{ { mode = "generational", minor_threshold = 40 }, '{ minor_threshold = 40, mode = "generational" }' };
		{ {}, "{  }" };
		{ "generational", "gc = generational" };
	};
	for _, case in pairs(others) do
		it("another is named, with the line to set: " .. case[2], function ()
			local note = only("note", said_of(case[1]));
			assert.matches(case[2], note.words, 1, true);
			assert.matches('gc = { mode = "generational" }', note.fix, 1, true);
		end);
	end

	it("nothing is said where this Lua has no generational mode", function ()
		assert.same({ ok = 1 }, signs(check_prosody.of(facts({ gc = { threshold = 400 } }))));
	end);
end);

describe("Prosody's option log", function ()
	local sinks = {
		{ false, nil, "the default" };
		{ false, "/var/log/prosody/prosody.log", "one file" };
		{ true, "*syslog", "one sink for everything" };
		{ false, { info = "/var/log/prosody/prosody.log", error = "*syslog" }, "Debian's" };
		{ true, { debug = "/var/log/prosody/debug.log", info = "*syslog" }, "a file for debug" };
		{ true, { { to = "console" } }, "a sink without levels" };
		{ true, { "*console" }, "a sink by name" };
		{ true, { { to = "console", levels = { min = "debug" } } }, "a sink from debug on" };
		{ true, { { to = "console", levels = { max = "debug" } } }, "a sink up to debug" };
		{ true, { { to = "console", levels = { "error", "debug" } } }, "a sink with a list" };
		{ true, { { to = "console", levels = "debug" } }, "a sink with one level" };
		{ false, { { to = "console", levels = { min = "info" } }, { to = "file", levels = { "warn", "error" } } }, "two quiet sinks" };
	};
	for _, case in ipairs(sinks) do
		it(("writes debug messages or not: %s"):format(case[3]), function ()
			assert.equal(case[1], check_prosody.logs_debug(case[2]));
		end);
	end
end);
