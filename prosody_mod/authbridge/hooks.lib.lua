-- hooks.lib.lua: hooks events at a priority that is ours alone, each handler protected.
-- This file is MIT licensed; see LICENSE.
--
-- Prosody runs handlers of one priority in an order that differs from start to start.  So ours share theirs with nobody:
-- otherwise another module would at some starts change or answer a stanza before it is looked at here.  For the same
-- reason no module of ours hooks an event of a host twice at one priority: mod_auth_external is first, mod_meeting_rules
-- second, before all others.

local protect = module:require "authbridge/protect";

local first, second, last = 101, 100.5, -101;

-- Returns the handler so that an error in it is logged.  The hook then returns what fallback(event) returns, or nil, with
-- which Prosody goes on to the next handler.  A hook that keeps somebody out needs a fallback that keeps them out.
local function protected(handler, fallback)
	return function (event)
		local is_done, result = protect.try(handler, event);
		if is_done then return result; end
		return fallback and fallback(event);
	end;
end

-- context: of a host; priority: one that no other module has.
local function at(context, event, priority, handler, fallback)
	context:hook(event, protected(handler, fallback), priority);
end

local function before_others(context, event, handler, fallback)
	at(context, event, second, handler, fallback);
end

local function before_all(context, event, handler, fallback)
	at(context, event, first, handler, fallback);
end

local function before_all_globally(event, handler, fallback)
	module:hook_global(event, protected(handler, fallback), first);
end

-- object: something with events of its own, as net.http.server has.
local function before_all_at(object, event, handler)
	module:hook_object_event(object, event, protected(handler), first);
end

local function after_all_globally(event, handler)
	module:hook_global(event, protected(handler), last);
end

-- The fallback of a hook through which a stanza must not pass unseen: the stanza goes no further.
local function stop()
	return true;
end

return {
	at = at, before_others = before_others, before_all = before_all, before_all_globally = before_all_globally, before_all_at = before_all_at;
	after_all_globally = after_all_globally, stop = stop;
};
