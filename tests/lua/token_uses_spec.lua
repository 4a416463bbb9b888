-- Whether a token of a shared device resumes what it has opened.

local libraries = dofile("tests/lua/prosody_libraries.lua");
local token_uses = libraries.own("token_uses");

describe("A token", function ()
	local uses, session;
	before_each(function ()
		uses, session = token_uses.new(0), {};
		uses:opened("a.b.c", session, 1000);
	end);

	it("resumes while its session goes on, however long", function ()
		assert.is_true(uses:resumes("a.b.c", 9000));
		assert.is_false(uses:resumes("a.b.d", 9000));
	end);

	it("resumes for some minutes after its session was last seen", function ()
		uses:sweep(5000);
		session.destroyed = true;
		assert.is_true(uses:resumes("a.b.c", 5299));
		assert.is_false(uses:resumes("a.b.c", 5300));
	end);

	it("is forgotten then", function ()
		session.destroyed = true;
		uses:sweep(1299);
		assert.is_true(uses:resumes("a.b.c", 1299));
		uses:sweep(1300);
		assert.same({}, uses.uses);
	end);

	it("resumes with a later session too", function ()
		session.destroyed = true;
		uses:opened("a.b.c", {}, 1200);
		assert.is_true(uses:resumes("a.b.c", 9000));
	end);

	it("may resume what was there before the start", function ()
		uses = token_uses.new(100);
		assert.is_true(uses:resumes("x.y.z", 399));
		assert.is_false(uses:resumes("x.y.z", 400));
	end);
end);
