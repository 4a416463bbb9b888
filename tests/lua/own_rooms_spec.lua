local libraries = dofile("tests/lua/prosody_libraries.lua");
local small_prosody = dofile("tests/lua/small_prosody.lua");

local room = "7b@conference.meet.test";
local anna, bert, pupil = "ga@guest.meet.test/1", "gb@guest.meet.test/1", "gp@guest.meet.test/1";
local secret = "Igel";

for _, version in ipairs(libraries.versions) do
	describe("With the libraries of Prosody " .. version .. ", the password of a room", function ()
		local world, st, place;

		before_each(function ()
			world = small_prosody.new(version);
			st = world.stanza;
			function world.on_room() end
			function world.on_gone() end
			function world.on_sent() end
			world.start();
			world.feed.is_informed = true;
			place = world.create_room(room);
			place:join(world.jicofo);
			for _, client in ipairs({ anna, bert, pupil }) do world.connect(client); end
		end);

		-- jicofo has let that page in.
		local function answer(client, name)
			local username = world.pseudonyms:of(name);
			world.guard.meetings:learn({ client = client, username = username, room = room, since = 1, is_ready = true, is_there = true }, world.now);
		end

		local function leave(client)
			world.fire(small_prosody.meetings, "muc-occupant-left", { room = place, stanza = st.presence({ from = client, type = "unavailable" }) });
			place:leave(client);
		end

		-- Returns the password in the join as Prosody goes on with it.
		local function password_in_join_of(client)
			local join = st.presence({ from = client, to = room .. "/nick" }):tag("x", { xmlns = "http://jabber.org/protocol/muc" }):up();
			world.fire(small_prosody.meetings, "muc-occupant-pre-join", { room = place, stanza = join, origin = { send = function () end } });
			return join:get_child("x", "http://jabber.org/protocol/muc"):get_child_text("password", "http://jabber.org/protocol/muc");
		end

		local function start()
			answer(anna, "anna");
			place:join(anna);
			place.password = secret;
		end

		it("comes with the starter's join, and with nobody else's", function ()
			start();
			answer(bert, "bert");
			assert.same({ secret }, { password_in_join_of(anna), password_in_join_of(bert), password_in_join_of(pupil) });
		end);

		it("comes with the join of a starter who has left a pupil alone there, however long ago", function ()
			start();
			place:join(pupil);
			leave(anna);
			world.advance(3600);
			answer(anna, "anna");
			assert.equal(secret, password_in_join_of(anna));
		end);

		it("comes with a reload beside a colleague, and with a second device", function ()
			start();
			answer(bert, "bert");
			place:join(bert);
			assert.equal(secret, password_in_join_of(anna));
			leave(anna);
			world.advance(30);
			answer(anna, "anna");
			assert.equal(secret, password_in_join_of(anna));
		end);

		it("does not come with the join of a starter who left it to a colleague a while ago", function ()
			start();
			answer(bert, "bert");
			place:join(bert);
			leave(anna);
			world.advance(61);
			answer(anna, "anna");
			assert.is_nil(password_in_join_of(anna));
			assert.is_nil(place:get_affiliation(world.jid.bare(anna)));
		end);

		it("does not come with the join of an organiser who was never inside", function ()
			answer(anna, "anna");
			place.password = secret;
			assert.is_nil(password_in_join_of(anna));
		end);

		it("is not inherited at the door: the meeting ends with its starter", function ()
			start();
			place:join(pupil);
			answer(bert, "bert");
			world.feed:suspend("anna");
			assert.equal(1, (world.guard:carry_out({ username = "anna", action = "suspend" })).meetings);
			assert.is_nil(world.room(room));
		end);

		it("does not come with the join of a suspended starter", function ()
			start();
			world.feed:suspend("anna");
			assert.is_nil(password_in_join_of(anna));
		end);

		it("lets nobody in where that cannot be told", function ()
			local errors = 0;
			function world.on_error() errors = errors + 1; end
			start();
			function world.guard.people.is_client_over() error("it broke"); end
			local event = { room = place, stanza = st.presence({ from = pupil, to = room .. "/nick" }) };
			assert.is_true(world.fire(small_prosody.meetings, "muc-occupant-pre-join", event));
			assert.equal(1, errors);
		end);
	end);

	describe("With the libraries of Prosody " .. version .. ", a login whose age was kept over a restart", function ()
		it("waits for the first news like any other", function ()
			local world = small_prosody.new(version);
			function world.on_room() end
			function world.on_gone() end
			world.start();
			world.connect(anna);
			world.guard.logins:remember({ login = "sid1", username = world.pseudonyms:of("anna"), since = 1000, is_early = true }, world.now);
			assert.equal("client", world.guard.people:refusal(anna, "sid1", world.feed));
			world.feed.is_informed = true;
			assert.is_nil(world.guard.people:refusal(anna, "sid1", world.feed));
		end);
	end);
end
