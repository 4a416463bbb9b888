local libraries = dofile("tests/lua/prosody_libraries.lua");
local findings_seen = dofile("tests/lua/findings_seen.lua");
local addresses, findings = libraries.own("check_addresses"), libraries.own("check_findings");
local signs, with_sign = findings_seen.signs, findings_seen.with_sign;

local forged, here, gateway = "203.0.113.77", "198.51.100.7", "172.18.0.1";

-- A location whose proxy overwrites the forged address, seen from the server itself, but for what is given.
local function location(over)
	local all = {
		url = "https://meet.test/xmpp-websocket", path = "/xmpp-websocket", name = "meet.test", forged = forged, code = 200;
		source = here, seen = { ip = here, fate = "changed", by_sender = false };
	};
	for name, value in pairs(over or {}) do all[name] = value; end
	return all;
end

local function seen(ip, fate, by_sender)
	return { ip = ip, fate = fate, by_sender = by_sender };
end

local bosh = location({ url = "https://meet.test/http-bind", path = "/http-bind" });

local function about(facts)
	local all = { host = "meet.test", bosh = true, websocket = true };
	for name, value in pairs(facts) do all[name] = value; end
	return addresses.of(all);
end

local function through(over, vouched)
	return about({ locations = { bosh, location(over) }, vouched = vouched });
end

