-- schools.lib.lua: knows the codes of the schools, and to which school an organiser belongs.
-- Pure.  Both come from the service: the codes with the news of suspensions, an organiser's school with the verdict about
-- a login.  Nothing is guessed from a login name.
-- This file is MIT licensed; see LICENSE.

local max_organisers = 65536;

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

-- new_cache: of Prosody's util.cache.
local function new(new_cache)
	return on_top { of_organiser = new_cache(max_organisers), codes = nil, version = "" };
end

-- The service granted a login, and named the school (nil: it is older than that).
function methods:learn(username, code)
	if code then self.of_organiser:set(username, code); end
end

-- told: { version, codes } of an answer of the feed, or nil: the codes are as before, or the service is too old to name them.
function methods:take(told)
	if not told then
		self.codes = self.codes or {};
		return;
	end
	self.version, self.codes = told.version, {};
	for _, code in ipairs(told.codes) do self.codes[code] = true; end
end

-- username: the login name, nil if it is not known.  Returns the code of the organiser's school, or nil.
function methods:of(username)
	return username and self.of_organiser:get(username);
end

-- Returns the code of the school to which rooms of that name belong, or nil.  Until the service has told the codes, every
-- word in front of a hyphen may be one.
function methods:owner_of(name)
	local code = name:match("^([a-z0-9]+)%-");
	return code and (not self.codes or self.codes[code]) and code or nil;
end

return { new = new, on_top = on_top };
