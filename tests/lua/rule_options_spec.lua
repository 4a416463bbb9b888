local libraries = dofile("tests/lua/prosody_libraries.lua");
local rule_options = libraries.own("mod_meeting_rules/rule_options");

local function read(options)
	return rule_options.read(function (name) return options[name]; end);
end

describe("The options of the rules", function ()
	it("are the promises where nothing is set", function ()
		assert.same({
			names = true, schools = true, protection = true, ending = true, recording = true, opening = true;
			only_school_names = false, lobby = true, grace = 45, longest_name = 64;
		}, read({}));
	end);

	it("switch each rule on its own", function ()
		for _, rule in ipairs({ "names", "schools", "protection", "ending", "recording", "opening", "lobby" }) do
			local settings = read({ ["meeting_rules_" .. rule] = false });
			for name, value in pairs(settings) do
				if type(value) == "boolean" and name ~= "only_school_names" then assert.equal(name ~= rule, value, name); end
			end
		end
	end);

	for option, cases in pairs({
		meeting_rules_names = { "yes", 1 };
		meeting_rules_grace = { "45", 0, -1, 601, 0 / 0, true };
		meeting_rules_longest_name = { 7, 201, "64" };
	}) do
		for _, value in ipairs(cases) do
			it(("refuse %s = %s in a sentence"):format(option, tostring(value)), function ()
				local settings, words = read({ [option] = value });
				assert.is_nil(settings);
				assert.matches("Option " .. option .. " must be ", words, 1, true);
			end);
		end
	end
end);
