-- Lua 5.4, as Prosody runs it; the fields of `module` and `prosody` are exactly those that our modules use.  One hooks through
-- contexts, which luacheck does not see.
std = "lua54"
max_line_length = 150
max_cyclomatic_complexity = 12

local module_fields = {
	"command", "context", "fire_event", "get_option", "hook", "hook_global", "hook_object_event", "host", "log", "open_store", "provides", "require", "save",
	"saved_state", "unload",
};
local written_fields = { command = true, save = true, unload = true };

files["prosody_mod/"] = {
	globals = {};
	read_globals = {
		module = { fields = {} };
		prosody = { fields = {
			bare_sessions = { other_fields = true }, config_file = {}, events = { other_fields = true }, full_sessions = { other_fields = true }, hosts = { other_fields = true },
		} };
	};
};
for _, name in ipairs(module_fields) do
	files["prosody_mod/"].read_globals.module.fields[name] = { read_only = not written_fields[name], other_fields = true };
end

-- A program of its own, which sets up what Prosody wants to find before it reads its configuration.
files["authbridge/machine/prosody_facts.lua"] = {
	globals = { "CFG_CONFIGDIR", "CFG_DATADIR", "CFG_PLUGINDIR", "CFG_SOURCEDIR", "dofile", "io", "print", "prosody" };
};

files["tests/lua/"] = { std = "+busted" };
