local libraries = dofile("tests/lua/prosody_libraries.lua");
local opened_meetings = libraries.own("opened_meetings");
local json = libraries.of_prosody("13", "util.json");

local anna, bert = "ohg-anna", "ohg-bert";

describe("What is reported of opened meetings", function ()
	local opened;

	before_each(function () opened = opened_meetings.new("run"); end);

	it("is nothing as long as there are none", function ()
		assert.is_nil(opened:report());
		opened:answered(nil);
		assert.is_nil(opened:report());
	end);

	it("is the number of each organiser's", function ()
		for _, name in ipairs({ anna, bert, anna }) do opened:add(name); end
		assert.same({ run = "run", number = 1, meetings = { [anna] = 2, [bert] = 1 } }, opened:report());
	end);

	it("is told again as it was until it is answered, and what came meanwhile under the next number", function ()
		opened:add(anna);
		local first = opened:report();
		opened:add(anna);
		assert.same({ run = "run", number = 1, meetings = { [anna] = 1 } }, opened:report());
		opened:answered(first);
		local second = opened:report();
		assert.same({ run = "run", number = 2, meetings = { [anna] = 1 } }, second);
		opened:answered(first);
		assert.equal(second, opened:report());
		opened:answered(second);
		assert.is_nil(opened:report());
	end);

	it("goes on under the next number after a reload of the module", function ()
		opened:add(anna);
		opened:answered(opened:report());
		opened:add(bert);
		local reloaded = opened_meetings.on_top(setmetatable(opened, nil));
		assert.same({ run = "run", number = 2, meetings = { [bert] = 1 } }, reloaded:report());
	end);

	it("comes in parts that a question has room for, and nothing of it is lost", function ()
		for i = 1, 500 do opened:add(("schule-%03d"):format(i)); end
		local names, number = {}, 0;
		for report in function () return opened:report(); end do
			assert.is_true(#json.encode(report) < 1100);
			for name, meetings in pairs(report.meetings) do
				assert.is_nil(names[name]);
				names[name], number = true, number + meetings;
			end
			opened:answered(report);
		end
		assert.equal(500, number);
	end);

	it("has no name that is too long for an organiser's, which would never fit", function ()
		opened:add(("x"):rep(65));
		assert.is_nil(opened:report());
		opened:add(("x"):rep(64));
		assert.is_not_nil(opened:report());
	end);
end);
