-- Who holds a token, and whose a room is.

local libraries = dofile("tests/lua/prosody_libraries.lua");
local token_holders = libraries.own("mod_token_suspension/token_holders");

describe("The holders of tokens", function ()
	local holders, one, two;
	before_each(function ()
		holders, one, two = token_holders.new(), {}, {};
		holders:verified(one, "anna", 10);
		holders:verified(two, "ben", 20);
	end);

	it("have the name under which the service knows them", function ()
		assert.equal("3f-a", token_holders.username_of("3F-A"));
		assert.equal("17", token_holders.username_of(17));
		for _, none in ipairs({ "", {}, true }) do assert.is_nil(token_holders.username_of(none)); end
		assert.is_nil(token_holders.username_of(nil));
	end);

	it("own the room that they were first in", function ()
		holders:entered("room", {});
		assert.same({}, holders:running());
		holders:entered("room", two);
		holders:entered("room", one);
		assert.same({ ben = 1 }, holders:running());
		assert.same({ "room" }, holders:rooms_of("ben"));
		holders:room_gone("room");
		assert.same({}, holders:rooms_of("ben"));
	end);

	it("are found with the sessions that began before a moment", function ()
		assert.same({ one }, holders:sessions_of("anna", 11));
		assert.same({}, holders:sessions_of("anna", 10));
	end);

	it("stay behind a session that goes on with what another one began", function ()
		local guest = {};
		holders:absorbed(guest, one);
		holders:absorbed(guest, {});
		local found = {};
		for _, session in ipairs(holders:sessions_of("anna", 11)) do found[session] = true; end
		assert.same({ [one] = true, [guest] = true }, found);
	end);
end);
