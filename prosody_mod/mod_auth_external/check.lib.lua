-- check.lib.lua: `prosodyctl mod_auth_external check [HOST]`: what is wrong, and how to mend it.
-- Gathers facts and prints findings; what they mean stands in findings.lib.lua.  Never prints the token.
-- This file is MIT licensed; see LICENSE.

local config = require "core.configmanager";
local json = require "util.json";
local lfs = require "lfs";
local now = require "util.time".now;

local exchange = module:require "exchange".exchange;
local findings = module:require "findings";
local options = module:require "options";

local patience = 5; -- seconds for each request
local usage = "Usage: prosodyctl mod_auth_external check [HOST]";

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

local function enables(host, name)
	local list = config.rawget(host, "modules_enabled");
	for _, enabled in ipairs(type(list) == "table" and list or {}) do
		if enabled == name then return true; end
	end
	return false;
end

local function enables_anywhere(name)
	for host in pairs(config.getconfig()) do
		if enables(host, name) then return true; end
	end
	return false;
end

local function ask(url, request)
	request.suppress_url = true;
	local body, code, headers = exchange(url, request, patience);
	if code == 0 then return { code = 0, reason = body }; end
	local decoded, answer = pcall(json.decode, body);
	return { code = code, body = decoded and answer or nil, date = headers and headers.date, now = now() };
end

local function probe(question_url, host, token)
	local url = question_url:gsub("/v1/authenticate$", "");
	local health = ask(url .. "/healthz", {});
	if health.code ~= 200 then return { url = url, health = health }; end
	return {
		url = url, health = health, ready = ask(url .. "/readyz", {});
		acceptance = token and ask(question_url, {
			method = "POST", body = json.encode({ host = host });
			headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token };
		});
	};
end

-- options.read stops at the first fault; read with a made-up token, it tells the others apart from the file's.
local function settings_of(host)
	local function get(name) return config.get(host, name); end
	local settings, fault = options.read(get, options.read_file);
	if settings then return settings, settings.token, {}; end
	local rest, other_fault = options.read(get, function () return ("x"):rep(64); end);
	local faults = { fault };
	if other_fault and other_fault ~= fault then table.insert(faults, other_fault); end
	return rest, nil, faults;
end

local function facts_of(host)
	local settings, token, faults = settings_of(host);
	local token_file = config.get(host, "external_auth_token_file");
	local probes = {};
	for i, url in ipairs(settings and settings.urls or {}) do probes[i] = probe(url, host, token); end
	return {
		host = host, faults = faults, probes = probes;
		token_file = token_file, token_mode = type(token_file) == "string" and lfs.attributes(token_file, "permissions") or nil;
		bosh = enables_anywhere("bosh"), bosh_secure = config.get("*", "consider_bosh_secure");
		websocket = enables_anywhere("websocket"), websocket_secure = config.get("*", "consider_websocket_secure");
		vouched = config.get(host, "external_auth_proxy_overwrites_address") == true;
		trusted_proxies = config.get("*", "trusted_proxies");
		limit_auth = enables("*", "limit_auth") or enables(host, "limit_auth");
		listed = enables("*", "auth_external") or enables(host, "auth_external");
		debug_log = findings.logs_debug(config.get("*", "log"));
	};
end

-- The hosts to look at, or nil and what is wrong with the choice.
local function choose(wanted)
	if not wanted then
		local hosts = {};
		for _, host in ipairs(virtual_hosts()) do
			if is_external(host) then table.insert(hosts, host); end
		end
		if hosts[1] then return hosts; end
		return nil, findings.failure('add authentication = "external" below the VirtualHost of the organisers',
			"No VirtualHost asks AuthBridge.");
	end
	local host = wanted:lower();
	for _, known in ipairs(virtual_hosts()) do
		if known == host and is_external(host) then return { host }; end
		if known == host then
			return nil, findings.failure(('add authentication = "external" below VirtualHost "%s"'):format(host),
				"%s does not ask AuthBridge; its authentication is %s.", host, tostring(config.get(host, "authentication")));
		end
	end
	return nil, findings.failure("choose one of: " .. table.concat(virtual_hosts(), ", "), "There is no VirtualHost %q.", wanted);
end

local function report(host)
	local found = findings.of(facts_of(host));
	print(host .. ":");
	for _, each in ipairs(found) do print("  " .. findings.line(each)); end
	return not findings.holds_error(found);
end

-- Runs in prosodyctl's async context; returns its exit code.
local function command(arguments)
	if arguments[1] ~= "check" or #arguments > 2 then
		print(usage);
		return 1;
	end
	config.load(prosody.config_file); -- prosodyctl has put its own option `log` in the place of the server's
	local hosts, fault = choose(arguments[2]);
	if not hosts then
		print(findings.line(fault));
		return 1;
	end
	local all_well = true;
	for _, host in ipairs(hosts) do all_well = report(host) and all_well; end
	return all_well and 0 or 1;
end

return { command = command };
