local libraries = dofile("tests/lua/prosody_libraries.lua");
local findings = libraries.own("check_findings");

local url = "http://127.0.0.1:8701";
local now = 1763754360; -- Fri, 21 Nov 2025 19:46:00 GMT

local function healthy(over)
	local answer = { code = 200, body = { status = "ok", version = "1.2.3" }, date = "Fri, 21 Nov 2025 19:46:00 GMT", now = now };
	for name, value in pairs(over or {}) do answer[name] = value; end
	return answer;
end

local function probe(over)
	local all = {
		url = url, health = healthy();
		ready = { code = 200, body = { storage = "ok", purge = "ok", disk = "ok" } };
		acceptance = { code = 400, body = { error = "malformed", detail = "request_id must be a text" } };
		feed = { code = 400, body = { error = "malformed", detail = "node must be a text" } };
	};
	for name, value in pairs(over or {}) do all[name] = value; end
	return all;
end

local place = { focus = "focus.meet.test", target = "focus@auth.meet.test", muc = "conference.meet.test" };

-- The facts of a server without browsers where all is well, but for what is given.
local function facts(over)
	local all = {
		host = "meet.test", faults = {}, probes = { probe() }, token_file = "/etc/authbridge/api-token", token_mode = "rw-r-----";
		place = place, bypasses = {}, token_hosts = {};
	};
	for name, value in pairs(over or {}) do all[name] = value; end
	return all;
end

local function signs(found)
	local seen = {};
	for _, each in ipairs(found) do seen[each.sign] = (seen[each.sign] or 0) + 1; end
	return seen;
end

-- The only finding of that sign.
local function only(sign, found)
	assert.equal(1, signs(found)[sign]);
	for _, each in ipairs(found) do
		if each.sign == sign then return each; end
	end
end

local function about_probe(over)
	return findings.of(facts({ probes = { probe(over) } }));
end

describe("Where all is well", function ()
	it("everything is ok and nothing else is said", function ()
		local found = findings.of(facts());
		assert.same({ ok = 6 }, signs(found));
		assert.is_false(findings.holds_error(found));
	end);
end);

describe("About the options", function ()
	it("each fault is an error", function ()
		local found = findings.of(facts({ faults = { "Option external_auth_timeout must be 1 to 60 seconds." } }));
		assert.equal("Option external_auth_timeout must be 1 to 60 seconds.", only("error", found).words);
	end);

	it("a token file that cannot be read is mended by group and mode, in a line that can be copied", function ()
		local each = only("error", findings.of(facts({ faults = {
			"Option external_auth_token_file names a file that Prosody cannot read: /etc/authbridge/api-token: Permission denied.";
		} })));
		assert.matches("chgrp authbridge-token /etc/authbridge/api-token && chmod 640 /etc/authbridge/api-token && usermod ", each.mend, 1, true);
	end);

	it("a token file that does not exist is mended by its name", function ()
		local each = only("error", findings.of(facts({ faults = {
			"Option external_auth_token_file names a file that Prosody cannot read: /nowhere: No such file or directory.";
		} })));
		assert.matches("AUTHBRIDGE_API_TOKEN_FILE", each.mend);
	end);

	for _, mode in ipairs({ "rw-r--r--", "rw----r--", "rw-r----x", "rw-r---w-" }) do
		it("a token file that others may open is a warning: " .. mode, function ()
			assert.equal("chmod o= /etc/authbridge/api-token", only("warning", findings.of(facts({ token_mode = mode }))).mend);
		end);
	end

	for _, mode in ipairs({ "rw-r-----", "rw-------", "r--------" }) do
		it("a token file that others cannot open is in order: " .. mode, function ()
			assert.is_nil(signs(findings.of(facts({ token_mode = mode }))).warning);
		end);
	end
end);

