-- check_probes.lib.lua: makes and reads the probes with which `prosodyctl mod_auth_external check URL` asks the running Prosody
-- which address it believes a client has.
-- Pure: `hashes` is util.hashes, `now` is in seconds since 1970.
-- This file is MIT licensed; see LICENSE.
--
-- The check sends a request with a forged address and a probe through the proxy; Prosody's answer to a genuine probe is
-- one line.  Nobody can make either without the token, and the token itself never travels.  A probe that is caught and
-- sent again tells its sender which address Prosody takes for the sender's, and nothing else.

local forged = "203.0.113.77"; -- TEST-NET-3 (RFC 5737): nobody's
local lifetime = 60; -- seconds; check and Prosody read the same clock
local max_length = 200; -- bytes of a probe

-- Signs under a first line of its own: otherwise a signature from elsewhere, made with the same token, could pass for one.
local function sign(hashes, token, ...)
	return hashes.hmac_sha256(token, table.concat({ "authbridge probe", ... }, "\n"), true);
end

local function new(hashes, token, host, nonce, now)
	return ("%d.%s.%s"):format(now, nonce, sign(hashes, token, "question", host, ("%d"):format(now), nonce));
end

-- Returns the nonce of a genuine, fresh probe.
local function read(hashes, token, host, probe, now)
	if #probe > max_length then return nil; end
	local at, nonce, proof = probe:match("^(%d+)%.([%w_-]+)%.(%x+)$");
	if not at or math.abs(tonumber(at) - now) > lifetime then return nil; end
	return hashes.equals(proof, sign(hashes, token, "question", host, at, nonce)) and nonce or nil;
end

-- Returns what became of the forged header on its way: "gone" "kept" "changed".
local function fate_of(header)
	if not header then return "gone"; end
	return header == forged and "kept" or "changed";
end

-- Returns the answer to a request to Prosody's HTTP server, or nil if its probe is not genuine.
local function answer(hashes, token, host, request, now)
	local probe = request.headers.x_authbridge_probe;
	local nonce = probe and read(hashes, token, host, probe, now);
	if not nonce then return nil; end
	local source = request.ip == request.conn:ip() and "sender" or "header";
	local facts = ("%s %s %s"):format(request.ip, fate_of(request.headers.x_forwarded_for), source);
	return ("%s %s"):format(facts, sign(hashes, token, "answer", host, nonce, facts));
end

-- Returns { ip, fate, by_sender }, or nil if this is no answer to that probe; by_sender: Prosody took the address from which
-- the connection came, not that of the header.
local function read_answer(hashes, token, host, nonce, line)
	local facts, proof = line:match("^(%S+ %l+ %l+) (%x+)$");
	if not facts or not hashes.equals(proof, sign(hashes, token, "answer", host, nonce, facts)) then return nil; end
	local ip, fate, source = facts:match("^(%S+) (%l+) (%l+)$");
	return { ip = ip, fate = fate, by_sender = source == "sender" };
end

-- Returns the headers of a request that pretends to come from elsewhere.  Prosody reads X-Forwarded-For, and 13 with
-- http_legacy_x_forwarded = false reads Forwarded.
local function forged_headers(probe)
	return {
		["X-Forwarded-For"] = forged, ["Forwarded"] = "for=" .. forged, ["X-AuthBridge-Probe"] = probe;
	};
end

return { answer = answer, forged = forged, forged_headers = forged_headers, new = new, read_answer = read_answer };
