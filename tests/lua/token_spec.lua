local libraries = dofile("tests/lua/prosody_libraries.lua");
local token = libraries.own("token");

describe("The token of a connection", function ()
	local queries = {
		["token=a.b.c"] = "a.b.c";
		["room=physik&token=a.b.c"] = "a.b.c";
		["token=a.b.c&previd=1"] = "a.b.c";
		["token=%41.b.c"] = "%41.b.c"; -- none of the service's: nothing in those has to be written so
		["room=physik&mytoken=a.b.c"] = false;
		["token="] = false;
		["token"] = false;
		[""] = false;
	};
	for query, found in pairs(queries) do
		it(("is %s in %q"):format(found or "none", query), function ()
			assert.equal(found or nil, token.of_query(query));
		end);
	end

	it("is none where the request has no query", function () assert.is_nil(token.of_query(nil)); end);

	it("has three parts in base64url and 2 KiB at most", function ()
		for _, each in ipairs({ "a.b.c", "eyJ-_9.eyJ-_9.x-_9", ("a"):rep(2044) .. ".b.c" }) do assert.is_true(token.is_well_formed(each)); end
		local odd = { "", "a.b", "a.b.", ".b.c", "a.b.c.d", "a.b.c\n", "a.b.c=", "a b.c.d", "a+b.c.d", "%41.b.c", "\0.b.c", "\xc3\xa9.b.c", "a.b.c,a.b.c" };
		for _, each in ipairs(odd) do assert.is_false(token.is_well_formed(each)); end
		for _, length in ipairs({ 2045, 65536 }) do assert.is_false(token.is_well_formed(("a"):rep(length) .. ".b.c")); end
	end);
end);
