-- pseudonyms.lib.lua: calls each organiser by one pseudonym, whichever door they came through, and knows the name behind it.
-- Who logs in by a password has the login name in the JID; who comes with a token has the pseudonym there, because everybody in
-- the meeting reads that JID.  A pseudonym can be made of a name at any time, a name of a pseudonym only once it was heard.
-- Pure: HMAC and cache are handed in.
-- This file is MIT licensed; see LICENSE.

local prefix, digits = "t-", 24;
local max_names = 65536;

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

-- hmac_sha256, new_cache: of Prosody's util.hashes and util.cache; key: the token of the API, with which it stays until Prosody
-- is restarted; host: of the organisers.
local function new(hmac_sha256, new_cache, key, host)
	return on_top { hmac_sha256 = hmac_sha256, key = key, host = host, names = new_cache(max_names) };
end

-- Tells whether that node of a JID is a pseudonym.  No organiser may have such a login name.
local function is_pseudonym(node)
	return #node == #prefix + digits and node:find("^t%-[0-9a-f]+$") ~= nil;
end

-- node: of an organiser's JID, a login name or a pseudonym.  Returns the pseudonym.
function methods:of(node)
	if is_pseudonym(node) then return node; end
	local pseudonym = prefix .. self.hmac_sha256(self.key, self.host .. "\0" .. node, true):sub(1, digits);
	self.names:set(pseudonym, node);
	return pseudonym;
end

-- Returns the login name, or nil if it was not heard since Prosody started.
function methods:name_of(pseudonym)
	return self.names:get(pseudonym);
end

return { new = new, on_top = on_top, is_pseudonym = is_pseudonym };
