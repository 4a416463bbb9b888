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
			world.guard.people:remember_client({ client = anna, username = world.pseudonyms:of("anna"), room = room, since = 1 }, world.now);
			world.create_room(room):join(world.jicofo);
		end);

		local function suspend()
			world.feed:suspend("anna");
			local _, pages = world.guard:carry_out({ username = "anna", action = "suspend" });
			for _, page in ipairs(pages) do world.close_page(page, "suspend"); end
		end

		local function hears(stanza) return world.is_heard(anna, stanza); end

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

			it("over another connection that resumes it, either: it gets that one's filters, and keeps its thread", function ()
				session.filters, session.filter = {}, function (_, stanza) return stanza; end;
				assert.is_false(hears(st.message({ to = room })));
			end);

			it("by a join that another module held back", function ()
				local answers, join = {}, st.presence({ from = anna, to = room .. "/nick" });
				local event = { room = world.room(room), stanza = join, origin = { send = function (answer) table.insert(answers, answer); end } };
				assert.is_true(world.fire(small_prosody.meetings, "muc-occupant-pre-join", event));
				assert.equal("not-allowed", select(2, answers[1]:get_error()));
			end);
		end);

		it("is not heard, where it cannot even be closed", function ()
			local errors = 0;
			function world.on_error() errors = errors + 1; end
			function session.close() error("it broke"); end
			suspend();
			assert.is_false(hears(st.message({ to = room })));
			assert.is_true(errors > 0);
		end);

		it("is a member of no room any more, so that no other session of its bare JID comes back", function ()
			local place = world.room(room);
			place:join(anna);
			place:set_affiliation(true, world.jid.bare(anna), "member");
			function place.destroy() return false; end
			function world.on_error() end
			suspend();
			assert.is_nil(place:get_affiliation(world.jid.bare(anna)));
		end);
	end);
end
