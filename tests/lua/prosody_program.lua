-- prosody_program.lua: lets a program of the specs, whose first argument is a version, find that Prosody's own libraries
-- and run its loop.  Returns free_port().  Run from the project's root, on Lua 5.4.

local tree = (".cache/prosody/%s/usr/lib/prosody/"):format(arg[1]);
package.path, package.cpath = tree .. "?.lua;" .. package.path, tree .. "?.so;" .. package.cpath;
if arg[1] ~= "0.12" then dofile(tree .. "loader.lua"); end

_G.prosody = { config_loaded = true, events = require "util.events".new() }; -- what net.server wants to find

local socket = require "socket";

local function free_port()
	local probe = assert(socket.bind("127.0.0.1", 0));
	local _, port = probe:getsockname();
	probe:close();
	return tonumber(port);
end

return free_port;
