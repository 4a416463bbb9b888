-- room_names.lib.lua: says which room names will do, and offers one in the place of another.
-- Pure.  A name is the node of the room's address: Jitsi's page writes small letters, and what is no ASCII letter or digit as
-- %C3%BC.
-- This file is MIT licensed; see LICENSE.

-- What people write for a letter where they have only a to z.
local plain = {
	["ä"] = "ae", ["ö"] = "oe", ["ü"] = "ue", ["ß"] = "ss", ["Ä"] = "ae", ["Ö"] = "oe", ["Ü"] = "ue", ["æ"] = "ae", ["œ"] = "oe", ["ø"] = "oe";
	["à"] = "a", ["á"] = "a", ["â"] = "a", ["ã"] = "a", ["å"] = "a", ["ą"] = "a", ["ă"] = "a", ["ç"] = "c", ["ć"] = "c", ["č"] = "c";
	["đ"] = "d", ["ď"] = "d", ["è"] = "e", ["é"] = "e", ["ê"] = "e", ["ë"] = "e", ["ę"] = "e", ["ě"] = "e", ["ğ"] = "g", ["ı"] = "i";
	["ì"] = "i", ["í"] = "i", ["î"] = "i", ["ï"] = "i", ["ł"] = "l", ["ñ"] = "n", ["ń"] = "n", ["ň"] = "n", ["ò"] = "o", ["ó"] = "o";
	["ô"] = "o", ["õ"] = "o", ["ő"] = "o", ["ř"] = "r", ["ś"] = "s", ["š"] = "s", ["ş"] = "s", ["ș"] = "s", ["ť"] = "t", ["ț"] = "t";
	["ţ"] = "t", ["ù"] = "u", ["ú"] = "u", ["û"] = "u", ["ů"] = "u", ["ű"] = "u", ["ý"] = "y", ["ÿ"] = "y", ["ź"] = "z", ["ż"] = "z";
	["ž"] = "z";
};

-- Returns the name without the tenant, as which Prosody has it.
local function without_tenant(name)
	return (name:gsub("^%[[^%]]*%]", ""));
end

local function is_permitted(name, longest)
	return #name <= longest and name:find("^[a-z0-9][a-z0-9_-]*$") ~= nil;
end


local function shorten(name, longest)
	return (name:sub(1, longest):gsub("[_-]+$", ""));
end

-- Returns a permitted name as much like that one as can be; random: a word of small letters for one of which nothing is left.
local function offer(name, longest, random)
	local text = name:gsub("%%(%x%x)", function (hex) return string.char(tonumber(hex, 16)); end):lower();
	text = text:gsub(utf8.charpattern, plain):gsub("[^a-z0-9_-]+", "-"):gsub("%-%-+", "-"):gsub("^[_-]+", "");
	text = shorten(text, longest);
	return text ~= "" and text or "raum-" .. random;
end

-- Returns a permitted name that begins with the code of the school; owner: the code with which it begins now, or nil.
local function offer_of_school(name, school, owner, longest)
	local rest = owner and name:sub(#owner + 2) or name;
	return shorten(school .. "-" .. (rest ~= "" and rest or "raum"), longest);
end

return {
	without_tenant = without_tenant, is_permitted = is_permitted, offer = offer, offer_of_school = offer_of_school;
};
