local libraries = dofile("tests/lua/prosody_libraries.lua");
local counts = libraries.own("counts");
local json = libraries.of_prosody(libraries.newer, "util.json");

local anna, bert = "ohg-anna", "ohg-bert";

describe("What is reported of meetings and rules", function ()
	local counted, pseudonyms;

	before_each(function ()
		pseudonyms = libraries.new_pseudonyms(libraries.newer);
		counted = counts.new("run", pseudonyms);
	end);

	local function open(name)
		counted:opened(pseudonyms:of(name));
	end

	it("is nothing as long as there are none", function ()
		assert.is_nil(counted:report());
		counted:answered(nil);
		assert.is_nil(counted:report());
	end);

	it("is the number of each organiser's", function ()
		for _, name in ipairs({ anna, bert, anna }) do open(name); end
		assert.same({ run = "run", number = 1, meetings = { [anna] = 2, [bert] = 1 } }, counted:report().opened);
	end);

	it("sends a report again unchanged until it is answered, and later counts under the next number", function ()
		open(anna);
		local first = counted:report();
		open(anna);
		assert.same({ run = "run", number = 1, meetings = { [anna] = 1 } }, counted:report().opened);
		counted:answered(first);
		local second = counted:report();
		assert.same({ run = "run", number = 2, meetings = { [anna] = 1 } }, second.opened);
		counted:answered(first);
		assert.equal(second, counted:report());
		counted:answered(second);
		assert.is_nil(counted:report());
	end);

	it("goes on under the next number after a reload of the module", function ()
		open(anna);
		counted:answered(counted:report());
		open(bert);
		local reloaded = counts.on_top(setmetatable(counted, nil));
		assert.same({ run = "run", number = 2, meetings = { [bert] = 1 } }, reloaded:report().opened);
	end);

	it("comes in parts that a question has room for, and nothing of it is lost", function ()
		for i = 1, 500 do open(("schule-%03d"):format(i)); end
		local names, number = {}, 0;
		for report in function () return counted:report(); end do
			assert.is_true(#json.encode(report) < 1100);
			for name, meetings in pairs(report.opened.meetings) do
				assert.is_nil(names[name]);
				names[name], number = true, number + meetings;
			end
			counted:answered(report);
		end
		assert.equal(500, number);
	end);

	it("has no number of steps that the service would not understand: then it would tell of no suspension any more", function ()
		for _ = 1, 1000001 do counted:stepped_in("names"); end
		assert.same({ names = 1000000 }, counted:report().rules);
	end);

	it("has no name that is too long for an organiser's, which would never fit, and none for one who is not known by name", function ()
		for _, name in ipairs({ ("x"):rep(64), ("x"):rep(65), "t-0123456789abcdef01234567" }) do open(name); end
		assert.same({ [("x"):rep(64)] = 1, [""] = 2 }, counted:report().opened.meetings);
	end);
end);
