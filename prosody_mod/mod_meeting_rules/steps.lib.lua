-- steps.lib.lua: notes that a rule stepped in, once for the same person at the same door: a page that waits asks again every few
-- seconds.
-- Pure.  This file is MIT licensed; see LICENSE.

local max_seen = 4096;

local methods = {};
methods.__index = methods;

-- new_cache: of util.cache; tell(rule) is called once for each step.
local function new(new_cache, tell)
	return setmetatable({ seen = new_cache(max_seen), tell = tell }, methods);
end

-- client, door: whom it kept out, and of what; texts.
function methods:note(rule, client, door)
	local key = rule .. " " .. client .. " " .. door;
	if self.seen:get(key) then return; end
	self.seen:set(key, true);
	self.tell(rule);
end

return { new = new };
