-- prosody_facts.lua: reads Prosody's configuration with Prosody's own code, and prints what is asked for as JSON.
-- Runs outside of Prosody, also where it does not know our modules; changes nothing.  Names are those of the machine; its
-- files lie below `root`, which is empty on the machine itself.  Only the options that are listed leave this program: others
-- hold secrets.
-- This file is MIT licensed; see LICENSE.

local root = arg[1];
local config_folder, source_folder, data_folder = "/etc/prosody", "/usr/lib/prosody", "/var/lib/prosody";
local max_links = 40; -- as the kernel follows

-- We are root.  "./?.lua" of Lua's own path is what anybody may have put where root happens to be.
local function without_current_folder(path)
	return (path:gsub("%f[^;\0]%./[^;]*;?", ""));
end

package.path = root .. source_folder .. "/?.lua;" .. without_current_folder(package.path);
package.cpath = root .. source_folder .. "/?.so;" .. without_current_folder(package.cpath);
local loader = loadfile(root .. source_folder .. "/loader.lua"); -- from 13 on: "prosody.util.x" is "util.x"
if loader then loader(); end

local lfs = require "lfs";
local base64 = require "util.encodings".base64;
local json = require "util.json";

local request = json.decode(io.read("*a"));
local answer = io.stdout;

-- The files of the machine --------------------------------------------------------------------------

local overlay = {}; -- name -> what shall stand in that file
for name, text in pairs(request.overlay) do overlay[name] = base64.decode(text); end

-- Returns the name to which links lead from that name.
local function real(name)
	local done, rest, links = "", name, 0;
	while true do
		local part, after = rest:match("^/*([^/]+)(.*)$");
		if not part then return done; end
		rest = after;
		local target = lfs.symlinkattributes(root .. done .. "/" .. part, "target");
		if part == ".." then
			done = done:gsub("/[^/]*$", "");
		elseif target and links < max_links then
			links = links + 1;
			if target:sub(1, 1) == "/" then done = ""; end
			rest = target .. rest;
		elseif part ~= "." then
			done = done .. "/" .. part;
		end
	end
end

local open, dir, attributes, open_lines = io.open, lfs.dir, lfs.attributes, io.lines;

-- As io.open(), for reading.  Some folders are Prosody's user's, who could put a FIFO there, and we would wait for ever.
local function open_file(name)
	local text, place = overlay[real(name)], root .. real(name);
	if not text and attributes(place, "mode") ~= "file" then return nil, name .. ": No such file", 2; end
	if not text then return open(place); end
	local file = io.tmpfile();
	file:write(text);
	file:seek("set");
	return file;
end

function io.open(name) return open_file(name); end
function io.lines(name) return open_lines(root .. real(name)); end
function lfs.dir(name) return dir(root .. real(name)); end
function lfs.attributes(name, ...) return attributes(root .. real(name), ...); end
function dofile(name) return assert(loadfile(root .. real(name)))(); end
function print() end

-- Where each option is set --------------------------------------------------------------------------

CFG_SOURCEDIR, CFG_CONFIGDIR, CFG_DATADIR = source_folder, config_folder, data_folder;
CFG_PLUGINDIR = source_folder .. "/modules/";
prosody = { hosts = {}, events = require "util.events".new(), paths = { config = config_folder }, process_type = "prosodyctl" };

local config = require "core.configmanager";
local places = {}; -- host -> option -> { file, line } of the last line of what sets it last

local function setter()
	for i = 1, math.huge do
		local name, value = debug.getupvalue(config.set, i);
		if name == "set" then return value; end
		assert(name, "this Prosody sets options in another way");
	end
end

-- Returns the file and the line of the configuration that is being read.
local function place_now()
	for level = 3, math.huge do
		local frame = debug.getinfo(level, "Sl");
		if not frame then return nil; end
		local file = frame.what == "main" and frame.source:match("^@(/.*)$");
		if file then return { file = real(file), line = frame.currentline }; end
	end
end

local function load_config()
	local set = setter();
	debug.sethook(function ()
		if debug.getinfo(2, "f").func ~= set then return; end
		local _, host = debug.getlocal(2, 2);
		local _, option = debug.getlocal(2, 3);
		if not (type(host) == "string" and type(option) == "string") then return; end
		places[host] = places[host] or {};
		places[host][option] = place_now();
	end, "c");
	if config.set_credential_fallback_mode then config.set_credential_fallback_mode("warn"); end
	local ok, _, fault = config.load(config_folder .. "/prosody.cfg.lua");
	debug.sethook();
	if not ok then return (tostring(fault):gsub(" near .*$", "")); end -- what is near may be a secret
