local libraries = dofile("tests/lua/prosody_libraries.lua");
local meetings, people, remembered_logins = libraries.own("meetings"), libraries.own("people"), libraries.own("remembered_logins");
local client_claims, conference_requests = libraries.own("client_claims"), libraries.own("conference_requests");
local counts, revocations = libraries.own("counts"), libraries.own("authbridge/revocations");

local anna, bert = "ohg-anna", "ohg-bert";
local room, other_room = "7b@conference.meet.test", "8a@conference.meet.test";
local long_ago, login_time, later = 0, 900, 1000;

for _, version in ipairs(libraries.versions) do
	describe("With the cache of Prosody " .. version .. ", the module", function ()
		local new_cache = libraries.of_prosody(version, "util.cache").new;
		local pseudonyms = libraries.new_pseudonyms(version);
		local registry, persons, logins, claims, requests, opened, feed, suspended;

		before_each(function ()
			logins, claims, requests = remembered_logins.new(new_cache), client_claims.new(), conference_requests.new();
			persons, opened = people.new(logins, claims), counts.new("run", { name_of = function (_, username) return username; end });
			registry, feed = meetings.new(persons, logins, requests, opened), revocations.new("node", 1, pseudonyms);
			suspended, feed.is_informed = feed.suspended, true;
		end);

		local function count(set)
			local number = 0;
			for _ in pairs(set) do number = number + 1; end
			return number;
		end

		-- How much is kept; organisers: those with remembered logins.
		local function sizes()
			return {
				people = count(persons.known), clients = count(persons.clients), claims = count(claims.of_client);
				requests = count(requests.of_client), rooms = count(registry.rooms);
				logins = logins.logins:count(), organisers = count(logins.of_username);
			};
		end

		-- jicofo's answer to that client: it is that organiser, by that session-id.
		local function learn(client, username, login, over)
			local answer = { client = client, username = username, login = login, room = room, since = login_time, is_ready = true, is_there = true };
			for name, value in pairs(over or {}) do answer[name] = value; end
			if over and over.room == false then answer.room, answer.is_there = nil, false; end
			return registry:learn(answer, later);
		end

		local function order(username, over)
			local all = { action = "suspend", username = username };
			for name, value in pairs(over or {}) do all[name] = value; end
			return registry:ending_of(all, later);
		end

		local function heir(occupants, now)
			return persons:heir_of(room, anna, occupants or {}, feed, now or later, true, function () return true; end);
		end

		it("learns from jicofo's answers whose a login and a client are, and makes the first organiser a meeting's starter", function ()
			assert.is_true(learn("guest1", anna, "sid1"));
			assert.is_false(learn("guest2", bert, "sid2"));
			assert.same({ logins = { "sid1" }, rooms = { room }, clients = { "guest1" } }, order(anna));
			assert.same({ logins = { "sid2" }, rooms = {}, clients = { "guest2" } }, order(bert));
		end);

		it("ends nothing for an organiser whom no answer named", function ()
			learn("guest1", anna, "sid1");
			assert.same({ logins = {}, rooms = {}, clients = {} }, order("ohg-zora"));
		end);

		it("counts the meetings of each organiser while they run", function ()
			assert.same({}, registry:running());
			learn("guest1", anna, "sid1");
			learn("guest1", anna, "sid1", { room = other_room });
			learn("guest2", bert, "sid2");
			assert.same({ [anna] = 2 }, registry:running());
			assert.is_true(registry:room_gone(room));
			assert.is_false(registry:room_gone(room));
			assert.same({ [anna] = 1 }, registry:running());
		end);

		it("counts a meeting as opened when its organiser is in it, once however often they come again", function ()
			learn("guest1", anna, "sid1");
			assert.is_nil(opened:report());
			for _ = 1, 2 do registry:client_joined("guest1", room, later); end
			learn("guest2", bert, "sid2");
			registry:client_joined("guest2", room, later);
			assert.same({ [anna] = 1 }, opened:report().opened.meetings);
			registry:room_gone(room);
			learn("guest2", bert, "sid2");
			registry:client_joined("guest2", room, later);
			opened:answered(opened:report());
			assert.same({ [bert] = 1 }, opened:report().opened.meetings);
		end);

		it("counts a meeting whose organiser never came as opened by the one who did", function ()
			learn("guest1", anna, "sid1");
			learn("guest2", bert, "sid2");
			registry:client_joined("guest2", room, later + 60);
			registry:hand_over(room, "guest2", later + 60);
			assert.same({ [bert] = 1 }, opened:report().opened.meetings);
		end);

		it("credits no meeting in a room that organisers do not open", function ()
			assert.is_false(learn("guest1", anna, "sid1", { room = false }));
			assert.same({}, registry:running());
			assert.same({ logins = { "sid1" }, rooms = {}, clients = { "guest1" } }, order(anna));
		end);

		it("credits nobody with a meeting that was there before the module", function ()
			registry:found_before(room);
			assert.is_false(learn("guest1", anna, "sid1"));
			assert.same({ logins = { "sid1" }, rooms = {}, clients = { "guest1" } }, order(anna));
			registry:room_gone(room);
			assert.is_true(learn("guest2", bert, "sid2"));
			registry:found_before(room);
			assert.same({ [bert] = 1 }, registry:running());
		end);

		it("credits no meeting where the client left before the answer came, or never asked; the login counts", function ()
			assert.is_false(registry:learn({ username = anna, login = "sid1", room = room, since = 1, is_ready = true, is_there = true }, later));
			assert.equal(0, sizes().rooms);
			assert.same({ logins = { "sid1" }, rooms = {}, clients = {} }, order(anna));
		end);

		it("knows whom an organiser lets lead, and whom those let lead in turn", function ()
			learn("guest1", anna, "sid1");
			registry:leads_by(room, "page2", "guest1", anna);
			registry:leads_by(room, "page3", "page2", nil);
			registry:leads_by(room, "guest2", "jicofo", nil);
			local led = registry:led_by(anna);
			table.sort(led, function (a, b) return a.address < b.address; end);
			assert.same({ { room = room, address = "page2" }, { room = room, address = "page3" } }, led);
			registry:leads_no_more(room, "page2");
			registry:leads_by(room, "page3", "jicofo", nil);
			assert.same({}, registry:led_by(anna));
		end);

		it("knows which meetings an organiser ever led", function ()
			learn("guest1", anna, "sid1");
			learn("guest2", bert, "sid2");
			registry:client_gone("guest2");
			assert.same({ room }, registry:rooms_of(bert));
			assert.same({}, registry:rooms_of("ohg-zora"));
		end);

		it("follows a client that logs in as another organiser", function ()
			learn("guest1", anna, "sid1");
			learn("guest1", bert, "sid2", { room = other_room });
			assert.same({ logins = { "sid1" }, rooms = { room }, clients = {} }, order(anna));
			assert.same({ logins = { "sid2" }, rooms = { other_room }, clients = { "guest1" } }, order(bert));
		end);

		describe("learns from the requests to jicofo, too:", function ()
			local function ask(client, over)
				local request = { id = "1", client = client, room = room, login = "sid1", since = 0, at = later };
				for name, value in pairs(over or {}) do request[name] = value or nil; end
				registry:asked(request);
				return request;
			end

			it("a client that shows a session-id ends with its organiser, although no answer came", function ()
				learn("guest1", anna, "sid1");
				ask("guest2");
				assert.same({ "guest1", "guest2" }, order(anna).clients);
				assert.equal("client", persons:refusal("guest2", nil, feed));
				assert.is_false(persons:may_lead("guest2", feed));
			end);

			it("an organiser's own client that asks ends with its organiser", function ()
				ask("ohg-anna@meet.test/1", { login = false, own = anna, since = login_time });
				assert.same({ "ohg-anna@meet.test/1" }, order(anna).clients);
			end);

			it("a claim takes no client away from the organiser whom an answer named", function ()
				learn("guest1", anna, "sid1");
				learn("guest2", bert, "sid2");
				ask("guest1", { login = "sid2" });
				assert.same({ "guest1" }, order(anna).clients);
			end);

			it("a claim ends when jicofo does not believe it, when an answer confirms it, and when the client is gone", function ()
				learn("guest1", anna, "sid1");
				persons:disbelieved(ask("guest2"));
				ask("guest3");
				learn("guest3", anna, "sid1");
				ask("guest4");
				registry:client_gone("guest4");
				assert.same({ people = 1, clients = 2, claims = 0, requests = 2, rooms = 1, logins = 1, organisers = 1 }, sizes());
			end);

			it("nobody is behind a client that shows an unknown session-id", function ()
				ask("guest1", { login = "sid9" });
				assert.is_nil(persons:behind("guest1"));
				assert.is_false(persons:may_lead("guest1", feed));
			end);

			it("an answer that is not ready makes no starter while another one's request is open", function ()
				ask("guest1", { login = "sid9" });
				ask("guest2", { id = "2", login = "sid2" });
				assert.is_false(learn("guest2", bert, "sid2", { is_ready = false }));
				assert.is_false(registry:client_joined("guest2", room, later));
				requests:take("guest2", "2");
				requests:take("guest1", "1");
				assert.is_true(learn("guest1", anna, "sid9"));
				assert.same({ [anna] = 1 }, registry:running());
			end);

			it("an answer that is ready makes no starter while another one's earlier request is open", function ()
				ask("guest1", { login = "sid9" });
				local second = ask("guest2", { id = "2", login = "sid2" });
				ask("guest3", { id = "3", login = "sid3" });
				assert.is_false(learn("guest2", bert, "sid2", { number = second.number }));
				requests:take("guest1", "1");
				assert.is_true(learn("guest2", bert, "sid2", { number = second.number }));
			end);

			it("a request that jicofo never answers keeps nobody from being the starter for long", function ()
				ask("guest1", { login = "sid9" });
				learn("guest2", bert, "sid2", { is_ready = false });
				registry:client_joined("guest2", room, later);
				assert.is_false(registry:settle_delayed(later + 15));
				assert.is_true(registry:settle_delayed(later + 16));
				assert.same({ [bert] = 1 }, registry:running());
			end);

			it("requests that follow each other without end keep nobody from being the starter for long", function ()
				for i = 0, 20 do ask("pupil", { id = tostring(i), login = "sid9", at = later + i }); end
				learn("guest2", bert, "sid2", { is_ready = false });
				ask("pupil", { id = "once more", login = "sid9", at = later + 16 });
				assert.is_false(registry:settle_delayed(later + 15));
				assert.is_true(registry:settle_delayed(later + 16));
			end);

			it("an organiser who is suspended meanwhile has the room at once, so that it ends", function ()
				ask("guest1", { login = "sid9" });
				learn("guest2", bert, "sid2", { is_ready = false });
				assert.is_true(registry:settle_delayed(later, bert));
				assert.same({ room }, order(bert).rooms);
			end);

			it("an answer that comes when the room has ended begins no meeting", function ()
				assert.is_false(learn("guest1", anna, "sid1", { is_there = false }));
				assert.same({}, registry:running());
			end);

			it("a guest's open request keeps nobody from being the starter", function ()
				ask("pupil", { login = false });
				assert.is_true(learn("guest2", bert, "sid2", { is_ready = false }));
			end);

			it("a client that left without an answer leaves the room to the organiser who leads it", function ()
				ask("guest1", { login = "sid9" });
				learn("guest2", bert, "sid2", { is_ready = false });
				registry:client_joined("guest2", room, later);
				registry:client_gone("guest1");
				assert.is_true(registry:settle_delayed(later));
				assert.same({ [bert] = 1 }, registry:running());
			end);
		end);

		describe("gives a meeting to the organiser who leads it, where its starter", function ()
			before_each(function ()
				learn("guest1", anna, "sid1");
				learn("guest2", bert, "sid2");
			end);

			it("never came", function ()
				registry:client_gone("guest1");
				assert.is_true(registry:client_joined("guest2", room, later));
				assert.same({ [bert] = 1 }, registry:running());
			end);

			it("is not about to come any more", function ()
				assert.is_false(registry:client_joined("guest2", room, later));
				assert.same({}, registry:abandoned_rooms(later + 15));
				assert.same({ room }, registry:abandoned_rooms(later + 16));
			end);

			it("but not where the starter came and left", function ()
				registry:client_joined("guest1", room, later);
				registry:client_gone("guest1");
				assert.is_false(registry:client_joined("guest2", room, later + 60));
				assert.same({ [anna] = 1 }, registry:running());
			end);
		end);

		describe("refuses", function ()
			before_each(function () learn("guest1", anna, "sid1"); end);

			it("nothing while nobody is suspended", function ()
				assert.is_nil(persons:refusal("guest1", "sid1", feed));
			end);

			it("no unknown session-id: it may be another organiser's, from before a restart", function ()
				suspended[anna] = true;
				assert.is_nil(persons:refusal("guest9", "sid9", feed));
			end);

			it("a suspended organiser's session-id, whichever client shows it", function ()
				suspended[anna] = true;
				assert.equal("login", persons:refusal("guest9", "sid1", feed));
			end);

			it("a suspended organiser's client, without any session-id", function ()
				suspended[anna] = true;
				assert.equal("client", persons:refusal("guest1", nil, feed));
			end);

			it("session-id and client after a log out everywhere, although nobody is suspended", function ()
				order(anna, { action = "end_sessions" });
				assert.equal("login", persons:refusal("guest9", "sid1", feed));
				assert.equal("client", persons:refusal("guest1", nil, feed));
				assert.is_nil(persons:refusal("guest9", "sid2", feed));
			end);

			it("a session-id of unknown age, until the feed has told who is suspended", function ()
				feed.is_informed = false;
				assert.equal("client", persons:refusal("guest9", "sid9", feed));
				assert.is_nil(persons:refusal("guest9", "sid1", feed));
				assert.is_nil(persons:refusal("guest9", nil, feed));
				learn(nil, bert, "sid8", { since = long_ago });
				assert.equal("client", persons:refusal("guest9", "sid8", feed));
			end);

			it("no client that is gone and comes again under another name", function ()
				suspended[anna] = true;
				registry:client_gone("guest1");
				assert.is_nil(persons:refusal("guest1", nil, feed));
			end);
		end);

		describe("knows how old a login is:", function ()
			it("as old as the password that vouched for it", function ()
				learn(anna .. "@meet.test/1", anna, "sid1", { since = logins:age_of("sid1", login_time) });
				assert.equal(login_time, logins:age_of("sid1"));
			end);

			it("younger if the password vouches for it anew", function ()
				learn("guest1", anna, "sid1");
				assert.equal(later, logins:age_of("sid1", later));
			end);

			it("of unknown age if Prosody does not know it", function ()
				assert.equal(long_ago, logins:age_of("sid1"));
				assert.equal(long_ago, logins:age_of(nil));
			end);

			it("a login that is older than a log out everywhere is over, also when it shows up later", function ()
				order(anna, { action = "end_sessions" });
				assert.is_true(persons:was_ended(anna, long_ago));
				assert.is_true(persons:was_ended(anna, later - 1));
				assert.is_false(persons:was_ended(anna, later));
				assert.is_false(persons:was_ended(bert, long_ago));
			end);

			it("a snapshot ends only what began before its moment", function ()
				learn("guest1", anna, "sid1", { since = 500 });
				learn("guest2", anna, "sid2", { since = 700, room = other_room });
				assert.same({ logins = { "sid1" }, rooms = { room }, clients = { "guest1" } },
					order(anna, { action = "end_sessions", before = 600 }));
				assert.is_false(persons:was_ended(anna, 700));
			end);

			it("a login is ended once", function ()
				learn("guest1", anna, "sid1");
				order(anna);
				registry:room_gone(room);
				assert.same({ logins = {}, rooms = {}, clients = {} }, order(anna));
			end);

			it("a snapshot without a moment leaves none behind", function ()
				order(anna, { action = "end_sessions", before = 0 });
				assert.same({ people = 0, clients = 0, claims = 0, requests = 0, rooms = 0, logins = 0, organisers = 0 }, sizes());
			end);
		end);

		describe("lets a meeting go on with", function ()
			before_each(function ()
				learn("guest1", anna, "sid1");
				registry:client_joined("guest1", room, later);
			end);

			it("nobody if only its starter and pupils are there", function ()
				assert.is_nil(heir({ "guest1", "pupil" }));
			end);

			it("another organiser who is in it", function ()
				learn("guest2", bert, "sid2");
				registry:client_joined("guest2", room, later);
				assert.equal("guest2", heir({ "pupil", "guest2" }));
			end);

			it("another organiser who has an answer and is about to join, but not for long", function ()
				learn("guest2", bert, "sid2");
				assert.equal("guest2", heir({}, later + 15));
				assert.is_nil(heir({}, later + 16));
			end);

			it("nobody who joined and left again", function ()
				learn("guest2", bert, "sid2");
				registry:client_joined("guest2", room, later);
				assert.is_nil(heir({ "guest1" }));
			end);

			it("nobody whose client is gone", function ()
				learn("guest2", bert, "sid2");
				registry:client_gone("guest2");
				assert.is_nil(heir({}));
			end);

			it("no organiser who is suspended too, or was logged out everywhere", function ()
				learn("guest2", bert, "sid2");
				suspended[bert] = true;
				assert.is_nil(heir({ "guest2" }));
				suspended[bert] = nil;
				order(bert, { action = "end_sessions" });
				assert.is_nil(heir({ "guest2" }));
			end);

			it("the heir as its starter from then on", function ()
				learn("guest2", bert, "sid2");
				registry:hand_over(room, "guest2", later);
				assert.same({ [bert] = 1 }, registry:running());
				assert.same({ logins = { "sid1" }, rooms = {}, clients = { "guest1" } }, order(anna));
				assert.same({ room }, order(bert).rooms);
			end);

			it("nobody else for a starter whose answer is repeated while they are in it", function ()
				learn("guest1", anna, "sid1");
				assert.is_nil(heir({}));
				assert.same({ room }, order(anna).rooms);
			end);
		end);

		describe("forgets", function ()
			it("2,000 clients and meetings that came and went, and keeps their logins for a week", function ()
				for i = 1, 2000 do
					learn("guest" .. i, "name" .. i % 1000, "sid" .. i, { room = i .. "@conference.meet.test" });
				end
				for i = 1, 2000 do
					registry:client_gone("guest" .. i);
					registry:room_gone(i .. "@conference.meet.test");
				end
				assert.same({ people = 0, clients = 0, claims = 0, requests = 0, rooms = 0, logins = 2000, organisers = 1000 }, sizes());
				registry:sweep(later + 7 * 24 * 3600 + 1, function () return true; end);
				assert.same({ people = 0, clients = 0, claims = 0, requests = 0, rooms = 0, logins = 0, organisers = 0 }, sizes());
			end);

			it("of too many logins those that were not used for the longest time", function ()
				for i = 1, 16384 do learn("guest", "name" .. i % 1000, "sid" .. i); end
				learn("guest", "name1", "sid1");
				learn("guest", anna, "one more");
				assert.equal(16384, sizes().logins);
				suspended.name1, suspended.name2 = true, true;
				assert.equal("login", persons:refusal("pupil", "sid1", feed));
				assert.is_nil(persons:refusal("pupil", "sid2", feed));
			end);

			it("of one organiser's too many logins the oldest, which is to be logged out", function ()
				for i = 1, 32 do
					local _, surplus = registry:learn({ username = anna, login = "sid" .. i, since = 1 }, later + i);
					assert.is_nil(surplus);
				end
				local _, surplus = registry:learn({ username = anna, login = "one more", since = 1 }, later + 40);
				assert.equal("sid1", surplus);
				assert.equal(32, #order(anna).logins);
			end);

			it("a meeting that never came to be, after a minute", function ()
				learn("guest1", anna, "sid1");
				local function exists() return false; end
				assert.is_false(registry:sweep(later + 60, exists));
				assert.is_true(registry:sweep(later + 61, exists));
				assert.same({}, registry:running());
			end);

			it("a log out everywhere, after a week", function ()
				order(anna, { action = "end_sessions" });
				registry:sweep(later + 7 * 24 * 3600, function () return true; end);
				assert.is_true(persons:was_ended(anna, long_ago));
				registry:sweep(later + 7 * 24 * 3600 + 1, function () return true; end);
				assert.is_false(persons:was_ended(anna, long_ago));
				assert.equal(0, sizes().people);
			end);
		end);

		it("outlives a reload of the module", function ()
			learn("guest1", anna, "sid1");
			for _, state in ipairs({ registry, persons, logins, claims, requests }) do setmetatable(state, nil); end
			local reloaded, reloaded_persons = meetings.on_top(registry), people.on_top(persons);
			remembered_logins.on_top(logins);
			client_claims.on_top(claims);
			conference_requests.on_top(requests);
			assert.same({ [anna] = 1 }, reloaded:running());
			assert.is_true(reloaded_persons:may_lead("guest1", feed));
			assert.same({ "sid1" }, order(anna).logins);
		end);
	end);
end
