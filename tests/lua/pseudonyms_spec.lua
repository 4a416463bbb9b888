local libraries = dofile("tests/lua/prosody_libraries.lua");
local is_pseudonym = libraries.own("authbridge/pseudonyms").is_pseudonym;

for _, version in ipairs(libraries.versions) do
	describe("With the libraries of Prosody " .. version .. ", the pseudonym of an organiser", function ()
		local pseudonyms;

		before_each(function () pseudonyms = libraries.new_pseudonyms(version); end);

		it("is the same whichever of the two is given, and tells nothing of the name", function ()
			local anna = pseudonyms:of("ohg-anna");
			assert.is_true(is_pseudonym(anna));
			assert.equal(anna, pseudonyms:of(anna));
			assert.equal(anna, pseudonyms:of("ohg-anna"));
			assert.not_equal(anna, pseudonyms:of("ohg-bert"));
			assert.is_nil(anna:find("anna", 1, true));
		end);

		it("leads to the name once that was heard, also after a reload of the module", function ()
			local anna = libraries.new_pseudonyms(version):of("ohg-anna");
			assert.is_nil(pseudonyms:name_of(anna));
			pseudonyms:of(anna);
			assert.is_nil(pseudonyms:name_of(anna));
			pseudonyms:of("ohg-anna");
			local reloaded = libraries.own("authbridge/pseudonyms").on_top(setmetatable(pseudonyms, nil));
			assert.equal("ohg-anna", reloaded:name_of(anna));
		end);

		it("is remembered for the 65,536 names that were heard last", function ()
			local first, second = pseudonyms:of("first"), pseudonyms:of("second");
			for i = 1, 65535 do pseudonyms:of("ohg-" .. i); end
			assert.same({ nil, "second" }, { pseudonyms:name_of(first), pseudonyms:name_of(second) });
		end);
	end);
end

describe("A pseudonym", function ()
	local others = {
		"ohg-kwtx", "t-", "t-0123456789abcdef0123456", "t-0123456789abcdef012345678", "t-0123456789ABCDEF01234567", "x-0123456789abcdef01234567";
	};
	for _, other in ipairs(others) do
		it("is not " .. other, function () assert.is_false(is_pseudonym(other)); end);
	end
end);
