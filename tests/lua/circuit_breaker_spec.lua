local libraries = dofile("tests/lua/prosody_libraries.lua");
local new = libraries.own("circuit_breaker").new;

describe("The choice of a service to ask", function ()
	local now, breaker;

	local function start(...)
		now, breaker = 1000, new({ ... });
	end

	local function advance(seconds)
		now = now + seconds;
	end

	local function chosen()
		local endpoint = breaker:choose(now);
		return endpoint and endpoint.url;
	end

	local function time_out(times)
		for _ = 1, times do breaker:timed_out(assert(breaker:choose(now)), now); end
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
			breaker:answered(breaker:choose(now));
			time_out(2);
			assert.equal("a", chosen());
		end);

		it("counts a dropped connection as a sign of life, not as a time-out", function ()
			time_out(2);
			breaker:dropped(breaker:choose(now));
			time_out(2);
			assert.equal("a", chosen());
			for _ = 1, 10 do breaker:dropped(breaker:choose(now)); end
			assert.equal("a", chosen());
		end);

		it("gives it five seconds of rest", function ()
			time_out(3);
			advance(4.999);
			assert.is_nil(chosen());
			advance(0.001);
			assert.equal("a", chosen());
		end);

		it("sends a single probe after the rest, and rests on for all others", function ()
			time_out(3);
			advance(5);
			assert.equal("a", chosen());
			assert.is_nil(chosen());
			advance(4.999);
			assert.is_nil(chosen());
		end);

		it("sends the next probe after another rest, if nothing is heard of the first", function ()
			time_out(3);
			advance(5);
			chosen();
			advance(5);
			assert.equal("a", chosen());
			assert.is_nil(chosen());
		end);

		it("rests again when the probe times out", function ()
			time_out(3);
			advance(5);
			local probe = breaker:choose(now);
			advance(3);
			breaker:timed_out(probe, now);
			advance(4.999);
			assert.is_nil(chosen());
			advance(0.001);
			assert.equal("a", chosen());
		end);

		for _, sign in ipairs({ "answered", "dropped" }) do
			it("asks it for everybody again once the probe was " .. sign, function ()
				time_out(3);
				advance(5);
				breaker[sign](breaker, breaker:choose(now));
				for _ = 1, 5 do assert.equal("a", chosen()); end
				time_out(2);
				assert.equal("a", chosen());
			end);
		end
	end);

	describe("with several", function ()
		before_each(function () start("a", "b", "c"); end);

		it("stays with the first as long as it answers", function ()
			for _ = 1, 5 do
				assert.equal("a", chosen());
				breaker:answered(breaker:choose(now));
			end
		end);

		it("goes on to the next in the list when nobody is there, and around", function ()
			local order = {};
			for i = 1, 4 do
				local endpoint = breaker:choose(now);
				order[i] = endpoint.url;
				breaker:dropped(endpoint);
			end
			assert.same({ "a", "b", "c", "a" }, order);
		end);

		it("stays with the one that took over", function ()
			breaker:dropped(breaker:choose(now));
			breaker:answered(breaker:choose(now));
			advance(3600);
			assert.equal("b", chosen());
		end);

		it("moves on once only when many logins are dropped by the same service at once", function ()
			local asked = { breaker:choose(now), breaker:choose(now), breaker:choose(now) };
			for _, endpoint in ipairs(asked) do breaker:dropped(endpoint); end
			assert.equal("b", chosen());
		end);

		it("does not go back because of late news about one that was left before", function ()
			local late = breaker:choose(now);
			breaker:dropped(breaker:choose(now));
			breaker:dropped(breaker:choose(now));
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

		it("returns to the first after its rest, with a single probe", function ()
			time_out(3);
			advance(5);
			assert.equal("a", chosen());
			assert.equal("b", chosen());
		end);
	end);
end);
