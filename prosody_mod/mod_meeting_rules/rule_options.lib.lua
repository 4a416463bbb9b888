-- rule_options.lib.lua: reads the options of the rules once, and says in a sentence what is wrong with one.
-- Pure.  This file is MIT licensed; see LICENSE.

-- The switches: option without its prefix -> default.
local switches = {
	names = true, schools = true, protection = true, ending = true, recording = true, opening = true;
	only_school_names = false, lobby = true;
};
local prefix = "meeting_rules_";

-- name -> { default, least, most }
local numbers = {
	grace = { 45, 0.1, 600 }; -- seconds
	longest_name = { 64, 8, 200 }; -- characters
};

local function fault(name, words)
	return nil, ("Option %s%s must be %s."):format(prefix, name, words);
end

local function read_switch(name, value)
	if value == nil then return switches[name]; end
	if type(value) ~= "boolean" then return fault(name, "true or false"); end
	return value;
end

local function read_number(name, value)
	local default, least, most = table.unpack(numbers[name]);
	if value == nil then return default; end
	if type(value) ~= "number" or not (value >= least and value <= most) then
		return fault(name, ("a number from %g to %g"):format(least, most));
	end
	return value;
end

-- get(name) -> raw value.  Returns name without prefix -> value, or nil and a sentence.
local function read(get)
	local settings = {};
	for readers, reader in pairs({ [switches] = read_switch, [numbers] = read_number }) do
		for name in pairs(readers) do
			local value, words = reader(name, get(prefix .. name));
			if words then return nil, words; end
			settings[name] = value;
		end
	end
	return settings;
end

return { read = read };
