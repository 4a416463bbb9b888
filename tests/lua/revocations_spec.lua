local libraries = dofile("tests/lua/prosody_libraries.lua");
local counts, revocations = libraries.own("counts"), libraries.own("authbridge/revocations");
local json = libraries.of_prosody(libraries.newer, "util.json");

local name, other = "ohg-kwtx", "ohg-bbbb";
local pseudonyms = libraries.new_pseudonyms(libraries.newer);
local half = 0.5; -- the random number that leaves a pause as it is

describe("The state of the feed", function ()
	local feed, now;

	local function start(urls)
		feed, now = revocations.new("node-a", urls or 1, pseudonyms), 1000;
	end

	before_each(function () start(); end);

	-- The service answers with that body after so many seconds; returns the orders, and the pause that follows.
	local function hear(body, took)
		local question = feed:question();
		local answer = assert(feed:read(200, json.encode(body), json));
		local orders = feed:begin(answer, question);
		for _, order in ipairs(orders) do feed:report(order, { sessions = 1 }); end
		return orders, feed:complete(answer, question, took or 0.1);
	end

	local function hear_snapshot(list, epoch)
		return hear({ epoch = epoch or "e", cursor = 7, snapshot = list or {} });
	end

	local function events_of(orders, from)
		local events = {};
		for i, order in ipairs(orders) do events[i] = { id = (from or 7) + i, action = order[1], username = order[2] }; end
		return { epoch = "e", cursor = (from or 7) + #orders, events = events };
	end

	local function hear_events(...)
		return hear(events_of({ ... }, feed.cursor));
	end

	local function login(username)
		return feed:login_began(username or name, {}, now);
	end

	describe("asks", function ()
		it("without an epoch at first", function ()
			assert.same({ node = "node-a", cursor = 0, wait = 15 }, feed:question());
		end);

		it("for what comes after the last answer", function ()
			hear_snapshot();
			assert.same({ node = "node-a", epoch = "e", cursor = 7, wait = 15 }, feed:question());
			hear(events_of({}));
			assert.equal(7, feed:question().cursor);
			hear_events({ "suspend", name });
			assert.equal(8, feed:question().cursor);
		end);

		it("with a cursor that has not moved until all is carried out", function ()
			hear_snapshot();
			local question = feed:question();
			feed:begin(assert(feed:read(200, json.encode(events_of({ { "suspend", name } })), json)), question);
			assert.equal(7, feed:question().cursor);
		end);

		it("with a report of every event, until it was answered", function ()
			hear_snapshot({ { username = name, suspended = true } });
			assert.is_nil(feed:question().done);
			hear_events({ "suspend", name }, { "reinstate", name });
			local reports = {
				{ id = 8, sessions = 1, meetings = 0, logins = 0, waiting = 0 }, { id = 9, sessions = 1, meetings = 0, logins = 0, waiting = 0 };
			};
			assert.same(reports, feed:question().done);
			feed:failed("outage", half);
			assert.same(reports, feed:question().done);
			hear(events_of({}, 9));
			assert.is_nil(feed:question().done);
		end);

		it("with 32 reports, and the rest at once", function ()
			hear_snapshot();
			local orders = {};
			for i = 1, 100 do orders[i] = { "end_sessions", "ohg-" .. i }; end
			hear(events_of(orders));
			local asked = {};
			while feed:question().done do
				local question = feed:question();
				table.insert(asked, { #question.done, question.done[1].id, question.wait });
				hear({ epoch = "e", cursor = 107, events = {} });
			end
			assert.same({ { 32, 8, 0 }, { 32, 40, 0 }, { 32, 72, 0 }, { 4, 104, 15 } }, asked);
		end);

		it("with no report of another database", function ()
			hear_snapshot();
			hear_events({ "suspend", name });
			hear_snapshot({}, "restored");
			assert.is_nil(feed:question().done);
		end);

		it("with the meetings that run", function ()
			assert.is_nil(feed:question({}).meetings);
			assert.same({ [name] = 2, [other] = 1 }, feed:question({ [name] = 2, [other] = 1 }).meetings);
		end);

		it("with those meetings under no name that do not fit", function ()
			local running = {};
			for i = 1, 2000 do running["schule-" .. i] = 2; end
			local told, sum = feed:question(running).meetings, 0;
			for _, number in pairs(told) do sum = sum + number; end
			assert.equal(4000, sum);
			assert.is_true(told[""] > 2000);
			assert.equal(2, told["schule-1"]);
		end);

		it("with no more than 8 KiB, and keeps no more than a thousand reports", function ()
			hear_snapshot({}, ("e"):rep(128));
			local running = {};
			for i = 1, 2000 do running["schule-" .. i] = 99; end
			for id = 1, 3000 do feed:report({ id = 2000000000 + id }, { sessions = 99, meetings = 9, logins = 9 }); end
			local counted = counts.new(("r"):rep(32), pseudonyms);
			for i = 1, 500 do counted:opened(pseudonyms:of("schule-" .. i)); end
			assert.is_true(#json.encode(feed:question(running, counted:report(), ("v"):rep(64))) < 8192);
			assert.equal(1000, #feed.done);
			assert.equal(2000003000, feed.done[1000].id);
		end);
	end);

	describe("knows who is suspended", function ()
		local function suspended()
			local names, number = {}, 0;
			for _, username in ipairs({ name, other }) do
				if feed:is_suspended(username) then table.insert(names, username); end
				assert.equal(feed:is_suspended(username), feed:is_suspended(pseudonyms:of(username)));
			end
			for _ in pairs(feed.suspended) do number = number + 1; end
			assert.equal(2 * #names, number);
			table.sort(names);
			return table.concat(names, " ");
		end

		local cases = {
			{ "nobody at first", {}, "" };
			{ "those of the snapshot", { { { username = name, suspended = true }, { username = other, suspended = false } } }, name };
			{ "whom an event suspends", { {}, { "suspend", name }, { "suspend", other } }, "ohg-bbbb ohg-kwtx" };
			{ "a reinstated one no more", { {}, { "suspend", name }, { "suspend", other }, { "reinstate", name } }, other };
			{ "nobody whose sessions are ended", { {}, { "end_sessions", name } }, "" };
			{ "the same after orders that change nothing", { {}, { "reinstate", other }, { "suspend", name }, { "suspend", name } }, name };
		};
		for _, case in ipairs(cases) do
			it(case[1], function ()
				if case[2][1] then hear_snapshot(case[2][1]); end
				if case[2][2] then hear_events(table.unpack(case[2], 2)); end
				assert.equal(case[3], suspended());
			end);
		end

		it("and a later snapshot replaces all", function ()
			hear_snapshot({ { username = name, suspended = true } });
			hear_snapshot({ { username = other, suspended = true } }, "restored");
			assert.equal(other, suspended());
		end);

		for _, fault in ipairs({ "outage", "older", "malformed" }) do
			it(("and it stays so when there is no answer (%s)"):format(fault), function ()
				hear_snapshot({ { username = name, suspended = true } });
				feed:failed(fault, half);
				assert.equal(name, suspended());
			end);
		end
	end);

	describe("orders", function ()
		local function ends(order, began)
			return revocations.ends(order, began);
		end

		it("every event in its order, also of a name that is reinstated in the same answer", function ()
			hear_snapshot();
			local orders = hear_events({ "suspend", name }, { "reinstate", name }, { "end_sessions", other });
			assert.same({
				{ id = 8, username = name, action = "suspend" }, { id = 9, username = name, action = "reinstate" };
				{ id = 10, username = other, action = "end_sessions" };
			}, orders);
			assert.is_true(ends(orders[1], now) and ends(orders[3], now));
			assert.is_false(ends(orders[2], now));
		end);

		it("from a snapshot that all sessions of a suspended one end, whenever they began", function ()
			local orders = hear_snapshot({ { username = name, suspended = true, sessions_end_before = 5 } });
			assert.is_true(ends(orders[1], 1000000));
			assert.equal("suspend", orders[1].action);
		end);

		it("from a snapshot that sessions end which began before the moment, or nobody knows when", function ()
			local orders = hear_snapshot({ { username = name, suspended = false, sessions_end_before = 999.5 } });
			assert.equal("end_sessions", orders[1].action);
			for began, ended in pairs({ [0] = true, [999.4] = true, [999.5] = false, [999.6] = false }) do
				assert.equal(ended, ends(orders[1], began));
			end
			assert.is_true(ends(orders[1], nil));
		end);

		it("nothing for a name that is in order", function ()
			assert.is_false(ends(hear_snapshot({ { username = name, suspended = false } })[1], 0));
		end);
	end);

	describe("says of a login that the service grants", function ()
		local function verdict(...)
			hear_snapshot();
			local each = login();
			if ... then hear_events(...); end
			return feed:verdict_of(each);
		end

		local cases = {
			{ "granted, if nothing came meanwhile", {}, "granted" };
			{ "granted, if it came about another", { { "suspend", other } }, "granted" };
			{ "granted, if the organiser was reinstated", { { "reinstate", name } }, "granted" };
			{ "suspended, if the organiser was suspended", { { "suspend", name } }, "suspended" };
			{ "try again, if their sessions were ended", { { "end_sessions", name } }, "unavailable" };
			{ "try again, if the organiser was suspended and reinstated", { { "suspend", name }, { "reinstate", name } }, "unavailable" };
			{ "suspended, if their sessions were ended and they were suspended", { { "end_sessions", name }, { "suspend", name } }, "suspended" };
		};
		for _, case in ipairs(cases) do
			it(case[1], function () assert.equal(case[3], verdict(table.unpack(case[2]))); end);
		end

		it("granted, if it began after the order", function ()
			hear_snapshot();
			hear_events({ "end_sessions", name });
			assert.equal("granted", feed:verdict_of(login()));
		end);

		it("granted, if the service knows of a reinstatement before the feed tells it", function ()
			hear_snapshot({ { username = name, suspended = true } });
			assert.equal("granted", feed:verdict_of(login()));
			assert.is_false(feed:is_suspended(name) or feed:is_suspended(pseudonyms:of(name)));
		end);

		-- What comes before the answer, and what is told of each name.
		for case, words in pairs({
			["a suspension"] = { { "suspend", name }, "suspended" }, ["log out everywhere"] = { { "end_sessions", name }, "unavailable" };
		}) do
			it(("%s, if by a token whose organiser met %s before the answer named them"):format(words[2], case), function ()
				hear_snapshot();
				local theirs, colleagues = feed:login_began(nil, {}, now), feed:login_began(nil, {}, now);
				hear_events({ "end_sessions", "ohg-dddd" });
				hear_events(words[1]);
				local late = feed:login_began(nil, {}, now);
				for _, each in ipairs({ theirs, late }) do feed:login_named(each, { username = name }); end
				feed:login_named(colleagues, { username = other });
				assert.same({ words[2], "granted", "granted" }, { feed:verdict_of(theirs), feed:verdict_of(colleagues), feed:verdict_of(late) });
				assert.same({ theirs }, feed:ended_logins(name));
			end);
		end

		it("nothing else of a login that another organiser's end crosses after it was named", function ()
			hear_snapshot();
			local each = feed:login_began(nil, {}, now);
			feed:login_named(each, { username = name, is_shared = true });
			hear_events({ "suspend", other });
			assert.is_true(feed:may_bind(name, each) and each.is_shared);
			hear_events({ "suspend", name });
			assert.is_false(feed:may_bind(name, each));
		end);

		for moment, word in pairs({ [1000] = "granted", [1000.1] = "unavailable" }) do
			it(("%s, if a snapshot ends sessions that began before %.1f, and it began at 1000"):format(word, moment), function ()
				local each = login();
				hear_snapshot({ { username = name, suspended = false, sessions_end_before = moment } });
				assert.equal(word, feed:verdict_of(each));
			end);
		end

		-- By our clock the question went at 990, the answer came at 1000, and the login began at 1000.
		for case, each in pairs({
			["ours is two days ahead, and they ended a minute ago"] = { at = 1000 - 172800, before = 940 - 172800, word = "granted" };
			["ours is two days ahead, and they ended in this second"] = { at = 999.9 - 172800, before = 1000 - 172800, word = "unavailable" };
			["ours is ten minutes ahead, and they ended in this second"] = { at = 399.9, before = 400, word = "unavailable" };
			["ours is ten minutes behind, and they ended a minute ago"] = { at = 1600, before = 1540, word = "granted" };
			["ours is two days behind, and they ended a minute ago"] = { at = 1000 + 172800, before = 940 + 172800, word = "granted" };
			["both agree, and the answer was on its way for seconds"] = { at = 991, before = 1000, word = "granted" };
			["an older service does not tell its own"] = { before = 1000, word = "granted" };
		}) do
			it(each.word .. ", if sessions were ended by another clock: " .. case, function ()
				local body = { epoch = "e", cursor = 7, at = each.at, snapshot = {
					{ username = name, suspended = false, sessions_end_before = each.before };
				} };
				local each_login = login();
				local answer = assert(feed:read(200, json.encode(body), json, { asked = 990, answered = 1000 }));
				feed:begin(answer, feed:question());
				assert.equal(each.word, feed:verdict_of(each_login));
			end);
		end

		it("suspended, if a snapshot says so", function ()
			local each = login();
			hear_snapshot({ { username = name, suspended = true } });
			assert.equal("suspended", feed:verdict_of(each));
		end);
	end);

	describe("lets a session bind", function ()
		before_each(function () hear_snapshot(); end);

		it("until an order ends its login", function ()
			local each, another = login(), login(other);
			assert.is_true(feed:may_bind(name, each));
			hear_events({ "end_sessions", name });
			assert.is_false(feed:may_bind(name, each));
			assert.is_true(feed:may_bind(other, another));
		end);

		it("not even after a reinstatement, once its login is ended", function ()
			local each = login();
			hear_events({ "suspend", name }, { "reinstate", name });
			assert.is_false(feed:may_bind(name, each));
		end);

		it("of a time before this feed only if nobody is suspended by that name", function ()
			hear_events({ "suspend", name });
			assert.is_false(feed:may_bind(name, { username = name, began = now }));
			assert.is_false(feed:may_bind(name, nil));
			assert.is_true(feed:may_bind(other, nil));
		end);
	end);

	describe("remembers logins", function ()
		local function count()
			local number = 0;
			for _ in pairs(feed.logins) do number = number + 1; end
			return number;
		end

		it("and lists those which an order has ended", function ()
			hear_snapshot();
			local first, second = login(), login();
			login(other);
			feed:login_over(second);
			hear_events({ "suspend", name });
			assert.same({ first }, feed:ended_logins(name));
			assert.same({}, feed:ended_logins(other));
		end);

		it("until they are over", function ()
			local each = login();
			feed:login_over(each);
			assert.equal(0, count());
		end);

		it("and forgets those whose sessions are gone: ten thousand leave nothing behind", function ()
			for _ = 1, 10000 do
				local session = {};
				session.auth_external_login = feed:login_began(name, session, now);
			end
			collectgarbage(); collectgarbage();
			assert.equal(0, count());
		end);
	end);

	describe("pauses", function ()
		local function pauses(fault, times, random)
			local all = {};
			for i = 1, times do all[i] = feed:failed(fault, random or half); end
			return all;
		end

		it("longer and longer up to ten seconds while nobody answers", function ()
			assert.same({ 0.25, 0.5, 1, 2, 4, 8, 10, 10 }, pauses("outage", 8));
		end);

		it("from the beginning after an answer", function ()
			pauses("outage", 5);
			hear_snapshot();
			assert.same({ 0.25, 0.5 }, pauses("outage", 2));
		end);

		it("a minute where there is no feed", function ()
			assert.same({ 60, 60 }, pauses("older", 2));
		end);

		it("a fifth less or more, at random", function ()
			assert.is_true(math.abs(feed:failed("older", 0) - 48) < 1e-9);
			assert.is_true(math.abs(feed:failed("older", 1) - 72) < 1e-9);
		end);

		it("not before it has asked each of several services", function ()
			start(3);
			assert.same({ 0, 0, 0.25, 0, 0, 0.5 }, pauses("outage", 6));
		end);

		it("not after an answer", function ()
			assert.equal(0, select(2, hear_snapshot()));
			assert.equal(0, select(2, hear_events({ "suspend", name })));
			for _ = 1, 3 do assert.equal(0, select(2, hear({ epoch = "e", cursor = 8, events = {} }, 15))); end
		end);

		it("after the second empty answer in a row that came long before its time", function ()
			hear_snapshot();
			local all = {};
			for i, took in ipairs({ 0.1, 0.1, 0.1, 15, 0.1, 0.1 }) do all[i] = select(2, hear(events_of({}), took)); end
			assert.same({ 0, 1, 1, 0, 0, 1 }, all);
		end);
	end);

	describe("starts anew, with a snapshot,", function ()
		for _, fault in ipairs({ "outage", "older", "malformed" }) do
			it((fault == "malformed" and "after %s" or "but not after %s"):format(fault), function ()
				hear_snapshot();
				feed:failed(fault, half);
				assert.equal(fault ~= "malformed" and "e" or nil, feed:question().epoch);
				assert.equal(fault ~= "malformed" and 7 or 0, feed:question().cursor);
			end);
		end
	end);

	describe("discards as a whole", function ()
		local good = { id = 8, username = name, action = "suspend" };

		local function changed(over)
			local all = {};
			for key, value in pairs(good) do all[key] = value; end
			for key, value in pairs(over) do all[key] = value; end
			return { epoch = "e", cursor = 9, events = { good, all } };
		end

		local cases = {
			["events of another epoch"] = { epoch = "other", cursor = 8, events = { good } };
			["an id twice"] = changed({ id = 8 });
			["an id that is there already"] = { epoch = "e", cursor = 8, events = { { id = 7, username = name, action = "suspend" } } };
			["an id that is no whole number"] = changed({ id = 8.5 });
			["an id that is a text"] = changed({ id = "9" });
			["an endless name"] = changed({ id = 9, username = ("x"):rep(1024) });
			["an empty name"] = changed({ id = 9, username = "" });
			["an action that is no text"] = changed({ id = 9, action = true });
			["a cursor before its events"] = { epoch = "e", cursor = 7, events = { good } };
			["a cursor below nothing"] = { epoch = "e", cursor = -1, events = {} };
			["events that are no list"] = { epoch = "e", cursor = 9, events = { a = good } };
			["events that are a text"] = { epoch = "e", cursor = 9, events = "none" };
			["events that are null"] = { epoch = "e", cursor = 9, events = json.null };
			["an endless epoch"] = { epoch = ("e"):rep(129), cursor = 9, snapshot = {} };
			["a clock that is a text"] = { epoch = "e", cursor = 9, at = "now", snapshot = { good } };
			["a moment that is a text"] = { epoch = "e", cursor = 9, snapshot = {
				{ username = name, suspended = true }, { username = name, suspended = false, sessions_end_before = "now" };
			} };
		};
		for case, body in pairs(cases) do
			it("an answer with " .. case, function ()
				hear_snapshot();
				local answer, fault = feed:read(200, json.encode(body), json);
				assert.is_nil(answer);
				assert.equal("malformed", fault);
			end);
		end

		for _, body in ipairs({ "", "[", "null", "5", '"text"', "[]", ("["):rep(5000) }) do
			it(("the body %q"):format(body:sub(1, 10)), function ()
				assert.is_nil(feed:read(200, body, json));
			end);
		end

		it("events before the first snapshot", function ()
			assert.is_nil(feed:read(200, json.encode(events_of({ { "suspend", name } })), json));
		end);
	end);

	it("names the reason of an outage", function ()
		assert.equal("no answer in time", select(3, feed:read(0, "timeout", json)));
		assert.equal("connection refused", select(3, feed:read(0, "connection refused", json)));
		assert.equal("HTTP status 500", select(3, feed:read(500, "", json)));
	end);
end);
