local libraries = dofile("tests/lua/prosody_libraries.lua");
local login_answer = libraries.own("authbridge/login_answer");
local question = { request_id = "q-1", username = "ohg-kwtx" };

local function no_decoding()
	error("there is nothing to decode");
end

local function fault_of(code, body)
	local verdict, fault, detail = login_answer.read(code, body, question, no_decoding);
	assert.is_nil(verdict);
	assert.is_string(detail);
	return fault, detail;
end

describe("A question without an answer", function ()
	-- What net.http and LuaSocket can say; transport_spec.lua hears most of it from the real ones.
	local reasons = {
		{ "dropped", "connection refused", "nobody listens" };
		{ "dropped", "closed", "the connection ended or was reset before the answer" };
		{ "dropped", "unexpected-eof", "the connection ended amid the answer" };
		{ "dropped", "unexpected eof while reading", "the same within TLS" };
		{ "dropped", "No route to host", "the other machine is off" };
		{ "dropped", "Network is unreachable", "no way to the other machine" };
		{ "dropped", "unable to resolve service", "its name is unknown" };
		{ "dropped", "NXDOMAIN in A lookup", "its name is unknown, as 0.12 says it" };
		{ "dropped", "SERVFAIL in AAAA lookup", "its name is unknown, as 0.12 says it" };
		{ "timeout", "timeout", "the module's time is over" };
		{ "timeout", "connection timeout", "Prosody's own time for connecting is over" };
		{ "outage", "invalid-status-line", "somebody answers, but not in HTTP" };
		{ "outage", "invalid-header-line", "somebody answers, but not in HTTP" };
		{ "outage", "invalid-chunk-size", "somebody answers, but not in HTTP" };
		{ "outage", "header-too-large", "the answer's head is too long" };
		{ "outage", "max-buffer-size-exceeded", "the answer is too long" };
		{ "outage", "content-length-limit-exceeded", "the answer will be too long" };
		{ "outage", "certificate-chain-invalid", "it cannot be trusted" };
		{ "outage", "certificate-verify-failed", "it is not the one that was meant" };
		{ "outage", "wrong version number", "it speaks no TLS" };
		{ "outage", "invalid-url", "the address is none" };
		{ "outage", "cancelled", "Prosody gave up" };
	};
	for _, case in ipairs(reasons) do
		it(("is %s if net.http says %q: %s"):format(case[1], case[2], case[3]), function ()
			assert.equal(case[1], (fault_of(0, case[2])));
		end);
	end

	it("is an outage if net.http gives no reason", function ()
		assert.equal("outage", (fault_of(0, nil)));
	end);

	it("is told apart by words in the log", function ()
		assert.equal("no answer in time", select(2, fault_of(0, "timeout")));
		assert.equal("connection refused", select(2, fault_of(0, "connection refused")));
	end);
end);

describe("A status other than 200", function ()
	for _, code in ipairs({ 100, 201, 204, 302, 400, 401, 403, 404, 413, 429, 500, 502, 503, 504 }) do
		it(("is an outage whatever the body says: %d"):format(code), function ()
			assert.equal("outage", (fault_of(code, '{"request_id":"q-1","username":"ohg-kwtx","verdict":"granted"}')));
		end);
	end

	it("names what the administrator can look at", function ()
		assert.matches("AUTHBRIDGE_XMPP_HOST", select(2, fault_of(400, "")));
		assert.matches("external_auth_token_file", select(2, fault_of(401, "")));
		assert.matches("storage", select(2, fault_of(503, "")));
		assert.matches("502", select(2, fault_of(502, "")));
	end);
end);

describe("An answer about a token", function ()
	local asked = { request_id = "q-1", token = "a.b.c" };
	local function read(answer) return login_answer.read(200, answer, asked, function (body) return body; end); end

	it("names the organiser, their school, and whether the device is shared", function ()
		local verdict, _, _, organiser = read({ request_id = "q-1", verdict = "granted", username = "ohg-kwtx", school = "ohg", shared = true });
		assert.same({ "granted", { username = "ohg-kwtx", school = "ohg", is_shared = true } }, { verdict, organiser });
		organiser = select(4, read({ request_id = "q-1", verdict = "granted", username = "ohg-kwtx", shared = 1 }));
		assert.same({ username = "ohg-kwtx", is_shared = false }, organiser);
	end);

	it("names nobody unless it grants", function ()
		for _, verdict in ipairs({ "refused", "suspended", "expired", "unavailable" }) do
			assert.same({ verdict }, { read({ request_id = "q-1", verdict = verdict, username = "ohg-kwtx" }) });
		end
	end);

	for case, username in pairs({ ["nobody"] = false, ["an empty name"] = "", ["a number"] = 7, ["more than a name"] = ("x"):rep(1024) }) do
		it("is an outage if it lets in " .. case, function ()
			local verdict, fault = read({ request_id = "q-1", verdict = "granted", username = username or nil });
			assert.same({ nil, "outage" }, { verdict, fault });
		end);
	end

	it("is an outage if it is about another request", function ()
		assert.equal("outage", select(2, read({ request_id = "q-2", verdict = "granted", username = "ohg-kwtx" })));
	end);
end);

describe("A decoder that fails", function ()
	it("makes an outage, not an error", function ()
		assert.equal("outage", (fault_of(200, "{")));
	end);
end);
