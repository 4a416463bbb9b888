local libraries = dofile("tests/lua/prosody_libraries.lua");
local findings_seen = dofile("tests/lua/findings_seen.lua");
local check_rules = libraries.own("check_rules");
local rule_options = libraries.own("mod_meeting_rules/rule_options");
local signs, only = findings_seen.signs, findings_seen.only;

local muc = "conference.meet.test";

local function settings(options)
	return rule_options.read(function (name) return (options or {})[name]; end);
end

-- The facts of a Jitsi whose rules are kept, but for what is given.
local function facts(over)
	local all = {
		place = { muc = muc }, rules = { listed = { muc }, is_loaded = true, settings = settings() };
		has_lobby = true, guests = { { host = "guest.meet.test", authentication = "jitsi-anonymous" } }, believers = {}, token_hosts = {};
	};
	for name, value in pairs(over or {}) do all[name] = value; end
	return all;
end

describe("About the rules of the meeting", function ()
	it("those that are kept are named, and nothing else is said where all is well", function ()
		local found = check_rules.of(facts());
		assert.same({ ok = 1 }, signs(found));
		assert.equal("The server keeps these rules of the meeting: names, schools, protection, ending, recording, opening.", found[1].words);
	end);

	it("nothing is said where there is no Jitsi", function ()
		assert.same({}, check_rules.of(facts({ place = {}, guests = { { host = "g", authentication = "anonymous" } } })));
	end);

	it("a module that is not loaded is worth a note with the place for it", function ()
		local note = only("note", check_rules.of(facts({ rules = { listed = {}, is_loaded = false } })));
		assert.matches('Component "conference.meet.test"', note.fix, 1, true);
	end);

	it("one that is loaded elsewhere keeps no rule", function ()
		local rules = { listed = { "breakout.meet.test" }, is_loaded = false };
		assert.matches("breakout.meet.test, where no meetings are held", only("warning", check_rules.of(facts({ rules = rules }))).words, 1, true);
	end);

	it("an option that is wrong is an error", function ()
		local fault = select(2, settings({ meeting_rules_grace = "45" }));
		local rules = { listed = { muc }, is_loaded = true, fault = fault };
		assert.matches("Option meeting_rules_grace must be a number", only("error", check_rules.of(facts({ rules = rules }))).words, 1, true);
	end);

	it("rules that are off are named", function ()
		local rules = { listed = { muc }, is_loaded = true, settings = settings({ meeting_rules_names = false, meeting_rules_ending = false }) };
		local found = check_rules.of(facts({ rules = rules }));
		assert.same({ ok = 1, note = 1 }, signs(found));
		assert.equal("These rules of the meeting are switched off: names, ending.", only("note", found).words);
	end);

	it("no lobby means that meetings wait for a password", function ()
		assert.matches("muc_lobby_rooms", only("warning", check_rules.of(facts({ has_lobby = false }))).words, 1, true);
		local rules = { listed = { muc }, is_loaded = true, settings = settings({ meeting_rules_lobby = false }) };
		assert.same({ ok = 1 }, signs(check_rules.of(facts({ has_lobby = false, rules = rules }))));
	end);

	for _, authentication in ipairs({ "anonymous", "internal_hashed", "token", "nil" }) do
		it("participants come in by Jitsi's own provider, not by " .. authentication, function ()
			local found = check_rules.of(facts({ guests = { { host = "guest.meet.test", authentication = authentication } } }));
			local failure = only("error", found);
			assert.matches("authentication = " .. authentication, failure.words, 1, true);
			assert.equal('authentication = "jitsi-anonymous" below VirtualHost "guest.meet.test"', failure.fix);
		end);
	end

	it("a module that believes claims is an error where nobody clears them", function ()
		assert.same({ ok = 1 }, signs(check_rules.of(facts({ believers = { "muc_wait_for_host" } }))));
		local failure = only("error", check_rules.of(facts({ believers = { "token_affiliation" }, token_hosts = { "jwt.test" } })));
		assert.matches("mod_token_affiliation", failure.words, 1, true);
	end);
end);
