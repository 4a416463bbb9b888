local libraries = dofile("tests/lua/prosody_libraries.lua");
local conference_requests = libraries.own("conference_requests");

local room = "7b@conference.meet.test";

describe("A conference request", function ()
	local open;

	before_each(function () open = conference_requests.new(); end);

	local function add(client, id, over)
		local request = { id = id, client = client, room = room, may_open = true, login = "sid", at = 100 };
		for name, value in pairs(over or {}) do request[name] = value; end
		open:add(request);
		return request;
	end

	it("is open until the answer with its id comes to its client", function ()
		local request = add("guest1", "1");
		assert.is_nil(open:take("guest1", "2"));
		assert.is_nil(open:take("guest2", "1"));
		assert.equal(request, open:take("guest1", "1"));
		assert.is_nil(open:take("guest1", "1"));
		assert.is_nil(next(open.of_client));
	end);

	it("is answered in order where a client uses one id twice", function ()
		local first, second = add("guest1", "1"), add("guest1", "1", { room = "other@conference.meet.test" });
		assert.equal(first, open:take("guest1", "1"));
		assert.equal(second, open:take("guest1", "1"));
	end);

	it("contends for its room with those of other clients, if it may open it", function ()
		add("guest1", "1");
		assert.is_true(open:is_contended(room, "guest2", 100));
		assert.is_false(open:is_contended(room, "guest1", 100));
		assert.is_true(open:is_contended(room, "guest2", 115));
		assert.is_false(open:is_contended(room, "guest2", 116));
		assert.is_false(open:is_contended("other@conference.meet.test", "guest2", 100));
		open:client_gone("guest1");
		add("pupil", "1", { may_open = false });
		assert.is_false(open:is_contended(room, "guest2", 100));
	end);

	it("contends with later ones, and not with earlier ones, where that is asked", function ()
		local first = add("guest1", "1");
		assert.is_false(open:is_contended(room, "guest2", 100, first.number));
		assert.is_true(open:is_contended(room, "guest2", 100, first.number + 1));
	end);

	it("contends no more when jicofo has come back, and is still the one that an old answer is for", function ()
		local request = add("guest1", "1");
		open:jicofo_came();
		assert.is_false(open:is_contended(room, "guest2", 100));
		assert.equal(request, open:take("guest1", "1"));
	end);

	it("is one of 32 of a client at most: it loses the oldest", function ()
		for i = 1, 33 do add("guest1", tostring(i)); end
		assert.is_nil(open:take("guest1", "1"));
		assert.is_table(open:take("guest1", "2"));
		assert.equal(31, #open.of_client.guest1);
	end);

	it("shows a session-id, or does not", function ()
		open:add({ id = "2", client = "guest1" });
		assert.is_false(open:shows_login("guest1"));
		add("guest1", "1");
		assert.is_true(open:shows_login("guest1"));
	end);
end);
