-- Lua 5.4, as Prosody runs it; the fields of `module` and `prosody` are exactly those that our modules use.
std = "lua54"
max_line_length = 150
max_cyclomatic_complexity = 12

local module_fields = {
	"command", "get_option", "hook", "hook_global", "hook_object_event", "host", "log", "provides", "require", "unload",
};

files["prosody_mod/"] = {
	globals = {};
	read_globals = {
		module = { fields = {} };
		prosody = { fields = { config_file = {}, hosts = { other_fields = true } } };
	};
};
for _, name in ipairs(module_fields) do
	files["prosody_mod/"].read_globals.module.fields[name] = { read_only = name ~= "command" and name ~= "unload" };
end

files["tests/lua/"] = { std = "+busted" };
