-- What a token of a shared device has opened.

local libraries = dofile("tests/lua/prosody_libraries.lua");
local token_uses = libraries.own("token_uses");

for _, version in ipairs(libraries.versions) do
	describe(("With the cache of Prosody %s, a token"):format(version), function ()
		local uses, session;
		before_each(function ()
			uses, session = token_uses.new(libraries.of_prosody(version, "util.cache").new, 100), {};
			uses:opened("a.b.ccc", session);
		end);

		it("is new where it has opened nothing", function ()
			assert.equal("none", uses:state("a.b.ddd", 9000));
		end);

		it("is the same in each spelling of its signature", function ()
			uses:opened("a.b.sigQ", session);
			assert.equal("open", uses:state("a.b.sigR", 9000));
			assert.equal("none", uses:state("a.b.sihQ", 9000));
		end);

		it("is in use while a session of it goes on", function ()
			assert.equal("open", uses:state("a.b.ccc", 9000));
			uses:opened("a.b.ccc", {});
			session.destroyed = true;
			assert.equal("open", uses:state("a.b.ccc", 9000));
		end);

		it("is over with its last session, for good", function ()
			session.destroyed = true;
			assert.equal("over", uses:state("a.b.ccc", 101));
			session = nil;
			collectgarbage();
			assert.equal("over", uses:state("a.b.ccc", 43000));
		end);

		it("may have been in use before the start", function ()
			assert.equal("open", uses:state("x.y.zzz", 399));
			assert.equal("none", uses:state("x.y.zzz", 400));
		end);
	end);
end
