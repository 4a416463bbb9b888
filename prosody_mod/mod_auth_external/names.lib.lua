-- names.lib.lua: what a person types into the name field becomes a login name.
-- Pure: no I/O, no Prosody API.  The same cases are tested from Python (tests/contract.json).
-- This file is MIT licensed; see LICENSE.

-- Blanks that keyboards, password managers and copy & paste put around a name.
local blanks = { "%s", "\194\160" --[[ U+00A0 no-break space ]], "\226\128\139" --[[ U+200B zero width space ]], "\239\187\191" --[[ U+FEFF ]] };

local function strip(name, pattern)
	for _, blank in ipairs(blanks) do
		local rest, found = name:gsub(pattern:format(blank), "");
		if found > 0 then return rest; end
	end
end

local function trim(name)
	local before;
	repeat
		before = name;
		name = strip(name, "^%s") or strip(name, "%s$") or name;
	until name == before;
	return name;
end

-- Bytes.  Prosody refuses names above 1023; a name of nothing but blanks, as long as a stanza may
-- be, would keep Prosody busy for a second.
local longest = 2048;

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

-- SASL PLAIN (RFC 4616): authzid NUL authcid NUL password.  Only the authcid is touched, before
-- Prosody prepares it, because Prosody refuses a name with a blank at its end as malformed.
local function trim_plain(message, host)
	local authzid, authcid, password = message:match("^([^%z]*)%z([^%z]+)%z(.*)$");
	if not authzid or #authcid > longest then return message; end
	return authzid .. "\0" .. canonical(authcid, host) .. "\0" .. password;
end

return { canonical = canonical, trim_plain = trim_plain };
