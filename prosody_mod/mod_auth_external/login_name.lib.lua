-- login_name.lib.lua: makes a login name of what a person types into the name field.
-- Pure: no I/O, no Prosody API.  The same cases are tested from Python (tests/contract.json).
-- This file is MIT licensed; see LICENSE.

-- Blanks that keyboards, password managers and copy & paste put around a name.
local blanks = {
	[" "] = true, ["\t"] = true, ["\n"] = true, ["\v"] = true, ["\f"] = true, ["\r"] = true;
	["\194\160"] = true; -- U+00A0 no-break space
	["\226\128\139"] = true; -- U+200B zero width space
	["\239\187\191"] = true; -- U+FEFF byte-order mark
};

-- Returns how many bytes the blank at this place takes, 0 if there is none.
local function blank_after(name, first)
	for length = 1, 3 do
		if blanks[name:sub(first, first + length - 1)] then return length; end
	end
	return 0;
end

local function blank_before(name, last)
	for length = 1, 3 do
		if blanks[name:sub(last - length + 1, last)] then return length; end
	end
	return 0;
end

-- One walk from each end: a pattern would take quadratic time, and a client that sends many blanks keep Prosody busy.
local function trim(name)
	local first, last = 1, #name;
	local step = blank_after(name, first);
	while step > 0 do
		first = first + step;
		step = blank_after(name, first);
	end
	step = last >= first and blank_before(name, last) or 0;
	while step > 0 do
		last = last - step;
		step = last >= first and blank_before(name, last) or 0;
	end
	return name:sub(first, last);
end

-- Bytes.  A name has 64 at most, our domain and some blanks come on top; a longer text is nobody's name, whatever is
-- trimmed, and Prosody itself refuses more than 1023.
local longest = 512;

-- A name typed as an address of our own host is that host's name; any other address is left
-- as it is, and Prosody refuses it.
local function drop_own_domain(name, host)
	local suffix = "@" .. host;
	if #name > #suffix and name:sub(-#suffix):lower() == suffix then
		return name:sub(1, -#suffix - 1);
	end
	return name;
end

local function canonical(name, host)
	return trim(drop_own_domain(trim(name), host));
end

-- Trims the name in a message of SASL PLAIN (RFC 4616): authzid NUL authcid NUL password.  Only the authcid is changed,
-- before Prosody prepares it: Prosody refuses a name with a blank at its end as malformed.
local function trim_plain(message, host)
	local authzid, authcid, password = message:match("^([^%z]*)%z([^%z]+)%z(.*)$");
	if not authzid or #authcid > longest then return message; end
	return authzid .. "\0" .. canonical(authcid, host) .. "\0" .. password;
end

-- The name of an account with which the service tries whether logins work: it has done so when it is let in, and no
-- session is ever bound to it.  No organiser can have such a name.
local function is_synthetic(name)
	return type(name) == "string" and name:find("^~synthetic%-") ~= nil;
end

return { canonical = canonical, is_synthetic = is_synthetic, trim_plain = trim_plain };
