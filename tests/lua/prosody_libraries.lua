-- prosody_libraries.lua: loads Prosody's own libraries for the specs out of the unpacked packages, each version apart from
-- the others, and our own ones.  Run from the project's root, on Lua 5.4.

local lfs = require "lfs";

-- What is unpacked, oldest first: two of them, or with PROSODY=all every one.
local versions = {};
for name in lfs.dir(".cache/prosody") do
	if lfs.attributes((".cache/prosody/%s/.stamp"):format(name), "mode") == "file" then table.insert(versions, name); end
end
table.sort(versions);
local newer = versions[2] or versions[1];
if os.getenv("PROSODY") ~= "all" then versions = { table.unpack(versions, 1, 2) }; end

local function copy(from)
	local to = {};
	for key, value in pairs(from) do to[key] = value; end
	return to;
end

local function replace(content, with)
	for key in pairs(copy(content)) do content[key] = nil; end
	for key, value in pairs(with) do content[key] = value; end
end

-- Calls body() while `require` finds the libraries of that Prosody.
local function within(version, body)
	local tree = (".cache/prosody/%s/usr/lib/prosody/"):format(version);
	local path, cpath, loaded, searchers = package.path, package.cpath, copy(package.loaded), copy(package.searchers);
	local loaded_mt = getmetatable(package.loaded);
	package.path, package.cpath = tree .. "?.lua;" .. path, tree .. "?.so;" .. cpath;
	if version ~= "0.12" then dofile(tree .. "loader.lua"); end -- lets a library say "prosody.util.x" for "util.x"
	local ok, result = pcall(body);
	package.path, package.cpath = path, cpath;
	setmetatable(package.loaded, loaded_mt);
	replace(package.loaded, loaded);
	replace(package.searchers, searchers);
	return assert(ok and result, result);
end

local function of_prosody(version, name)
	return within(version, function () return require(name); end);
end

-- Returns the file of a library of ours: of mod_auth_external, or one that names its folder.
local function file_of(name)
	local folder = name:find("/", 1, true) and "prosody_mod/" or "prosody_mod/mod_auth_external/";
	return folder .. name .. ".lib.lua";
end

-- Loads one of our own and those that it requires; fields: what they use of `module` otherwise, nothing if they are pure.
local function own(name, fields)
	local folder = name:match("^mod_[^/]+/") or "mod_auth_external/";
	local module = setmetatable({
		require = function (_, other) return own(other:find("/", 1, true) and other or folder .. other, fields); end;
	}, { __index = fields });
	return assert(loadfile(file_of(name), "t", setmetatable({ module = module }, { __index = _G })))();
end

-- Returns the pseudonyms of organisers at meet.test, as a Prosody of that version makes them under that key, or any.
local function new_pseudonyms(version, key)
	local hmac_sha256, new_cache = of_prosody(version, "util.hashes").hmac_sha256, of_prosody(version, "util.cache").new;
	return own("authbridge/pseudonyms").new(hmac_sha256, new_cache, key or "secret", "meet.test");
end

local function read_contract(json)
	local file = assert(io.open("tests/contract.json"));
	local content = file:read("*a");
	file:close();
	return assert(json.decode(content));
end

return {
	versions = versions, newer = newer, of_prosody = of_prosody, file_of = file_of, own = own, new_pseudonyms = new_pseudonyms;
	read_contract = read_contract;
};
