local libraries = dofile("tests/lua/prosody_libraries.lua");
local small_prosody = dofile("tests/lua/small_prosody.lua");

local anna, room = "ga@guest.meet.test/1", "7b@conference.meet.test";

for _, version in ipairs(libraries.versions) do
	describe("With the libraries of Prosody " .. version .. ", the page of an organiser who was put out", function ()
		local world, st, session, sent, told;

		before_each(function ()
			world, sent, told = small_prosody.new(version), {}, {};
			st = world.stanza;
			function world.on_room() end
			function world.on_gone() end
			function world.on_sent() end
			function world.on_told(_, client, x) table.insert(told, client .. ": " .. x:find("destroy/reason#")); end
			world.start();
			session = world.connect(anna);
			function session.send(stanza) table.insert(sent, tostring(stanza)); end
			world.guard.people:remember_client({ client = anna, username = "anna", room = room, since = 1 }, world.now);
			world.create_room(room):join(world.jicofo);
		end);

		local function suspend()
			world.feed.suspended.anna = true;
			local _, pages = world.guard:carry_out({ username = "anna", action = "suspend" });
			for _, page in ipairs(pages) do world.close_page(page, "suspend"); end
		end

		local function hears(stanza) return session.filter("stanzas/in", stanza) ~= nil; end

		local function ping(to)
			return st.iq({ type = "get", id = "1", to = to }):tag("ping", { xmlns = "urn:xmpp:ping" }):up();
		end

		it("reads why, once, and is closed after a minute", function ()
			world.room(room):join(anna);
			suspend();
			assert.same({ anna .. ": Dieser Zugang ist gesperrt. Bitte fragen Sie Ihr Medienzentrum. / "
				.. "This access is suspended. Please ask your media centre." }, told);
			world.advance(59);
			assert.is_nil(session.destroyed);
			world.advance(1);
			assert.is_true(session.destroyed);
		end);

		it("is gone when it has hung up", function ()
			world.room(room):join(anna);
			suspend();
			session:close();
			world.advance(60);
		end);

		it("is closed at once where it had not entered yet, and reads nothing", function ()
			suspend();
			assert.is_true(session.destroyed);
		end);

		it("is closed at once where it could not be taken out of a room that stays", function ()
			local errors, place = 0, world.room(room);
			function world.on_error() errors = errors + 1; end
			place:join(anna);
			function place.destroy() return false; end -- by another module's veto
			function place.save_occupant() error("it broke"); end
			suspend();
			assert.is_true(session.destroyed);
			assert.is_nil(place:get_occupant_by_real_jid(anna));
			assert.equal(2, errors);
		end);

		it("is given time where a colleague's end a moment ago was the end of its room", function ()
			world.room(room):join(anna);
			world.room(room):vanish("over");
			suspend();
			assert.is_nil(session.destroyed);
		end);

		describe("is not listened to", function ()
			before_each(function ()
				world.room(room):join(anna);
				suspend();
			end);

			it("whatever it sends", function ()
				for _, stanza in ipairs({
					st.message({ to = room }), st.presence({ to = room }), st.presence({ type = "unavailable" });
					st.iq({ type = "set", id = "1", to = small_prosody.focus }), ping("gp@guest.meet.test/1"), ping(room .. "/nick");
					st.stanza("enable", { xmlns = "urn:xmpp:sm:3" }), st.stanza("resume", { xmlns = "urn:xmpp:sm:3", previd = "x" });
				}) do
					assert.is_false(hears(stanza), tostring(stanza));
				end
				assert.same({}, sent);
			end);

			it("but its pings of the server are answered, so that it takes its connection for a good one", function ()
				assert.is_false(hears(ping(small_prosody.guests)));
				assert.is_false(hears(ping(nil)));
				assert.equal(2, #sent);
				assert.matches("type='result'", sent[1], 1, true);
				assert.is_true(hears(st.stanza("r", { xmlns = "urn:xmpp:sm:3" })));
				assert.is_true(hears(st.stanza("a", { xmlns = "urn:xmpp:sm:3", h = "1" })));
			end);

			it("over another connection that resumes it, either", function ()
				session.filters, session.filter = nil, nil; -- as mod_smacks leaves it, with those of the new connection
				world.connect("gx@guest.meet.test/1");
				local fresh = world.prosody.full_sessions["gx@guest.meet.test/1"];
				session.filters, session.filter = fresh.filters, fresh.filter;
				assert.is_true(hears(st.message({ to = room })));
				world.fire(small_prosody.guests, "smacks-hibernation-end", { origin = fresh, resumed = session });
				assert.is_false(hears(st.message({ to = room })));
			end);
		end);

		it("does not keep a session silent that nobody silenced", function ()
			world.fire(small_prosody.guests, "smacks-hibernation-end", { resumed = session });
			assert.is_true(hears(st.message({ to = room })));
		end);
	end);
end
