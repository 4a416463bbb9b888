local libraries = dofile("tests/lua/prosody_libraries.lua");
local small_prosody = dofile("tests/lua/small_prosody.lua");

local week = 7 * 24 * 3600;

for _, version in ipairs(libraries.versions) do
	describe("With the libraries of Prosody " .. version .. ", a login that is younger than the end of all before", function ()
		local world, renewed;

		before_each(function ()
			world = small_prosody.new(version);
			world.start();
			renewed = world.guard.renewed;
		end);

		local function number_kept(username)
			local number = 0;
			for _ in pairs(renewed.store:get(username) or {}) do number = number + 1; end
			return number;
		end

		it("is known after a restart, by its organiser and session-id only", function ()
			renewed:note("anna", "sid1", 1000.5, 1001);
			world.start();
			renewed = world.guard.renewed;
			local found = {};
			for _, who in ipairs({ { "anna", "sid1" }, { "anna", "sid2" }, { "bert", "sid1" } }) do
				table.insert(found, renewed:moment_of(table.unpack(who)));
			end
			assert.same({ 1000.5, 0, 0 }, found);
		end);

		it("is kept without the session-id, which is all that a login needs", function ()
			renewed:note("anna", "sid1", 1000, 1000);
			assert.is_nil(next(renewed.store:get("anna")):find("sid1", 1, true));
		end);

		it("gets the moment of the latest password, and is not written again for the same one", function ()
			local writes, set = 0, renewed.store.set;
			function renewed.store.set(...)
				writes = writes + 1;
				return set(...);
			end
			for _, since in ipairs({ 1000, 1000, 1000.001, 1010 }) do renewed:note("anna", "sid1", since, 1010); end
			assert.same({ 2, 1010 }, { writes, renewed:moment_of("anna", "sid1") });
		end);

		it("is gone from the disk after a week, with the record of its organiser", function ()
			renewed:note("anna", "sid1", world.now, world.now);
			for _ = 1, 7 do
				assert.equal(1, number_kept("anna"));
				world.advance(24 * 3600);
			end
			world.advance(3600);
			assert.is_nil(renewed.store:get("anna"));
		end);

		it("is one of the youngest 32 of its organiser", function ()
			for i = 1, 40 do renewed:note("anna", "sid" .. i, 1000 + i, 1040); end
			assert.equal(32, number_kept("anna"));
			assert.same({ 0, 1009 }, { renewed:moment_of("anna", "sid8"), renewed:moment_of("anna", "sid9") });
		end);

		it("counts as old where there is no storage", function ()
			local warnings = 0;
			function world.on_warning() warnings = warnings + 1; end
			world.store = function () return nil; end
			world.start();
			world.guard.renewed:note("anna", "sid1", 1000, 1000);
			assert.same({ 0, 1 }, { world.guard.renewed:moment_of("anna", "sid1"), warnings });
			world.advance(7200);
		end);

		it("counts as old where storage fails or holds something else", function ()
			local errors = 0;
			function world.on_error() errors = errors + 1; end
			renewed.store:set("anna", "no table");
			assert.equal(0, renewed:moment_of("anna", "sid1"));
			function renewed.store.get() error("it broke"); end
			function renewed.store.set() return nil, "no space left"; end
			assert.equal(0, renewed:moment_of("anna", "sid1"));
			renewed:note("anna", "sid1", 1000, 1000 + week);
			assert.equal(2, errors);
		end);
	end);
end
