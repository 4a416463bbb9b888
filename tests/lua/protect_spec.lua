local libraries = dofile("tests/lua/prosody_libraries.lua");

describe("A protected step", function ()
	local logged, protect;

	before_each(function ()
		logged = {};
		protect = libraries.own("authbridge/protect", { log = function (_, level, ...) table.insert(logged, { level, string.format(...) }); end });
	end);

	it("returns all that it returns, and logs nothing", function ()
		assert.same({ 1, nil, 3 }, { protect.call(function (...) return ...; end, 1, nil, 3) });
		assert.same({ true, false }, { protect.try(function () return false; end) });
		assert.same({}, logged);
	end);

	it("that returns nil and a reason is no error", function ()
		assert.same({ nil, "kept" }, { protect.call(function () return nil, "kept"; end) });
		assert.same({}, logged);
	end);

	it("that throws returns nil and the error, which is logged with the place", function ()
		local result, err = protect.call(function () error("it broke"); end);
		assert.is_nil(result);
		assert.matches("it broke", err, 1, true);
		assert.equal("error", logged[1][1]);
		assert.matches("it broke", logged[1][2], 1, true);
		assert.matches("protect_spec.lua:%d+: in function", logged[1][2]);
	end);

	it("that throws tells the log no address", function ()
		protect.call(function () error("nobody called <anna.b-c@meet.test/x> or 'bert@guest.meet.test' here"); end);
		assert.matches("nobody called <ADDRESS> or 'ADDRESS' here", logged[1][2], 1, true);
	end);

	it("that throws tells the log no values of its own", function ()
		local function check(password) return password.length.of; end
		protect.call(check, "geheim123");
		assert.is_nil(logged[1][2]:find("geheim", 1, true));
	end);

	it("that throws something else than a text is logged by its type", function ()
		protect.call(function () error({ password = "secret" }); end);
		assert.matches("an error of type table", logged[1][2], 1, true);
		assert.is_nil(logged[1][2]:find("secret", 1, true));
	end);

	it("may wait", function ()
		local step = coroutine.wrap(function () return protect.call(function () return coroutine.yield("waits"); end); end);
		assert.equal("waits", step());
		assert.equal("goes on", step("goes on"));
	end);
end);
