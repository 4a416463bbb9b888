-- check.lib.lua: `prosodyctl mod_auth_external check [HOST | URL]`: says what is wrong, and how to fix it.
-- Chooses the hosts and prints the findings; check_facts.lib.lua gathers, the other check_*.lib.lua judge.
-- This file is MIT licensed; see LICENSE.

local config = require "core.configmanager";

local check_addresses = module:require "check_addresses";
local check_facts = module:require "check_facts";
local check_prosody = module:require "check_prosody";
local check_rules = module:require "check_rules";
local check_services = module:require "check_services";
local say = module:require "check_findings";

local usage = "Usage: prosodyctl mod_auth_external check [HOST | URL]";

local function is_external(host)
	return config.get(host, "authentication") == "external";
end

local function virtual_hosts()
	local hosts = {};
	for host, values in pairs(config.getconfig()) do
		if host ~= "*" and not rawget(values, "component_module") then table.insert(hosts, host); end
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

-- Prints the findings about the host.  Returns whether there is no error among them.
local function report(host, url)
	local facts, found = check_facts.of_host(host, url), {};
	for _, judge in ipairs({ check_services, check_prosody, check_rules, check_addresses }) do say.append(found, judge.of(facts)); end
	print(host .. ":");
	for _, each in ipairs(found) do print("  " .. say.line(each)); end
	return not say.holds_error(found);
end

-- arguments: those of the command line.  Runs in prosodyctl's async context; returns its exit code.
local function command(arguments)
	if arguments[1] ~= "check" or #arguments > 2 then
		print(usage);
		return 1;
	end
	config.load(prosody.config_file); -- prosodyctl has put its own option `log` in the place of the server's
	local wanted = arguments[2];
	local url = wanted and check_addresses.parse_url(wanted);
	local hosts, fault;
	if wanted and not url then
		hosts, fault = choose(wanted);
	else
		hosts, fault = choose_all(url and url.name);
	end
	if not hosts then
		print(say.line(fault));
		return 1;
	end
	local all_well = true;
	for _, host in ipairs(hosts) do all_well = report(host, url) and all_well; end
	return all_well and 0 or 1;
end

return { command = command };