describe("About a service", function ()
	it("a refused connection says how to start it", function ()
		local each = only("error", about_probe({ health = { code = 0, reason = "connection refused" } }));
		assert.matches(url .. " cannot be reached: connection refused", each.words, 1, true);
		assert.matches("systemctl start authbridge-api", each.mend, 1, true);
	end);

	it("a time-out is an error", function ()
		assert.matches("no answer in time", only("error", about_probe({ health = { code = 0, reason = "timeout" } })).words);
	end);

	for _, stranger in ipairs({ { code = 404, body = {} }, { code = 200 }, { code = 200, body = { status = "ok" } }, { code = 200, body = "ok" } }) do
		it(("somebody else on its port is told apart (%d, %s)"):format(stranger.code, type(stranger.body)), function ()
			assert.matches("not as AuthBridge does", only("error", about_probe({ health = stranger })).words);
		end);
	end

	it("storage that fails is an error", function ()
		local ready = { code = 503, body = { storage = "cannot be written", purge = "unknown", disk = "ok" } };
		local found = about_probe({ ready = ready });
		assert.matches("its storage: cannot be written", only("error", found).words);
		assert.matches("its purge: unknown", only("warning", found).words);
	end);

	it("an overdue purge and a full disk are warnings, for organisers still get in", function ()
		local ready = { code = 503, body = { storage = "ok", purge = "old rows were never deleted", disk = "only 3 MiB are free" } };
		local found = about_probe({ ready = ready });
		assert.equal(2, signs(found).warning);
		assert.is_false(findings.holds_error(found));
	end);

	it("a status that contradicts its words is an error", function ()
		assert.is_true(findings.holds_error(about_probe({ ready = { code = 503, body = { storage = "ok" } } })));
		assert.is_true(findings.holds_error(about_probe({ ready = { code = 500, body = { error = "internal" } } })));
		assert.is_true(findings.holds_error(about_probe({ ready = { code = 0, reason = "timeout" } })));
	end);

	it("a refused token is an error", function ()
		assert.matches("refuses the token", only("error", about_probe({ acceptance = { code = 401, body = { error = "token" } } })).words);
	end);

	it("another host is an error, with the service's own words", function ()
		local each = only("error", about_probe({ acceptance = {
			code = 400, body = { error = "host", detail = "this service answers for other.test" };
		} }));
		assert.matches("this service answers for other.test", each.words);
		assert.matches("AUTHBRIDGE_XMPP_HOST=meet.test", each.mend);
	end);

	for _, answer in ipairs({
		{ code = 200, body = { verdict = "granted" } }, { code = 400 }, { code = 500, body = {} }, { code = 0, reason = "closed" };
	}) do
		it(("any other answer to the question is an error (%d)"):format(answer.code), function ()
			assert.is_true(findings.holds_error(about_probe({ acceptance = answer })));
		end);
	end

	it("one that is older than the feed is a warning: logins work, suspensions wait for the next one", function ()
		local found = about_probe({ feed = { code = 404, body = { error = "not found" } } });
		assert.matches("they count from the next login on", only("warning", found).words);
		assert.is_false(findings.holds_error(found));
	end);

	for _, answer in ipairs({ { code = 200, body = {} }, { code = 400 }, { code = 503, body = {} }, { code = 0, reason = "closed" } }) do
		it(("any other answer of the feed is a warning (%d)"):format(answer.code), function ()
			assert.matches("/v1/revocations", only("warning", about_probe({ feed = answer })).words, 1, true);
		end);
	end

	it("nothing is said of the feed where the token is refused already", function ()
		local refused = { code = 401, body = { error = "token" } };
		assert.is_nil(signs(about_probe({ acceptance = refused, feed = refused })).warning);
	end);

	it("what it says is shown short and cannot steer a terminal", function ()
		local detail = "\27[2J" .. ("x"):rep(1000);
		local each = only("error", about_probe({ acceptance = { code = 400, body = { error = "host", detail = detail } } }));
		assert.is_nil(each.words:find("\27"));
		assert.is_true(#each.words < 300);
	end);

	it("a clock within five seconds is in order, and beyond is a warning", function ()
		for difference, warnings in pairs({ [0] = 0, [5] = 0, [-5] = 0, [6] = 1, [-6] = 1, [86400] = 1 }) do
			local found = about_probe({ health = healthy({ now = now + difference }) });
			assert.equal(warnings, signs(found).warning or 0);
		end
	end);

	it("a date that cannot be read is passed over", function ()
		for _, date in ipairs({ "", "yesterday", "Fri, 21 Nox 2025 19:46:00 GMT" }) do
			assert.same({ ok = 6 }, signs(about_probe({ health = healthy({ date = date }) })));
		end
	end);

	it("one that is down among several is a warning, as long as another works", function ()
		local down = probe({ url = "http://127.0.0.1:8703", health = { code = 0, reason = "connection refused" } });
		local found = findings.of(facts({ probes = { down, probe() } }));
		assert.matches("8703 cannot be reached", only("warning", found).words);
		assert.is_false(findings.holds_error(found));
		assert.is_true(findings.holds_error(findings.of(facts({ probes = { down, down } }))));
	end);
end);

describe("About browsers", function ()
	for _, name in ipairs({ "bosh", "websocket" }) do
		it(name .. " without consider_" .. name .. "_secure is a warning", function ()
			local each = only("warning", findings.of(facts({ [name] = true })));
			assert.matches("No stream features", each.words);
			assert.matches("consider_" .. name .. "_secure = true", each.mend);
		end);
	end
end);

describe("About neighbours", function ()
	for fact, words in pairs({ limit_auth = "mod_limit_auth", listed = "modules_enabled", debug_log = "passwords" }) do
		it(fact .. " is a warning with a remedy", function ()
			local each = only("warning", findings.of(facts({ [fact] = true })));
			assert.matches(words, each.words);
			assert.is_string(each.mend);
		end);
	end
end);

describe("About Jitsi's tokens", function ()
	it("each host that takes them is a warning: what requests claim is left to it then", function ()
		local each = only("warning", findings.of(facts({ token_hosts = { "token.test" } })));
		assert.matches("token.test takes Jitsi's tokens", each.words, 1, true);
		assert.is_string(each.mend);
	end);
end);

describe("Prosody's option log", function ()
	local sinks = {
		{ false, nil, "the default" };
		{ false, "/var/log/prosody/prosody.log", "one file" };
		{ true, "*syslog", "one sink for everything" };
		{ false, { info = "/var/log/prosody/prosody.log", error = "*syslog" }, "Debian's" };
		{ true, { debug = "/var/log/prosody/debug.log", info = "*syslog" }, "a file for debug" };
		{ true, { { to = "console" } }, "a sink without levels" };
		{ true, { "*console" }, "a sink by name" };
		{ true, { { to = "console", levels = { min = "debug" } } }, "a sink from debug on" };
		{ true, { { to = "console", levels = { max = "debug" } } }, "a sink up to debug" };
		{ true, { { to = "console", levels = { "error", "debug" } } }, "a sink with a list" };
		{ true, { { to = "console", levels = "debug" } }, "a sink with one level" };
		{ false, { { to = "console", levels = { min = "info" } }, { to = "file", levels = { "warn", "error" } } }, "two quiet sinks" };
	};
	for _, case in ipairs(sinks) do
		it(("writes debug messages or not: %s"):format(case[3]), function ()
			assert.equal(case[1], findings.logs_debug(case[2]));
		end);
	end
end);

describe("About the meetings", function ()
	it("they are guarded where Jitsi was found", function ()
		local said = findings.of(facts());
		assert.equal("Meetings at conference.meet.test are guarded: their requests pass focus.meet.test on the way to focus@auth.meet.test.",
			said[6].words);
	end);

	it("a plain Prosody has none, which is worth a note and no more", function ()
		local note = only("note", findings.of(facts({ place = {} })));
		assert.matches("no Jitsi here", note.words, 1, true);
	end);

	it("an option that names what is not there is said", function ()
		local fault = "Option external_auth_muc names x, which is no Component of type muc.";
		assert.matches(fault, only("warning", findings.of(facts({ place = {}, place_fault = fault }))).words, 1, true);
	end);

	it("rooms that are not found are said", function ()
		local warning = only("warning", findings.of(facts({ place = { focus = "f", target = "t@a", meetings = { "a.test", "b.test" } } })));
		assert.matches("external_auth_muc", warning.mend, 1, true);
		assert.matches("at any of a.test, b.test.", warning.words, 1, true);
	end);

	it("each config.js that goes past Prosody is said", function ()
		local source = "https://meet.example.org/config.js";
		local warning = only("warning", findings.of(facts({ bypasses = { source } })));
		assert.matches(source .. " sends conference requests to jicofo over HTTP", warning.words, 1, true);
		assert.matches("conferenceRequestUrl", warning.mend, 1, true);
	end);
end);

describe("An HTTP date", function ()
	for date, seconds in pairs({
		["Thu, 01 Jan 1970 00:00:00 GMT"] = 0;
		["Sun, 06 Nov 1994 08:49:37 GMT"] = 784111777;
		["Tue, 29 Feb 2000 23:59:59 GMT"] = 951868799;
		["Wed, 01 Mar 2000 00:00:00 GMT"] = 951868800;
		["Thu, 29 Feb 2024 12:00:00 GMT"] = 1709208000;
		["Fri, 21 Nov 2025 19:46:00 GMT"] = now;
	}) do
		it("becomes seconds since 1970: " .. date, function ()
			assert.equal(seconds, findings.seconds_of(date));
		end);
	end
end);

describe("A finding", function ()
	it("is one line with its sign, its words and the remedy last, without a full stop to copy along", function ()
		assert.equal("[ok] All is well.", findings.line({ sign = "ok", words = "All is well." }));
		assert.equal("[error] Closed. Mend: open /door", findings.line({ sign = "error", words = "Closed.", mend = "open /door" }));
	end);
end);
