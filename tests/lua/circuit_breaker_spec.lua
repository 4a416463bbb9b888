local libraries = dofile("tests/lua/prosody_libraries.lua");
local new = libraries.own("authbridge/circuit_breaker").new;

describe("The choice of a service to ask", function ()
	local breaker;

	local function start(...)
		breaker = new({ ... });
	end

	local function chosen()
		local endpoint = breaker:choose();
		return endpoint and endpoint.url;
	end

	local function time_out(times)
		for _ = 1, times do breaker:timed_out(assert(breaker:choose())); end
	end

	describe("with one service", function ()
		before_each(function () start("a"); end);

		it("asks it as long as fewer than three time-outs follow each other", function ()
			time_out(2);
			assert.equal("a", chosen());
		end);

		it("fails fast after three time-outs in a row", function ()
			time_out(3);
			assert.is_nil(chosen());
		end);

		it("starts to count anew after an answer", function ()
			time_out(2);
			breaker:answered(breaker:choose());
			time_out(2);
			assert.equal("a", chosen());
		end);

		it("counts a dropped connection as a sign of life, not as a time-out", function ()
			time_out(2);
			breaker:dropped(breaker:choose());
			time_out(2);
			assert.equal("a", chosen());
			for _ = 1, 10 do breaker:dropped(breaker:choose()); end
			assert.equal("a", chosen());
		end);

		it("rests at once when it is silent about its health", function ()
			breaker:silent(breaker:choose());
			assert.is_nil(chosen());
		end);

		for _, sign in ipairs({ "answered", "dropped" }) do
			it("asks it for everybody again once it " .. sign, function ()
				local endpoint = breaker:choose();
				time_out(3);
				breaker[sign](breaker, endpoint);
				for _ = 1, 5 do assert.equal("a", chosen()); end
				time_out(2);
				assert.equal("a", chosen());
			end);
		end

		it("rests on when late time-outs of former questions arrive", function ()
			local endpoint = breaker:choose();
			time_out(3);
			breaker:timed_out(endpoint);
			assert.is_nil(chosen());
		end);

		it("has no other, and nothing is new about its absence", function ()
			assert.is_false(breaker:has_other(breaker:choose()));
			assert.is_false(breaker:dropped(breaker:choose()));
		end);

		it("is passed over by a question that it cannot answer", function ()
			assert.is_nil(breaker:choose({ [breaker:choose()] = true }));
			assert.equal("a", chosen());
		end);
	end);

	describe("with several", function ()
		before_each(function () start("a", "b", "c"); end);

		it("stays with the first as long as it answers", function ()
			for _ = 1, 5 do
				assert.equal("a", chosen());
				breaker:answered(breaker:choose());
			end
		end);

		it("goes on to the next in the list when nobody is there, and around", function ()
			local order = {};
			for i = 1, 4 do
				local endpoint = breaker:choose();
				order[i] = endpoint.url;
				breaker:dropped(endpoint);
			end
			assert.same({ "a", "b", "c", "a" }, order);
		end);

		it("stays with the one that took over", function ()
			breaker:dropped(breaker:choose());
			breaker:answered(breaker:choose());
			assert.equal("b", chosen());
		end);

		it("moves on once only when many logins are dropped by the same service at once", function ()
			local asked = { breaker:choose(), breaker:choose(), breaker:choose() };
			for _, endpoint in ipairs(asked) do breaker:dropped(endpoint); end
			assert.equal("b", chosen());
		end);

		it("does not go back because of late news about one that was left before", function ()
			local late = breaker:choose();
			breaker:dropped(breaker:choose());
			breaker:dropped(breaker:choose());
			breaker:dropped(late);
			assert.equal("c", chosen());
		end);

		it("passes over the one that rests", function ()
			time_out(3);
			assert.equal("b", chosen());
			time_out(3);
			assert.equal("c", chosen());
		end);

		it("fails fast only when all of them rest", function ()
			time_out(9);
			assert.is_nil(chosen());
		end);

		it("says once that its neighbour is asked first from now on", function ()
			local first = breaker:choose();
			assert.is_true(breaker:dropped(first));
			assert.is_false(breaker:dropped(first));
		end);

		it("passes over those that a question has asked already, and the resting ones", function ()
			local first = breaker:choose();
			breaker:silent(breaker:choose({ [first] = true }));
			assert.equal("c", breaker:choose({ [first] = true }).url);
			assert.is_nil(breaker:choose({ [first] = true, [breaker:choose({ [first] = true })] = true }));
		end);

		it("knows whether another one is in use", function ()
			local first = breaker:choose();
			breaker:silent(breaker:choose({ [first] = true }));
			assert.is_true(breaker:has_other(first));
			breaker:silent(breaker:choose({ [first] = true }));
			assert.is_false(breaker:has_other(first));
		end);

		it("has a sibling that shares the rests and prefers its own", function ()
			local sibling = breaker:sibling();
			sibling:pass(sibling:choose());
			assert.same({ "a", "b" }, { chosen(), sibling:choose().url });
			breaker:silent(sibling:choose());
			assert.equal("c", sibling:choose().url);
		end);

		it("returns to the first when it answers again", function ()
			local first = breaker:choose();
			breaker:silent(first);
			assert.equal("b", chosen());
			breaker:answered(first);
			assert.equal("a", chosen());
		end);
	end);
end);
