-- check.lib.lua: `prosodyctl mod_auth_external check [HOST | URL]`: says what is wrong, and how to fix it.
-- Chooses the hosts and prints the findings, with `--json` behind `check` as JSON for `authbridge doctor`;
-- check_facts.lib.lua gathers, the other check_*.lib.lua judge.
-- This file is MIT licensed; see LICENSE.

local config = require "core.configmanager";
local json = require "util.json";

local check_addresses = module:require "check_addresses";
local check_facts = module:require "check_facts";
local check_page = module:require "check_page";
local check_prosody = module:require "check_prosody";
local check_rules = module:require "check_rules";
local check_services = module:require "check_services";
local jitsi_config = module:require "jitsi_config";
local say = module:require "check_findings";

local usage = "Usage: prosodyctl mod_auth_external check [--json] [HOST | URL]";

local function is_external(host)
	return config.get(host, "authentication") == "external";
end

local function virtual_hosts()
	local hosts = {};
	for _, host in ipairs(jitsi_config.active(config.getconfig(), config.get)) do
		if host ~= "*" and not config.rawget(host, "component_module") then table.insert(hosts, host); end
	end
	table.sort(hosts);
	return hosts;
end

-- Returns all hosts that ask AuthBridge, but only the one of that name if there is one; or nil and a finding.
-- name: of the website, or nil.
local function choose_all(name)
	local hosts = {};
	for _, host in ipairs(virtual_hosts()) do
		if is_external(host) then
			if host == name then return { host }; end
			table.insert(hosts, host);
		end
	end
	if hosts[1] then return hosts; end
	return nil, say.failure('add authentication = "external" below the VirtualHost of the organisers', "No VirtualHost asks AuthBridge.");
end

-- Returns the host of that name in a list, or nil and a finding.
local function choose(wanted)
	local host = wanted:lower();
	for _, known in ipairs(virtual_hosts()) do
		if known == host and is_external(host) then return { host }; end
		if known == host then
			return nil, say.failure(('add authentication = "external" below VirtualHost "%s"'):format(host),
				"%s does not ask AuthBridge; its authentication is %s.", host, tostring(config.get(host, "authentication")));
		end
	end
	return nil, say.failure("choose one of: " .. table.concat(virtual_hosts(), ", "), "There is no VirtualHost %q.", wanted);
end

-- Returns the findings about the host.
local function findings(host, url)
	local facts, found = check_facts.of_host(host, url), {};
	local judges = { check_services, check_prosody, check_page, check_rules, check_addresses };
	for _, judge in ipairs(judges) do say.append(found, judge.of(facts)); end
	return found;
end

-- found: list of { host = its name or nil, findings }.
local function print_text(found)
	for _, each in ipairs(found) do
		if each.host then print(each.host .. ":"); end
		for _, finding in ipairs(each.findings) do print((each.host and "  " or "") .. say.line(finding)); end
	end
end

local function print_json(found)
	local all = {};
	for _, each in ipairs(found) do
		for _, finding in ipairs(each.findings) do
			table.insert(all, { host = each.host, sign = finding.sign, line = say.line(finding) });
		end
	end
	print(json.encode({ findings = all }));
end

-- Returns a list of { host, findings }: of the host or website that is wanted, or of all that ask AuthBridge.
local function look(wanted)
	local url = wanted and check_addresses.parse_url(wanted);
	local hosts, fault;
	if wanted and not url then
		hosts, fault = choose(wanted);
	else
		hosts, fault = choose_all(url and url.name);
	end
	if not hosts then return { { findings = { fault } } }; end
	local found = {};
	for i, host in ipairs(hosts) do found[i] = { host = host, findings = findings(host, url) }; end
	return found;
end

-- arguments: those of the command line.  Runs in prosodyctl's async context; returns its exit code.
local function command(arguments)
	local is_json = arguments[2] == "--json";
	if is_json then table.remove(arguments, 2); end
	if arguments[1] ~= "check" or #arguments > 2 then
		print(usage);
		return 1;
	end
	config.load(prosody.config_file); -- prosodyctl has put its own option `log` in the place of the server's
	local found = look(arguments[2]);
	(is_json and print_json or print_text)(found);
	for _, each in ipairs(found) do
		if say.holds_error(each.findings) then return 1; end
	end
	return 0;
end

return { command = command };
