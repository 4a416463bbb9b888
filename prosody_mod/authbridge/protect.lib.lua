-- protect.lib.lua: runs a step so that an error in it is logged with its traceback and stops nothing else.
-- The log gets neither names nor secrets: a traceback holds no values, and addresses are cut out of the message.
-- This file is MIT licensed; see LICENSE.

local function describe(message)
	local text = type(message) == "string" and message or "an error of type " .. type(message);
	return debug.traceback((text:gsub("[^%s\"'<>]+@[^%s\"'<>]+", "ADDRESS")), 2);
end

local function log_error(is_done, ...)
	if not is_done then module:log("error", "Error in this module, or in another one that it called: %s", (...)); end
	return is_done, ...;
end

-- Runs step(...) now.  Returns true and what the step returns, or false and the error, which is logged.
local function try(step, ...)
	return log_error(xpcall(step, describe, ...));
end

local function result_of(is_done, result, ...)
	if is_done then return result, ...; end
	return nil, result;
end

-- Runs step(...) now.  Returns what the step returns, or nil and the error, which is logged.
-- For steps that call other modules: an error in one of them must not keep the next step from being done.
local function call(step, ...)
	return result_of(try(step, ...));
end

return { try = try, call = call };
