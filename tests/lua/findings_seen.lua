-- findings_seen.lua: how the specs look at a list of findings.

local assert = require "luassert";

-- Returns sign -> how many findings have it.
local function signs(found)
	local seen = {};
	for _, each in ipairs(found) do seen[each.sign] = (seen[each.sign] or 0) + 1; end
	return seen;
end

-- Returns the findings of that sign.
local function with_sign(sign, found)
	local these = {};
	for _, each in ipairs(found) do
		if each.sign == sign then table.insert(these, each); end
	end
	return these;
end

-- Returns the only finding of that sign.
local function only(sign, found)
	local these = with_sign(sign, found);
	assert.equal(1, #these);
	return these[1];
end

return { signs = signs, with_sign = with_sign, only = only };
