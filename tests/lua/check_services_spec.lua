local libraries = dofile("tests/lua/prosody_libraries.lua");
local findings_seen = dofile("tests/lua/findings_seen.lua");
local findings, check_services = libraries.own("check_findings"), libraries.own("check_services");
local signs, only = findings_seen.signs, findings_seen.only;

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

-- The facts of a server where all is well, but for what is given.
local function facts(over)
	local all = {
		host = "meet.test", faults = {}, probes = { probe() }, token_file = "/etc/authbridge/api-token", token_mode = "rw-r-----";
	};
	for name, value in pairs(over or {}) do all[name] = value; end
	return all;
end

local function about_probe(over)
	return check_services.of(facts({ probes = { probe(over) } }));
end

describe("Where all is well", function ()
	it("everything is ok and nothing else is said", function ()
		local found = check_services.of(facts());
		assert.same({ ok = 5 }, signs(found));
		assert.is_false(findings.holds_error(found));
	end);
end);

describe("About the tokens of the login page", function ()
	it("a service that knows them is ok, and an older one is an error with a remedy", function ()
		local known = { code = 400, body = { error = "malformed", detail = "transport must be a text" } };
		assert.same({ ok = 6 }, signs(about_probe({ tokens = known })));
		local each = only("error", about_probe({ tokens = { code = 404, body = { error = "not found" } } }));
		assert.matches("does not know the tokens", each.words, 1, true);
		assert.is_string(each.fix);
	end);

	it("another answer is an error", function ()
		assert.same({ ok = 5, error = 1 }, signs(about_probe({ tokens = { code = 502 } })));
	end);
end);

describe("Where authentication is set above all hosts", function ()
	it("a host that the service does not answer for gets its own line, and the service keeps its own host", function ()
		local answer = { code = 400, body = { error = "host", detail = "this service answers for meet.test" } };
		local each = only("error", check_services.of(facts({ host = "auth.meet.test", inherits = true, probes = { probe({ acceptance = answer }) } })));
		assert.matches('below VirtualHost "auth.meet.test"', each.fix, 1, true);
		assert.is_nil(each.fix:find("AUTHBRIDGE_XMPP_HOST", 1, true));
	end);
end);

describe("About the options", function ()
	it("each fault is an error", function ()
		local found = check_services.of(facts({ faults = { "Option external_auth_timeout must be 1 to 60 seconds." } }));
		assert.equal("Option external_auth_timeout must be 1 to 60 seconds.", only("error", found).words);
	end);

	it("a token file that cannot be read is fixed by group and mode, in a line that can be copied", function ()
		local each = only("error", check_services.of(facts({ faults = {
			"Option external_auth_token_file names a file that Prosody cannot read: /etc/authbridge/api-token: Permission denied.";
		} })));
		assert.matches("chgrp authbridge-token /etc/authbridge/api-token && chmod 640 /etc/authbridge/api-token && usermod ", each.fix, 1, true);
	end);

	it("a token file that does not exist is fixed by its name", function ()
		local each = only("error", check_services.of(facts({ faults = {
			"Option external_auth_token_file names a file that Prosody cannot read: /nowhere: No such file or directory.";
		} })));
		assert.matches("AUTHBRIDGE_API_TOKEN_FILE", each.fix);
	end);

	for _, mode in ipairs({ "rw-r--r--", "rw----r--", "rw-r----x", "rw-r---w-" }) do
		it("a token file that others may open is a warning: " .. mode, function ()
			assert.equal("chmod o= /etc/authbridge/api-token", only("warning", check_services.of(facts({ token_mode = mode }))).fix);
		end);
	end

	for _, mode in ipairs({ "rw-r-----", "rw-------", "r--------" }) do
		it("a token file that others cannot open is in order: " .. mode, function ()
			assert.is_nil(signs(check_services.of(facts({ token_mode = mode }))).warning);
		end);
	end
end);

describe("About a service", function ()
	it("a refused connection says how to start it", function ()
		local each = only("error", about_probe({ health = { code = 0, reason = "connection refused" } }));
		assert.matches(url .. " cannot be reached: connection refused", each.words, 1, true);
		assert.matches("systemctl start authbridge-api", each.fix, 1, true);
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
		assert.matches("AUTHBRIDGE_XMPP_HOST=meet.test", each.fix);
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
			assert.same({ ok = 5 }, signs(about_probe({ health = healthy({ date = date }) })));
		end
	end);

	it("one that is down among several is a warning, as long as another works", function ()
		local down = probe({ url = "http://127.0.0.1:8703", health = { code = 0, reason = "connection refused" } });
		local found = check_services.of(facts({ probes = { down, probe() } }));
		assert.matches("8703 cannot be reached", only("warning", found).words);
		assert.is_false(findings.holds_error(found));
		assert.is_true(findings.holds_error(check_services.of(facts({ probes = { down, down } }))));
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
			assert.equal(seconds, check_services.seconds_of(date));
		end);
	end
end);
