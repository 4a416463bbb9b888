local libraries = dofile("tests/lua/prosody_libraries.lua");
local probes = libraries.own("check_probes");

local token, host, nonce, now = ("t"):rep(64), "meet.test", "aB3-_x", 1763754360;

for _, version in ipairs(libraries.versions) do
	local hashes = libraries.of_prosody(version, "util.hashes");

	-- A request as net.http.server hands it to its handlers.
	local function request(probe, over)
		local all = {
			ip = "198.51.100.7", conn = { ip = function () return "127.0.0.1"; end };
			headers = { x_authbridge_probe = probe, x_forwarded_for = "198.51.100.7" };
		};
		for name, value in pairs(over or {}) do all[name] = value; end
		return all;
	end

	local function ask(probe, over)
		return probes.answer(hashes, token, host, request(probe, over), now);
	end

	local function genuine(over)
		local line = assert(ask(probes.new(hashes, token, host, nonce, now), over));
		return probes.read_answer(hashes, token, host, nonce, line);
	end

	describe("With the hashes of Prosody " .. version .. ",", function ()
		it("a genuine probe is told the address that Prosody believes", function ()
			assert.same({ ip = "198.51.100.7", fate = "changed", by_sender = false }, genuine());
		end);

		it("a genuine probe is told what became of the header", function ()
			local probe = probes.new(hashes, token, host, nonce, now);
			assert.equal("gone", genuine({ headers = { x_authbridge_probe = probe } }).fate);
			assert.equal("kept", genuine({ headers = { x_authbridge_probe = probe, x_forwarded_for = probes.forged } }).fate);
			assert.equal("changed", genuine({ headers = { x_authbridge_probe = probe, x_forwarded_for = probes.forged .. ", ::1" } }).fate);
		end);

		it("a genuine probe is told whether Prosody went by who connected to it", function ()
			assert.is_true(genuine({ ip = "127.0.0.1" }).by_sender);
		end);

		it("neither probe nor answer holds the token", function ()
			local probe = probes.new(hashes, token, host, nonce, now);
			assert.is_nil((probe .. ask(probe)):find(token, 1, true));
		end);

		it("a probe counts for a minute", function ()
			for age, counts in pairs({ [0] = true, [60] = true, [-60] = true, [61] = false, [-61] = false }) do
				assert.equal(counts, ask(probes.new(hashes, token, host, nonce, now - age)) ~= nil);
			end
		end);

		local function probe_with(over)
			local all = { token = token, host = host, nonce = nonce };
			for name, value in pairs(over) do all[name] = value; end
			return probes.new(hashes, all.token, all.host, all.nonce, now);
		end

		local proof = hashes.hmac_sha256(token, "authbridge probe\nquestion\nmeet.test\n" .. now .. "\n" .. nonce, true);
		local unproven = {
			["another token"] = probe_with({ token = ("x"):rep(64) });
			["another host"] = probe_with({ host = "other.test" });
			["a long one"] = probe_with({ nonce = ("n"):rep(200) });
			["another nonce"] = ("%d.%s.%s"):format(now, "other", proof);
			["another time"] = ("%d.%s.%s"):format(now + 1, nonce, proof);
			["half a proof"] = ("%d.%s.%s"):format(now, nonce, proof:sub(1, 32));
			["no proof"] = ("%d.%s."):format(now, nonce);
			["an endless time"] = ("9"):rep(100) .. "." .. nonce .. ".00";
			["nothing"] = "", ["rubbish"] = "%s\0\n";
		};
		for what, probe in pairs(unproven) do
			it("a probe that proves nothing is told nothing: " .. what, function () assert.is_nil(ask(probe)); end);
		end

		it("the proof that the above are made of is a right one", function ()
			assert.is_string(ask(("%d.%s.%s"):format(now, nonce, proof)));
		end);

		it("an answer counts for its own probe alone, and unchanged", function ()
			local line = ask(probes.new(hashes, token, host, nonce, now));
			local function read(over, changed)
				local all = { token = token, host = host, nonce = nonce };
				for name, value in pairs(over) do all[name] = value; end
				return probes.read_answer(hashes, all.token, all.host, all.nonce, changed or line);
			end
			assert.is_table(read({}));
			for name in pairs({ token = 1, host = 1, nonce = 1 }) do assert.is_nil(read({ [name] = "other" })); end
			for _, changed in ipairs({ line:gsub("%.7", ".8"), line:gsub("header", "sender"), line:sub(1, -2), "", "<html>", "{}" }) do
				assert.is_nil(read({}, changed));
			end
		end);
	end);
end

describe("A forged request", function ()
	it("claims an address that is nobody's, in both headers that Prosody can be told to read", function ()
		local headers = probes.forged_headers("proof");
		assert.matches("^203%.0%.113%.", headers["X-Forwarded-For"]);
		assert.equal("for=" .. headers["X-Forwarded-For"], headers["Forwarded"]);
		assert.equal("proof", headers["X-AuthBridge-Probe"]);
	end);
end);
