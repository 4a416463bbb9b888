-- login_answer.lib.lua: reads the service's answer about a login, and chooses the condition for the client.
-- Pure.  Anything but a known verdict about the very request that was sent is an outage;
-- an outage is never a success and never "wrong password".
-- This file is MIT licensed; see LICENSE.

-- verdict -> SASL condition (RFC 6120 section 6.5) and text; `granted` has none.
-- Jitsi shows "incorrect password" for all of them; other clients show the text.
local try_later = { condition = "temporary-auth-failure", text = "The login cannot be checked right now. Please try again in a moment." };
local failures = {
	refused = { condition = "not-authorized", text = "Login name or password is wrong." };
	suspended = { condition = "account-disabled", text = "This access is suspended. Please ask your media centre." };
	expired = { condition = "credentials-expired", text = "This access has expired. Please ask your media centre for a new one." };
	locked = try_later;
	unavailable = try_later;
};

local max_username = 1023; -- bytes, as in a JID

-- Returns { condition, text } for that verdict.
local function failure_of(verdict)
	return failures[verdict] or try_later;
end

-- The reasons that net.http of 0.12.3 and 13.0.1 gives when nobody was there, or when the connection ended before the
-- answer did; tests/lua/transport_spec.lua compares this list with both.  They are worth another try; the rest (an
-- answer that is too long, or not HTTP) is not.
local drops = {
	["closed"] = true; -- before a byte of the answer; a reset too; http_call.lib.lua says so for an end after the head
	["unexpected-eof"] = true; -- within the head or the body
	["unexpected eof while reading"] = true; -- the same within TLS, as OpenSSL 3 words it
	["connection refused"] = true;
	["unable to resolve service"] = true; -- the name is unknown
	["no route to host"] = true;
	["network is unreachable"] = true;
	["connection failed"] = true; -- without a reason
};

local function was_dropped(reason)
	return drops[reason] or reason:find(" in a+ lookup$") ~= nil; -- "NXDOMAIN in A lookup", 0.12 only
end

local hints = {
	[400] = "the service did not accept the request (is AUTHBRIDGE_XMPP_HOST this host?)";
	[401] = "the service refused the token of external_auth_token_file";
	[413] = "the service found the request too large";
	[503] = "the service cannot reach its storage";
};

-- reason: why there was no answer; "timeout" if our own time was over, "frozen" if the service was found to hang.
-- Returns fault, detail; fault is one of "dropped" "timeout" "frozen" "outage".
local function fault_of(reason)
	reason = tostring(reason):lower();
	if reason == "timeout" or reason == "connection timeout" then return "timeout", "no answer in time"; end
	if reason == "frozen" then return "frozen", "the service does not answer, not even about its health"; end
	return was_dropped(reason) and "dropped" or "outage", reason;
end

-- Returns the organiser whom the service let in: { username, school, is_shared }, or nil if the answer names nobody.  school: its
-- code, nil where the service is older than that; is_shared: nothing may be remembered on that device.
local function organiser_of(answer)
	local username, code = answer.username, answer.school;
	if type(username) ~= "string" or username == "" or #username > max_username then return nil; end
	return {
		username = username, school = type(code) == "string" and code:match("^[a-z0-9]+$") or nil;
		is_shared = answer.shared == true;
	};
end

-- Tells whether the answer is about that request: it names the same login, and where that has a name, the same one.
local function belongs_to(answer, request)
	return answer.request_id == request.request_id and (request.token ~= nil or answer.username == request.username);
end

-- code: HTTP status, 0 for a transport error; body is then its reason.
-- Returns verdict, nil, nil, and with a granted login its organiser, as organiser_of() has it; or nil, fault, detail as fault_of()
-- has them.
local function read(code, body, request, decode)
	if code == 0 then return nil, fault_of(body); end
	if code ~= 200 then
		return nil, "outage", hints[code] or ("HTTP status %d"):format(code);
	end
	local is_json, answer = pcall(decode, body);
	if not is_json or type(answer) ~= "table" then
		return nil, "outage", "the answer is not a JSON object";
	end
	if not belongs_to(answer, request) then
		return nil, "outage", "the answer belongs to another request";
	end
	local verdict = answer.verdict;
	if type(verdict) == "string" and failures[verdict] then return verdict; end
	if verdict ~= "granted" then return nil, "outage", "the answer holds no known verdict"; end
	local organiser = organiser_of(answer);
	if not organiser then return nil, "outage", "the answer names no organiser"; end
	return verdict, nil, nil, organiser;
end

return { read = read, fault_of = fault_of, failure_of = failure_of };