end

-- What is asked -------------------------------------------------------------------------------------

local array = require "util.array";

-- Returns what JSON can say of a value.
local function plain(value)
	if type(value) == "function" then return nil; end
	if type(value) ~= "table" then return value; end
	local copy, count = {}, 0;
	for _ in pairs(value) do count = count + 1; end
	if count == #value then
		for i, each in ipairs(value) do copy[i] = plain(each); end
		return array(copy);
	end
	for key, each in pairs(value) do copy[tostring(key)] = plain(each); end
	return copy;
end

local function own_options(host)
	local found = {};
	for _, name in ipairs(request.options) do found[name] = plain(config.rawget(host, name)); end
	return found;
end

local function places_of(host)
	local found = {};
	for _, name in ipairs(request.options) do found[name] = places[host] and places[host][name]; end
	return found;
end

-- Returns the file of that module in which Prosody finds it first, or nil.
local function file_of(plugins, name)
	local content, file = plugins.load_resource(name);
	return content and file:gsub("//+", "/") or nil;
end

-- Returns how many accounts of that host are kept with a key of each length, in bytes; nothing of the keys.
local function keys_of(host)
	local found = { ["20"] = 0, ["32"] = 0 };
	local folder = ("%s/%s/accounts"):format(config.get("*", "data_path") or data_folder, require "util.datamanager".path_encode(host));
	if lfs.attributes(folder, "mode") ~= "directory" then return found; end
	for name in lfs.dir(folder) do
		local file = name:find("%.dat$") and open_file(folder .. "/" .. name);
		local key = file and file:read("*a"):match('%["stored_key"%] = "(%x+)"');
		local length = key and tostring(#key // 2);
		if found[length] then found[length] = found[length] + 1; end
		if file then file:close(); end
	end
	return found;
end

-- Returns the file with the certificate that Prosody takes for that host, or nil.
local function certificate_file(host)
	local ssl = config.get(host, "ssl");
	if type(ssl) == "table" and type(ssl.certificate) == "string" then
		return config.resolve_relative_path(config_folder, ssl.certificate);
	end
	local folder = config.resolve_relative_path(config_folder, config.get("*", "certificates") or "certs");
	for _, name in ipairs({ "/%s.crt", "/%s/fullchain.pem" }) do
		if lfs.attributes(folder .. name:format(host), "mode") == "file" then return folder .. name:format(host); end
	end
end

-- Returns the file and the last moment of the certificate, either absent if there is none.
local function certificate_of(host)
	local name = certificate_file(host);
	local file = name and open_file(name);
	local is_read, certificate = pcall(require "ssl".loadcertificate, file and file:read("*a") or "");
	return { file = name, not_after = is_read and certificate and certificate:notafter() or nil };
end

local function sorted(set)
	local list = array();
	for each in set do list:push(each); end
	return list:sort();
end

-- Makes of this program what Prosody's own program is before it loads modules.
local function start()
	local startup = require "util.startup";
	startup.init_global_state();
	prosody.config_loaded = true;
	startup.setup_plugindir();
	-- Its modules are looked up there, as texts; but that folder is for Prosody's user to write, and we are root.
	local path, cpath = package.path, package.cpath;
	startup.setup_plugin_install_path();
	package.path, package.cpath = path, cpath;
	startup.read_version();
	startup.load_libraries();
	startup.make_dummy_hosts();
end

local function facts_of(host)
	local found = { options = own_options(host), places = places_of(host), modules = array() };
	if host == "*" then return found; end
	found.modules = sorted((require "core.modulemanager".get_modules_for_host(host)));
	if config.rawget(host, "component_module") or config.get(host, "enabled") == false then return found; end
	found.certificate = certificate_of(host);
	if config.get(host, "authentication") == "internal_hashed" then found.keys = keys_of(host); end
	return found;
end

local function facts()
	start();
	local plugins = require "util.pluginloader";
	local found = { version = prosody.version, hosts = {}, files = {} };
	for host in pairs(config.getconfig()) do found.hosts[host] = facts_of(host); end
	for _, name in ipairs(request.modules) do found.files[name] = file_of(plugins, name); end
	local c2s = plugins.load_resource("c2s");
	found.knows_unauthed_size = c2s ~= nil and c2s:find("c2s_unauthed_stanza_size_limit", 1, true) ~= nil;
	return found;
end

local fault = load_config();
answer:write(json.encode(fault and { fault = fault } or facts()));
