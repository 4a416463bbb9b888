local libraries = dofile("tests/lua/prosody_libraries.lua");
local small_prosody = dofile("tests/lua/small_prosody.lua");

local xmlns = "http://jitsi.org/protocol/focus";
local room = "7b@conference.meet.test";
local anna, bert, pupil = "ga@guest.meet.test/1", "gb@guest.meet.test/1", "gp@guest.meet.test/1";

for _, version in ipairs(libraries.versions) do
	describe("With the libraries of Prosody " .. version .. ", the guard", function ()
		local world, st, sent, log, number;

		before_each(function ()
			world, sent, log, number = small_prosody.new(version), {}, {}, 0;
			st = world.stanza;
			function world.on_room(where, what) table.insert(log, where.jid .. " " .. what); end
			function world.on_gone() end
			function world.on_sent(stanza) table.insert(sent, stanza); end
			world.start();
			world.feed.is_informed = true;
			for _, client in ipairs({ anna, bert, pupil }) do world.connect(client); end
		end);

		-- Returns the id of the request, or nil and the condition with which it is refused.
		local function ask(client, login, address)
			number = number + 1;
			local refusal;
			local stanza = st.iq({ type = "set", id = tostring(number), from = client, to = small_prosody.focus })
				:tag("conference", { xmlns = xmlns, room = address or room, ["session-id"] = login }):up();
			local origin = { send = function (answer) refusal = select(2, answer:get_error()); end };
			world.fire(small_prosody.focus, "iq/host/" .. xmlns .. ":conference", { origin = origin, stanza = stanza });
			return not refusal and tostring(number) or nil, refusal;
		end

		-- Returns what the page hears: "result", or the condition of the error.
		local function answer(client, id, attributes, condition)
			local stanza = st.iq({ type = condition and "error" or "result", id = id, from = world.jicofo, to = small_prosody.focus .. "/" .. client });
			if condition then stanza:tag("error", { type = "modify" }):tag(condition, { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }):up():up(); end
			local conference = { xmlns = xmlns, room = room, ready = "true" };
			for name, value in pairs(attributes or {}) do conference[name] = value; end
			stanza:tag("conference", conference):up();
			world.fire(small_prosody.focus, "iq/host", { stanza = stanza });
			return stanza.attr.type == "result" and "result" or select(2, stanza:get_error());
		end

		local function open(client, name, login)
			local place = world.room(room) or world.create_room(room);
			place:join(world.jicofo);
			assert.equal("result", answer(client, ask(client, login), { identity = name .. "@meet.test", ["session-id"] = login }));
			place:set_affiliation(world.jicofo, world.jid.bare(client), "owner");
			place:join(client);
			return place;
		end

		local function suspend(name)
			world.feed:suspend(name);
			return world.guard:carry_out({ username = name, action = "suspend" });
		end

		it("believes no page that it is an organiser's for a session-id that it shows", function ()
			open(bert, "bert", "sid2");
			world.room(room):vanish("over");
			local place = open(anna, "anna", "sid1");
			place:join(pupil);
			local stolen, plain = ask(pupil, "sid2"), ask(pupil);
			assert.equal("result", answer(pupil, plain));
			assert.equal("not-acceptable", answer(pupil, stolen, nil, "not-acceptable"));
			assert.equal(1, suspend("anna").meetings);
			assert.is_nil(world.room(room));
		end);

		it("lets jicofo make no page an owner whose organiser is unknown", function ()
			local place = open(anna, "anna", "sid1");
			place:join(pupil);
			assert.is_nil(place:set_affiliation(world.jicofo, world.jid.bare(pupil), "owner"));
			assert.is_nil(place:get_affiliation(world.jid.bare(pupil)));
			assert.is_true(place:set_affiliation(anna, world.jid.bare(pupil), "owner"));
		end);

		it("makes a page an owner later, when jicofo's answer names its organiser after that order", function ()
			local place = open(anna, "anna", "sid1");
			place:join(bert);
			local id = ask(bert, "sid2");
			assert.is_nil(place:set_affiliation(world.jicofo, world.jid.bare(bert), "owner"));
			answer(bert, id, { identity = "bert@meet.test", ["session-id"] = "sid2" });
			assert.equal("owner", place:get_affiliation(world.jid.bare(bert)));
		end);

		it("lets jicofo make no page of a suspended organiser an owner", function ()
			local place = open(bert, "bert", "sid2");
			world.feed:suspend("bert");
			place:set_affiliation(true, world.jid.bare(bert), nil);
			assert.is_nil(place:set_affiliation(world.jicofo, world.jid.bare(bert), "owner"));
		end);

		it("lets guests into no meeting that no known organiser has opened, and ends it", function ()
			world.create_room(room):join(world.jicofo);
			assert.equal("not-authorized", answer(pupil, ask(pupil)));
			assert.is_nil(world.room(room));
		end);

		it("leaves a meeting alone whose organiser's answer is still on its way", function ()
			world.create_room(room):join(world.jicofo);
			local first = ask(anna, "sid1");
			assert.equal("not-authorized", answer(pupil, ask(pupil)));
			assert.equal("result", answer(anna, first, { identity = "anna@meet.test", ["session-id"] = "sid1" }));
			assert.equal("result", answer(pupil, ask(pupil)));
		end);

		it("takes the lead back from a page whose login another page of its bare JID showed, and left", function ()
			local place, second = open(bert, "bert", "sid2"), "ga@guest.meet.test/2";
			world.connect(second);
			for _, client in ipairs({ anna, second, pupil }) do place:join(client); end
			answer(anna, ask(anna, "sid1"), { identity = "anna@meet.test", ["session-id"] = "sid1" });
			place:set_affiliation(world.jicofo, world.jid.bare(anna), "owner");
			place:set_affiliation(second, world.jid.bare(pupil), "owner");
			world.prosody.full_sessions[anna]:close();
			suspend("anna");
			assert.is_nil(place:get_affiliation(world.jid.bare(second)));
			assert.is_nil(place:get_affiliation(world.jid.bare(pupil)));
			assert.equal("owner", place:get_affiliation(world.jid.bare(bert)));
		end);

		it("keeps a claim when jicofo does not believe another request that makes the same", function ()
			open(anna, "anna", "sid1");
			ask(bert, "sid1");
			local wrong = ask(bert, "sid1");
			answer(bert, wrong, nil, "not-acceptable");
			assert.is_true(world.guard.people:may_lead(bert, world.feed));
			suspend("anna");
			assert.same({ nil, "not-authorized" }, { ask(bert) });
		end);

		it("knows whose page it is, although the answer is for no request that it knows", function ()
			world.create_room(room):join(world.jicofo);
			assert.equal("result", answer(anna, "unheard", { identity = "anna@meet.test", ["session-id"] = "sid1" }));
			assert.same({}, world.guard:running());
			suspend("anna");
			assert.same({ nil, "not-authorized" }, { ask(anna) });
		end);

		for name, text in pairs({ ["a line break"] = "a\nb", ["a blank"] = "a b", ["nothing"] = "", ["a letter that is none of ASCII"] = "\xc3\xa9" }) do
			it("refuses a request whose id or session-id holds " .. name, function ()
				local origin, refusal = {}, nil;
				function origin.send(stanza) refusal = select(2, stanza:get_error()); end
				local stanza = st.iq({ type = "set", id = text, from = anna, to = small_prosody.focus }):tag("conference", { xmlns = xmlns, room = room }):up();
				world.fire(small_prosody.focus, "iq/host/" .. xmlns .. ":conference", { origin = origin, stanza = stanza });
				assert.equal("bad-request", refusal);
				if text:find("%S") then assert.same({ nil, "bad-request" }, { ask(anna, text) }); end
			end);
		end

		it("refuses requests of clients that are not connected here, and long session-ids", function ()
			assert.same({ nil, "bad-request" }, { ask("x@elsewhere.example/1") });
			assert.same({ nil, "bad-request" }, { ask(anna, ("x"):rep(257)) });
		end);

		it("lets guests in although somebody else's request for the room is never answered, and ends the meeting", function ()
			ask(pupil, "invented");
			local place = world.create_room(room);
			place:join(world.jicofo);
			assert.equal("result", answer(anna, ask(anna, "sid1"), { identity = "anna@meet.test", ["session-id"] = "sid1" }));
			place:join(anna);
			assert.equal("result", answer(bert, ask(bert)));
			assert.equal(1, suspend("anna").meetings);
			assert.is_nil(world.room(room));
		end);

		it("credits a meeting in time, although a client asks for its room again and again", function ()
			world.create_room(room):join(world.jicofo);
			ask(pupil, "invented");
			answer(anna, ask(anna, "sid1"), { identity = "anna@meet.test", ["session-id"] = "sid1" });
			for _ = 1, 10 do
				world.advance(14);
				ask(pupil, "invented");
			end
			assert.same({ anna = 1 }, world.guard:running());
		end);

		it("ends a room that jicofo keeps and nobody has opened", function ()
			world.create_room(room):join(world.jicofo);
			world.advance(60);
			assert.is_table(world.room(room));
			world.advance(60);
			assert.is_nil(world.room(room));
		end);

		it("ends breakout rooms before their meeting", function ()
			local place = open(anna, "anna", "sid1");
			world.mains["b@breakout.meet.test"] = room;
			place._data.breakout_rooms = { ["b@breakout.meet.test"] = "group" };
			world.create_room("b@breakout.meet.test"):join(pupil);
			suspend("anna");
			assert.same({ "b@breakout.meet.test destroyed", room .. " destroyed" }, { log[#log - 1], log[#log] });
		end);

		describe("that fails", function ()
			local errors;
			local function fail() error("no such thing as anna@meet.test"); end

			before_each(function ()
				errors = {};
				function world.on_error(message) table.insert(errors, message); end
			end);

			after_each(function ()
				assert.is_true(#errors > 0);
				for _, message in ipairs(errors) do
					assert.matches("no such thing as ADDRESS", message, 1, true);
					assert.matches("traceback", message, 1, true);
					assert.is_nil(message:find("anna", 1, true));
				end
			end);

			it("lets no request pass to jicofo", function ()
				world.guard.people.refusal = fail;
				local stanza = st.iq({ type = "set", id = "1", from = anna, to = small_prosody.focus }):tag("conference", { xmlns = xmlns, room = room }):up();
				assert.is_true(world.fire(small_prosody.focus, "iq/host/" .. xmlns .. ":conference", { stanza = stanza }));
			end);

			it("lets no answer pass to a page", function ()
				world.guard.people.behind = fail;
				local stanza = st.iq({ type = "result", id = "1", from = world.jicofo, to = small_prosody.focus .. "/" .. pupil });
				stanza:tag("conference", { xmlns = xmlns, room = room, ready = "true" }):up();
				assert.is_true(world.fire(small_prosody.focus, "iq/host", { stanza = stanza }));
			end);

			it("lets no conference request pass to jicofo in another way", function ()
				local stanza = st.iq({ type = "set", id = "1", to = small_prosody.focus .. "/x" }):tag("conference", { xmlns = xmlns }):up();
				local origin = { send = fail };
				stanza.attr.from = anna;
				assert.is_true(world.fire(small_prosody.focus, "iq/full", { origin = origin, stanza = stanza }));
			end);

			it("lets jicofo make nobody an owner", function ()
				local place = open(anna, "anna", "sid1");
				place:join(bert);
				world.guard.people.may_lead = fail;
				assert.is_nil(place:set_affiliation(world.jicofo, world.jid.bare(bert), "owner"));
			end);

			it("at one step of a suspension takes the others all the same", function ()
				local place = open(anna, "anna", "sid1");
				place.set_persistent, world.guard.logouts.log_out, world.guard.ending.take_out = fail, fail, fail;
				assert.equal(1, suspend("anna").meetings);
				assert.is_nil(world.room(room));
				assert.equal(3, #errors);
			end);

			it("at a sweep sweeps again", function ()
				world.guard.owners.sweep = fail;
				world.advance(60);
				world.advance(60);
				assert.equal(2, #errors);
			end);
		end);

		describe("owes jicofo a logout that it did not get", function ()
			local function respond(stanza, kind, condition)
				local reply = st.reply(stanza);
				reply.attr.type = kind;
				if condition then reply:tag("error", { type = "cancel" }):tag(condition, { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }):up():up(); end
				world.fire(small_prosody.focus, "iq/host", { stanza = reply });
			end

			local function come_back()
				local presence = st.presence({ from = world.jicofo, to = small_prosody.focus });
				world.fire(small_prosody.focus, "presence/host", { stanza = presence });
			end

			it("and sends it again when it is back", function ()
				open(anna, "anna", "sid1");
				local counts, is_settled = suspend("anna"), false;
				function counts.on_settled() is_settled = true; end
				respond(sent[1], "error", "recipient-unavailable");
				assert.same({ 1, 0, 0, false }, { counts.waiting, counts.unanswered, counts.logins, is_settled });
				assert.same({ nil, "not-acceptable" }, { ask(pupil, "sid1") });
				come_back();
				assert.equal("sid1", sent[2].tags[1].attr["session-id"]);
				respond(sent[2], "result");
				assert.same({ 0, 1, true }, { counts.waiting, counts.logins, is_settled });
				come_back();
				assert.is_nil(sent[3]);
			end);

			it("and no more when jicofo knows no such login", function ()
				open(anna, "anna", "sid1");
				local counts = suspend("anna");
				respond(sent[1], "error", "not-acceptable");
				assert.same({ 0, 0 }, { counts.waiting, counts.logins });
			end);

			it("for as long as jicofo remembers one, and over a reload", function ()
				open(anna, "anna", "sid1");
				local counts = suspend("anna");
				assert.same({ "sid1" }, world.guard:save().owed);
				for _ = 1, 26 do world.advance(3600); end
				assert.same({ 0, 0 }, { counts.waiting, counts.logins });
				assert.same({}, world.guard:save().owed);
			end);
		end);
	end);
end
