-- check.lib.lua: `prosodyctl mod_auth_external check [HOST | URL]`: what is wrong, and how to mend it.
-- Gathers facts and prints findings; what they mean stands in check_findings.lib.lua and check_addresses.lib.lua.
-- Never prints the token.
-- This file is MIT licensed; see LICENSE.

local config = require "core.configmanager";
local create_context = require "core.certmanager".create_context;
local hashes = require "util.hashes";
local json = require "util.json";
local lfs = require "lfs";
local new_nonce = require "util.id".long;
local now = require "util.time".now;

local addresses = module:require "check_addresses";
local claims = module:require "token_claims";
local exchange = module:require "http_call".exchange;
local findings = module:require "check_findings";
local options = module:require "options";
local probes = module:require "check_probes";
local surroundings = module:require "jitsi_config";

local patience = 5; -- seconds for each request
local max_script = 1024 * 1024; -- bytes
local script_of = "/etc/jitsi/meet/%s-config.js"; -- where Jitsi's packages for Debian put it
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

local function ask_with(token, url, question)
	return ask(url, {
		method = "POST", body = json.encode(question);
		headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token };
	});
end

local function probe(url, host, token)
	local health = ask(url .. "/healthz", {});
	if health.code ~= 200 then return { url = url, health = health }; end
	return {
		url = url, health = health, ready = ask(url .. "/readyz", {});
		acceptance = token and ask_with(token, url .. "/v1/authenticate", { host = host });
		feed = token and ask_with(token, url .. "/v1/revocations", { wait = 0 });
	};
end

-- A whole handshake, for some proxies tell the two kinds of requests apart by it; but for a protocol that
-- mod_websocket does not speak, so that no session is opened.
local handshake = {
	["Connection"] = "Upgrade", ["Upgrade"] = "websocket", ["Sec-WebSocket-Version"] = "13";
	["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ==", ["Sec-WebSocket-Protocol"] = "authbridge-probe";
};

-- What a browser would get there.  A certificate that does not prove itself is no reason to look away: no secret
-- is sent.  Returns as exchange() does, and what is wrong with the certificate.
local function visit(url, headers, call)
	local request = { suppress_url = true, headers = headers };
	local certificate;
	local body, code, answer_headers, source = exchange(url, request, patience, call);
	if code == 0 and body:find("^certificate") then
		certificate, request.insecure = body, true;
		request.sslctx = create_context("client_https port 0", "client", { verify = "none" });
		body, code, answer_headers, source = exchange(url, request, patience, call);
	end
	return body, code, answer_headers, source, certificate;
end

-- One request with a forged address through the proxy; see check_probes.lib.lua.
local function probe_location(url, path, headers, host, token)
	local target, nonce = url.base .. path, new_nonce();
	local forged_headers = probes.forged_headers(probes.new(hashes, token, host, nonce, now() // 1));
	for name, value in pairs(headers) do forged_headers[name] = value; end
	local body, code, answer_headers, source, certificate = visit(target, forged_headers);
	return {
		url = target, path = path, name = url.name, forged = probes.forged, code = code, reason = code == 0 and body or nil;
		leads_to = answer_headers and answer_headers.location, source = source, certificate = certificate;
		seen = code ~= 0 and body and probes.read_answer(hashes, token, host, nonce, body) or nil;
	};
end

local function probe_locations(url, host, token)
	local found = {};
	if enables_anywhere("bosh") then table.insert(found, probe_location(url, "/http-bind", {}, host, token)); end
	if enables_anywhere("websocket") then table.insert(found, probe_location(url, "/xmpp-websocket", handshake, host, token)); end
	return found;
end

-- Those config.js that send conference requests past Prosody: the file of this machine, and what the website serves.
local function bypasses_of(host, url)
	local found, file = {}, script_of:format(host);
	local script = options.read_file(file);
	if script and surroundings.sends_past(script) then table.insert(found, file); end
	if not url then return found; end
	local address = url.base .. "/config.js";
	local body, code = visit(address, {}, { max_answer = max_script });
	if code == 200 and surroundings.sends_past(body) then table.insert(found, address); end
	return found;
end

local function all_hosts()
	local hosts = {};
	for name in pairs(config.getconfig()) do table.insert(hosts, name); end
	return hosts;
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

local function facts_of(host, url)
	local settings, token, faults = settings_of(host);
	local token_file = config.get(host, "external_auth_token_file");
	local services = {};
	for i, service in ipairs(settings and settings.urls or {}) do services[i] = probe(service, host, token); end
	local place, place_fault = surroundings.find(host, all_hosts(), config.get);
	return {
		host = host, faults = faults, probes = services, locations = url and token and probe_locations(url, host, token) or nil;
		place = place, place_fault = place_fault, bypasses = bypasses_of(host, url);
		token_file = token_file, token_mode = type(token_file) == "string" and lfs.attributes(token_file, "permissions") or nil;
		bosh = enables_anywhere("bosh"), bosh_secure = config.get("*", "consider_bosh_secure");
		websocket = enables_anywhere("websocket"), websocket_secure = config.get("*", "consider_websocket_secure");
		vouched = config.get(host, "external_auth_proxy_overwrites_address") == true;
		trusted_proxies = config.get("*", "trusted_proxies");
		limit_auth = enables("*", "limit_auth") or enables(host, "limit_auth");
		listed = enables("*", "auth_external") or enables(host, "auth_external");
		debug_log = findings.logs_debug(config.get("*", "log")), token_hosts = claims.verifying(all_hosts(), config.get);
	};
end

-- All hosts that ask AuthBridge; of the one that is named like the website, if there is one, only that.
local function choose_all(name)
	local hosts = {};
	for _, host in ipairs(virtual_hosts()) do
		if is_external(host) then
			if host == name then return { host }; end
			table.insert(hosts, host);
		end
	end
	if hosts[1] then return hosts; end
	return nil, findings.failure('add authentication = "external" below the VirtualHost of the organisers',
		"No VirtualHost asks AuthBridge.");
end

-- The hosts to look at, or nil and what is wrong with the choice.
local function choose(wanted)
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

local function report(host, url)
	local facts = facts_of(host, url);
	local found = findings.of(facts);
	findings.append(found, addresses.of(facts, findings));
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
	local wanted = arguments[2];
	local url = wanted and addresses.parse_url(wanted);
	local hosts, fault;
	if wanted and not url then
		hosts, fault = choose(wanted);
	else
		hosts, fault = choose_all(url and url.name);
	end
	if not hosts then
		print(findings.line(fault));
		return 1;
	end
	local all_well = true;
	for _, host in ipairs(hosts) do all_well = report(host, url) and all_well; end
	return all_well and 0 or 1;
end

return { command = command };
