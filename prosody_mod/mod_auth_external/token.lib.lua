-- token.lib.lua: finds the token that came with a connection, and says whether it looks like one of the service's.
-- Pure.  The service alone knows whether it is one.
-- This file is MIT licensed; see LICENSE.

local longest = 2048; -- bytes

-- query: of the request that opened the connection, or nil.  Returns the token as it came, or nil without one.
local function of_query(query)
	return query and ("&" .. query):match("&token=([^&]+)");
end

-- Tells whether that text has the form of a token: three parts in base64url.
local function is_well_formed(token)
	return #token <= longest and token:find("^[%w_-]+%.[%w_-]+%.[%w_-]+$") ~= nil;
end

return { of_query = of_query, is_well_formed = is_well_formed };
