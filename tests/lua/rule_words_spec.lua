local libraries = dofile("tests/lua/prosody_libraries.lua");
local rule_options = libraries.own("mod_meeting_rules/rule_options");
local sentences = libraries.read_contract(libraries.of_prosody(libraries.newer, "util.json")).meeting_rules.sentences;
local words = libraries.own("mod_meeting_rules/words");

describe("The words of the rules", function ()
	it("are those that the panel's help page shows", function ()
		local longest = rule_options.read(function () end).longest_name;
		local spoken = {
			names = words.names(longest, "physik-uebung"), schools = words.schools("ohg", "gym-5a");
			only_school_names = words.only_school_names("gym-physik");
		};
		for name in pairs(words) do spoken[name] = spoken[name] or words[name]; end
		assert.same(sentences, spoken);
	end);

	it("are whole sentences too where there is no name to offer", function ()
		for _, text in ipairs({ words.names(64), words.schools("ohg"), words.only_school_names() }) do
			assert.is_nil(text:find("Vorschlag", 1, true));
			assert.matches("%. / ", text);
		end
	end);
end);
