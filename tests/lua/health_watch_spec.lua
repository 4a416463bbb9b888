local libraries = dofile("tests/lua/prosody_libraries.lua");

-- Stands in for Prosody's timers: runs what is due, in order, while the clock advances.
local function new_clock()
	local clock = { now = 1000, tasks = {} };
	function clock.add_task(delay, callback)
		table.insert(clock.tasks, { at = clock.now + delay, callback = callback });
	end
	function clock.advance(seconds)
		local goal = clock.now + seconds;
		while true do
			table.sort(clock.tasks, function (a, b) return a.at < b.at; end);
			local task = clock.tasks[1];
			if not task or task.at > goal then break; end
			table.remove(clock.tasks, 1);
			clock.now = task.at;
			local again = task.callback();
			if again then clock.add_task(again, task.callback); end
		end
		clock.now = goal;
	end
	return clock;
end

describe("The watch over a service's health", function ()
	local clock, health_watch, watch, asked, told, log;

	-- A service that is asked for its health answers at once while `is_frozen` is false, otherwise never.
	local is_frozen;
	local function get(url, seconds)
		table.insert(asked, { url = url, at = clock.now });
		if not is_frozen then return "{}", 200; end
		local this = coroutine.running();
		clock.add_task(seconds, function () coroutine.resume(this, "timeout", 0); end);
		return coroutine.yield();
	end

	local function runner(step)
		return { run = function () coroutine.wrap(step)(); end };
	end

	before_each(function ()
		clock, asked, told, log, is_frozen = new_clock(), {}, {}, {}, false;
		local fakes = {
			["util.async"] = { runner = runner }, ["util.timer"] = { add_task = clock.add_task };
			["util.time"] = { monotonic = function () return clock.now; end };
		};
		local module = { log = function (_, level) table.insert(log, level); end };
		function module:require(name) -- luacheck: ignore 212/self
			if name == "authbridge/http_call" then return { get = get }; end
			return libraries.own(name, { log = module.log });
		end
		local environment = setmetatable({ module = module, require = function (name) return fakes[name]; end }, { __index = _G });
		health_watch = assert(loadfile("prosody_mod/authbridge/health_watch.lib.lua", "t", environment))();
	end);

	local function begin(name, is_of_feed)
		local endpoint = watch:choose();
		local call = { is_of_feed = is_of_feed };
		function call.abandon(reason) table.insert(told, { name = name, reason = reason, at = clock.now }); end
		watch:began(endpoint, call);
		return function () watch:ended(endpoint, call); end;
	end

	local function told_in_order()
		table.sort(told, function (one, other) return one.name < other.name; end);
		return told;
	end

	local function chosen()
		local endpoint = watch:choose();
		return endpoint and endpoint.url;
	end

	describe("of the only one", function ()
		before_each(function () watch = health_watch.new({ "a" }); end);

		it("asks nothing for a question that is answered within two seconds", function ()
			local over = begin("first");
			clock.advance(1.999);
			over();
			clock.advance(60);
			assert.same({}, asked);
			assert.same({}, clock.tasks);
		end);

		it("asks for the health once a question has waited two seconds, each on its own time", function ()
			local over = begin("first");
			clock.advance(1.5);
			begin("second");
			over();
			clock.advance(1.999);
			assert.same({}, asked);
			clock.advance(0.001);
			assert.same({ { url = "a/healthz", at = 1003.5 } }, asked);
		end);

		it("lets a question wait for a service that lives, and asks every two seconds", function ()
			begin("first");
			clock.advance(14);
			assert.equal(7, #asked);
			assert.same({}, told);
			assert.equal("a", chosen());
		end);

		it("asks nothing for the feed, whose question waits for news", function ()
			is_frozen = true;
			local over = begin("feed", true);
			clock.advance(15);
			assert.same({}, asked);
			over();
			clock.advance(2);
			assert.same({}, clock.tasks);
		end);

		it("tells all that wait within three seconds when its health is silent, the feed too", function ()
			is_frozen = true;
			begin("feed", true);
			begin("first");
			clock.advance(1);
			begin("second");
			clock.advance(2);
			assert.same({
				{ name = "feed", reason = "frozen", at = 1003 };
				{ name = "first", reason = "frozen", at = 1003 };
				{ name = "second", reason = "frozen", at = 1003 };
			}, told_in_order());
			assert.is_nil(chosen());
		end);

		it("takes a service for busy, not frozen, that answers others while it is silent about its health", function ()
			is_frozen = true;
			local endpoint = watch:choose();
			begin("first");
			clock.advance(2.5);
			watch:note(endpoint);
			clock.advance(1);
			assert.same({}, told);
			assert.equal("a", chosen());
			clock.advance(2);
			assert.equal(1, #told);
		end);
	end);

	describe("of one of two", function ()
		before_each(function () watch = health_watch.new({ "a", "b" }); end);

		it("asks nothing for a question that is answered within 0.4 seconds", function ()
			local over = begin("first");
			clock.advance(0.399);
			over();
			clock.advance(60);
			assert.same({}, asked);
			assert.same({}, clock.tasks);
		end);

		for name, is_of_feed in pairs({ ["a login"] = false, ["the feed"] = true }) do
			it(("tells %s within a second when its health is silent, and chooses its neighbour"):format(name), function ()
				is_frozen = true;
				begin("first", is_of_feed);
				clock.advance(0.9);
				assert.same({ { name = "first", reason = "frozen", at = 1000.9 } }, told);
				assert.equal("b", chosen());
				assert.equal("b", watch:choice_of_feed():choose().url);
			end);

			it(("lets %s wait for a service that lives"):format(name), function ()
				begin("first", is_of_feed);
				clock.advance(14);
				assert.equal(35, #asked);
				assert.same({}, told);
				assert.equal("a", chosen());
			end);
		end

		it("notices in the midst of the feed's wait that the service freezes", function ()
			begin("feed", true);
			clock.advance(10.1);
			is_frozen = true;
			clock.advance(0.9);
			assert.equal(1, #told);
		end);

		it("is patient with the last one: a false alarm would leave nobody", function ()
			is_frozen = true;
			begin("first");
			clock.advance(0.9);
			begin("second");
			clock.advance(2.9);
			assert.equal("b", chosen());
			clock.advance(0.1);
			assert.is_nil(chosen());
			assert.equal(2, #told);
		end);

		it("judges anew when the neighbour begins to rest meanwhile", function ()
			is_frozen = true;
			local first = watch:choose();
			begin("first");
			clock.advance(0.6);
			for _ = 1, 3 do watch:note(watch:choose({ [first] = true }), "timeout"); end
			clock.advance(1);
			assert.same({}, told);
		end);

		it("asks one question about the health at a time", function ()
			is_frozen = true;
			begin("first");
			clock.advance(0.89);
			assert.equal(1, #asked);
		end);

		it("asks its neighbour first after an answer that is of no use, and says so now and then", function ()
			for _ = 1, 2 do
				watch:note(watch:choose(), "outage", "HTTP status 503");
				assert.equal("b", chosen());
				watch:note(watch:choose(), "dropped", "connection refused");
				assert.equal("a", chosen());
			end
			assert.same({ "warn" }, log);
			clock.advance(10);
			watch:note(watch:choose(), "outage", "HTTP status 503");
			assert.same({ "warn", "warn" }, log);
		end);

		local function freeze()
			is_frozen = true;
			local over = begin("first");
			clock.advance(1);
			over();
			asked = {};
		end

		it("probes a frozen service four times a second, and asks it again once it lives", function ()
			freeze();
			clock.advance(10);
			assert.equal(40, #asked);
			assert.equal("b", chosen());
			is_frozen = false;
			clock.advance(0.25);
			assert.equal("a", chosen());
			clock.advance(60);
			assert.equal(41, #asked);
			assert.same({ "error", "info" }, log);
		end);

		it("takes the feed's answer for a sign of life", function ()
			local first = watch:choose();
			freeze();
			watch:heard_from(watch:choose());
			assert.equal("b", chosen());
			watch:heard_from(first);
			assert.equal("a", chosen());
		end);

		it("probes after three time-outs too, whatever the feed said between them", function ()
			local endpoint = watch:choose();
			for _ = 1, 2 do
				watch:note(endpoint, "timeout");
				watch:heard_from(endpoint);
			end
			assert.equal("a", chosen());
			watch:note(endpoint, "timeout");
			assert.equal("b", chosen());
			clock.advance(0.25);
			assert.equal("a", chosen());
		end);

		it("watches a service that froze, came back, and freezes again", function ()
			freeze();
			is_frozen = false;
			clock.advance(1);
			freeze();
			assert.equal(2, #told);
			assert.equal("b", chosen());
		end);

		it("probes nothing any more when it is stopped", function ()
			freeze();
			watch:stop();
			clock.advance(10);
			assert.same({}, asked);
		end);
	end);
end);
