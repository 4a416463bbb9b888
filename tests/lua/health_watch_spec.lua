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
	local clock, watch, asked, told, log;

	-- A service that is asked for its health answers at once while `is_frozen` is false, otherwise when it thaws.
	local is_frozen;
	local function get(url)
		table.insert(asked, { url = url, at = clock.now });
		if not is_frozen then return "{}", 200; end
		local this = coroutine.running();
		clock.add_task(1, function () coroutine.resume(this, "timeout", 0); end);
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
			if name == "http_call" then return { get = get }; end
			return libraries.own(name, { log = module.log });
		end
		local environment = setmetatable({ module = module, require = function (name) return fakes[name]; end }, { __index = _G });
		watch = assert(loadfile("prosody_mod/mod_auth_external/health_watch.lib.lua", "t", environment))().new({ "a", "b" });
	end);

	local function begin(name)
		local endpoint = watch:choose();
		local call = { abandon = function (reason) table.insert(told, { name = name, reason = reason, at = clock.now }); end };
		watch:began(endpoint, call);
		return function () watch:ended(endpoint, call); end;
	end

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
		assert.equal("a", watch:choose().url);
	end);

	it("tells all that wait within three seconds when its health is silent, and chooses its neighbour", function ()
		is_frozen = true;
		begin("first");
		clock.advance(1);
		begin("second");
		clock.advance(2);
		table.sort(told, function (one, other) return one.name < other.name; end);
		assert.same({ { name = "first", reason = "frozen", at = 1003 }, { name = "second", reason = "frozen", at = 1003 } }, told);
		assert.equal("b", watch:choose().url);
	end);

	it("takes a service for busy, not frozen, that answers others while it is silent about its health", function ()
		is_frozen = true;
		local endpoint = watch:choose();
		begin("first");
		clock.advance(2.5);
		watch:note(endpoint);
		clock.advance(1);
		assert.same({}, told);
		assert.equal("a", watch:choose().url);
		clock.advance(2);
		assert.equal(1, #told);
	end);

	local function freeze()
		is_frozen = true;
		local over = begin("first");
		clock.advance(3);
		over();
		asked = {};
	end

	it("probes a frozen service four times a second, and asks it again once it lives", function ()
		freeze();
		clock.advance(10);
		assert.equal(40, #asked);
		assert.equal("b", watch:choose().url);
		is_frozen = false;
		clock.advance(0.25);
		assert.equal("a", watch:choose().url);
		clock.advance(60);
		assert.equal(41, #asked);
		assert.same({ "error", "info" }, log);
	end);

	it("takes the feed's answer for a sign of life", function ()
		freeze();
		watch:heard_from("b");
		assert.equal("b", watch:choose().url);
		watch:heard_from("a");
		assert.equal("a", watch:choose().url);
	end);

	it("probes after three time-outs too, whatever the feed said between them", function ()
		local endpoint = watch:choose();
		for _ = 1, 2 do
			watch:note(endpoint, "timeout");
			watch:heard_from("a");
		end
		assert.equal("a", watch:choose().url);
		watch:note(endpoint, "timeout");
		assert.equal("b", watch:choose().url);
		clock.advance(0.25);
		assert.equal("a", watch:choose().url);
	end);

	it("watches a service that froze, came back, and freezes again", function ()
		freeze();
		is_frozen = false;
		clock.advance(1);
		freeze();
		assert.equal(2, #told);
		assert.equal("b", watch:choose().url);
	end);

	it("probes nothing any more when it is stopped", function ()
		freeze();
		watch:stop();
		clock.advance(10);
		assert.same({}, asked);
	end);
end);