local function recommends(found)
	return found[#found].fix ~= nil and found[#found].fix:find("^external_auth_proxy_overwrites_address = true below") ~= nil;
end

describe("Where both locations overwrite a forged address", function ()
	it("the option is to be set, and where", function ()
		local found = through({});
		assert.same({ ok = 2, note = 1 }, signs(found));
		assert.is_true(recommends(found));
		assert.matches('below VirtualHost "meet.test", then restart Prosody', found[3].fix, 1, true);
	end);

	it("the option is right", function ()
		assert.same({ ok = 3 }, signs(through({}, true)));
	end);

	it("an appended header is as good, and so is an address that came through an IPv6 socket", function ()
		assert.same({ ok = 2, note = 1 }, signs(through({ seen = seen("::ffff:" .. here, "changed", false) })));
		assert.same({ ok = 2, note = 1 }, signs(through({ source = "::ffff:" .. here })));
	end);

	for _, loopback in ipairs({ "127.0.0.1", "127.0.1.1", "::1", "::ffff:127.0.0.1" }) do
		it("a check that came over loopback says what it cannot see: " .. loopback, function ()
			local found = through({ source = loopback, seen = seen("127.0.0.1", "changed", true) });
			assert.matches("came over loopback", with_sign("note", found)[1].words);
			assert.is_true(recommends(found));
		end);
	end

	for name, source in pairs({ ["from elsewhere"] = here, ["from nobody knows where"] = false }) do
		it("an address that is not the check's own is a warning about gateways: " .. name, function ()
			local found = through({ source = source, seen = seen(gateway, "changed", false) });
			assert.matches("Prosody sees " .. gateway, with_sign("warning", found)[1].words, 1, true);
			assert.is_true(recommends(found));
		end);
	end

	it("what holds for both is said once", function ()
		local over_loopback = { source = "127.0.0.1", seen = seen("127.0.0.1", "changed", true) };
		local found = about({ locations = { location(over_loopback), location(over_loopback) } });
		assert.same({ ok = 1, note = 2 }, signs(found));
	end);
end);

describe("Where a location does not overwrite it", function ()
	it("a forged address that is believed is a warning with the line of nginx, and the option forbidden", function ()
		local found = through({ seen = seen(forged, "kept", false) });
		local each = with_sign("warning", found)[1];
		assert.matches("https://meet.test/xmpp-websocket: a forged address was believed", each.words, 1, true);
		assert.matches('"proxy_set_header X-Forwarded-For $remote_addr;" to "location = /xmpp-websocket"', each.fix, 1, true);
		assert.matches("Do NOT set external_auth_proxy_overwrites_address", found[#found].words, 1, true);
	end);

	it("a forged address that is believed and vouched for is an error", function ()
		assert.same({ ok = 1, error = 2 }, signs(through({ seen = seen(forged, "kept", false) }, true)));
	end);

	it("a forged address before a loopback one that the proxy appends is believed too", function ()
		assert.same({ ok = 1, warning = 1, note = 1 }, signs(through({ source = "127.0.0.1", seen = seen(forged, "changed", false) })));
	end);

	local alike = {
		{ "the header is dropped", { seen = seen("127.0.0.1", "gone", true) }, "passes no X-Forwarded-For on" };
		{ "the header passes, and the proxy is not trusted", { seen = seen(gateway, "kept", true) }, "lets a forged address pass" };
		{ "the header is overwritten, and the proxy is not trusted", { seen = seen(gateway, "changed", true) }, "does not believe" };
		{ "something stands before nginx", { seen = seen("127.0.0.1", "changed", true) }, "stands in between" };
	};
	for _, case in ipairs(alike) do
		it("everybody looks alike if " .. case[1], function ()
			local found = through(case[2]);
			assert.same({ ok = 1, warning = 1, note = 1 }, signs(found));
			assert.matches(case[3], with_sign("warning", found)[1].words, 1, true);
			assert.is_string(with_sign("warning", found)[1].fix);
			assert.is_false(recommends(found));
			assert.is_true(findings.holds_error(through(case[2], true)));
		end);
	end

	it("a proxy that is not trusted is to be named in trusted_proxies", function ()
		local found = through({ seen = seen(gateway, "changed", true) });
		assert.matches('trusted_proxies = { "127.0.0.1", "::1", "172.18.0.1" }', with_sign("warning", found)[1].fix, 1, true);
	end);
end);

describe("Where nothing can be learned", function ()
	local strangers = {
		{ "nobody answers", { code = 0, reason = "connection refused" }, "cannot be reached from this machine: connection refused" };
		{ "nobody answers in time", { code = 0, reason = "timeout" }, "no answer in time" };
		{ "it is a redirect", { code = 301, leads_to = "https://other.test/\27[2J" }, "redirects to https://other.test/?[2J" };
		{ "there is no such location", { code = 404 }, "nothing there (HTTP status 404)" };
		{ "Prosody is down", { code = 502 }, "does not reach Prosody (HTTP status 502)" };
		{ "the proxy forbids it", { code = 403 }, "not as this module" };
		{ "somebody else answers", { code = 200 }, "not as this module" };
	};
	for _, case in ipairs(strangers) do
		it("it is an error that recommends nothing, whether vouched or not: " .. case[1], function ()
			for _, vouched in ipairs({ false, true }) do
				local over = { code = case[2].code, reason = case[2].reason, leads_to = case[2].leads_to, seen = false };
				local found = through(over, vouched);
				assert.same({ ok = 1, error = 1, note = 1 }, signs(found));
				assert.matches(case[3], with_sign("error", found)[1].words, 1, true);
				assert.is_string(with_sign("error", found)[1].fix);
				assert.is_false(recommends(found));
			end
		end);
	end

	it("a certificate that cannot be verified is one warning, and the rest counts all the same", function ()
		local over = { certificate = "certificate verify failed" };
		local found = about({ locations = { location(over), location(over) } });
		assert.equal(1, #with_sign("warning", found));
		assert.is_true(recommends(found));
	end);

	it("a Prosody without browsers is an error", function ()
		assert.same({ error = 1 }, signs(addresses.of({ host = "meet.test", locations = {} })));
	end);
end);

describe("Without a URL", function ()
	it("the command that looks is named", function ()
		for _, vouched in ipairs({ false, true }) do
			local found = about({ vouched = vouched });
			assert.same({ note = 1 }, signs(found));
			assert.matches("prosodyctl mod_auth_external check https://meet.test", found[1].fix, 1, true);
		end
	end);

	it("nothing is said where there are no browsers", function ()
		assert.same({}, addresses.of({ host = "meet.test", trusted_proxies = { "0.0.0.0/0" }, vouched = true }));
	end);
end);

describe("Prosody's option trusted_proxies", function ()
	for _, proxies in ipairs({
		{ "0.0.0.0/0" }, { "127.0.0.1", "::/0" }, { "0.0.0.0/1", "128.0.0.0/1" }, { "::/1", "8000::/1" }, { "::ffff:0:0/96" }, {},
	}) do
		it(("is a warning if it cannot be right (%s)"):format(table.concat(proxies, " ")), function ()
			assert.matches("trusted_proxies", with_sign("warning", about({ vouched = true, trusted_proxies = proxies }))[1].words);
		end);
	end

	it("is no warning as Prosody chooses it, or with a named proxy", function ()
		for _, proxies in ipairs({ false, { "127.0.0.1", "::1" }, { "10.0.0.0/8", "fc00::/7", "proxy" } }) do
			assert.same({ note = 1 }, signs(about({ vouched = true, trusted_proxies = proxies or nil })));
		end
	end);

	it("with every address in it forbids the option, whatever was seen", function ()
		local found = about({ locations = { bosh, location() }, trusted_proxies = { "0.0.0.0/0" } });
		assert.is_false(recommends(found));
	end);
end);

describe("The URL", function ()
	local good = {
		["https://meet.test"] = { base = "https://meet.test", name = "meet.test" };
		["HTTPS://Meet.test/"] = { base = "https://Meet.test", name = "meet.test" };
		["http://127.0.0.1:8080/sub//"] = { base = "http://127.0.0.1:8080/sub", name = "127.0.0.1" };
		["https://[::1]:8443"] = { base = "https://[::1]:8443", name = "[::1]" };
	};
	for text, url in pairs(good) do
		it("is understood: " .. text, function () assert.same(url, addresses.parse_url(text)); end);
	end

	for _, text in ipairs({
		"meet.test", "ftp://meet.test", "https://", "https://user@meet.test", "https://meet.test/?x", "https://meet.test/#x", "https://meet test";
	}) do
		it("is none: " .. text, function () assert.is_nil(addresses.parse_url(text)); end);
	end
end);
