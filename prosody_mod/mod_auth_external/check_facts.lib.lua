-- check_facts.lib.lua: gathers what the check needs to know about one host: configuration, services, proxy, website.
-- Needs an async context.  Its caller never prints the token.
-- This file is MIT licensed; see LICENSE.

local config = require "core.configmanager";
local create_context = require "core.certmanager".create_context;
local envloadfile = require "util.envload".envloadfile;
local getpath = require "util.datamanager".getpath;
local hashes = require "util.hashes";
local jid = require "util.jid";
local json = require "util.json";
local lfs = require "lfs";
local new_nonce = require "util.id".long;
local now = require "util.time".now;

local check_probes = module:require "check_probes";
local check_prosody = module:require "check_prosody";
local http_call = module:require "authbridge/http_call";
local jitsi_config = module:require "jitsi_config";
local options = module:require "authbridge/options";
local rule_options = module:require "mod_meeting_rules/rule_options";
local token_claims = module:require "token_claims";

local patience = 5; -- seconds for each request
local max_script = 1024 * 1024; -- bytes
local script_of = "/etc/jitsi/meet/%s-config.js"; -- where Jitsi's packages for Debian put it

-- The configuration --------------------------------------------------------------------------------

local function enables(host, name)
	local list = config.rawget(host, "modules_enabled");
	for _, enabled in ipairs(type(list) == "table" and list or {}) do
		if enabled == name then return true; end
	end
	return false;
end

local function all_hosts()
	return jitsi_config.active(config.getconfig(), config.get);
end

local function enables_anywhere(name)
	for _, host in ipairs(all_hosts()) do
		if enables(host, name) then return true; end
	end
	return false;
end

-- Returns the hosts and components where that module is enabled, sorted.
local function those_with(name)
	local found = {};
	for _, host in ipairs(all_hosts()) do
		if enables(host, name) then table.insert(found, host); end
	end
	table.sort(found);
	return found;
end

-- Returns where mod_meeting_rules is enabled, whether at the meetings, and its settings or the fault in its options.
local function rules_at(muc)
	if not muc then return { listed = {}, is_loaded = false }; end
	local settings, fault = rule_options.read(function (name) return config.get(muc, name); end);
	return { listed = those_with("meeting_rules"), is_loaded = enables(muc, "meeting_rules"), settings = settings, fault = fault };
end

-- Returns the hosts of participants, { host, authentication }, sorted: those without accounts, and the one with the usual name.
local function guests_of(host)
	local found = {};
	for _, name in ipairs(all_hosts()) do
		local authentication = config.get(name, "authentication");
		local is_guests = authentication == "anonymous" or authentication == "jitsi-anonymous" or name == "guest." .. host;
		if name ~= "*" and is_guests and not config.rawget(name, "component_module") then
			table.insert(found, { host = name, authentication = tostring(authentication) });
		end
	end
	table.sort(found, function (a, b) return a.host < b.host; end);
	return found;
end

-- Returns those of Jitsi's modules that believe what a session claims, and are enabled.
local function believers()
	local found = {};
	for _, name in ipairs({ "muc_wait_for_host", "token_affiliation" }) do
		if enables_anywhere(name) then table.insert(found, name); end
	end
	return found;
end

-- Tells whether that SASL mechanism is switched off there.
local function is_disabled(host, mechanism)
	local list = config.get(host, "disable_sasl_mechanisms");
	for _, each in ipairs(type(list) == "table" and list or { list }) do
		if each == mechanism then return true; end
	end
	return false;
end

-- Returns the settings of the host or nil, its token or nil, and the faults as sentences.  options.read stops at the first
-- fault; so where it finds one, a second reading with a made-up token tells the other options' faults.
local function settings_of(host)
	local function get(name) return config.get(host, name); end
	local settings, fault = options.read(get, options.read_file);
	if settings then return settings, settings.token, {}; end
	local rest, other_fault = options.read(get, function () return ("x"):rep(64); end);
	local faults = { fault };
	if other_fault and other_fault ~= fault then table.insert(faults, other_fault); end
	return rest, nil, faults;
end

-- Tells whether jicofo's account lets the component in front of it see that jicofo is there: by a contact in its roster,
-- which Jitsi's packages put there.  Returns nil where Prosody keeps rosters elsewhere than in its own files.  Those are read
-- as they lie there: in prosodyctl, no storage is loaded for other hosts.
local function hears_of_jicofo(place)
	if not place.focus then return nil; end
	local user, host = jid.split(place.target);
	local storage = config.get(host, "storage");
	if storage ~= nil and storage ~= "internal" then return nil; end
	local file = getpath(user, host, "roster");
	if not lfs.attributes(file) then return false; end
	local is_read, roster = pcall(function () return assert(envloadfile(file, {}))(); end);
	if not is_read then return nil; end
	local contact = roster[place.focus];
	return contact ~= nil and (contact.subscription == "from" or contact.subscription == "both");
end

-- The services -------------------------------------------------------------------------------------

local function ask(url, request)
	request.suppress_url = true;
	local body, code, headers = http_call.send(url, request, patience);
	if code == 0 then return { code = 0, reason = body }; end
	local is_json, answer = pcall(json.decode, body);
	return { code = code, body = is_json and answer or nil, date = headers and headers.date, now = now() };
end

local function ask_with(token, url, question)
	return ask(url, {
		method = "POST", body = json.encode(question);
		headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token };
	});
end

-- takes_tokens: whether the service has to know those of the login page.
local function probe_service(url, host, token, takes_tokens)
	local health = ask(url .. "/healthz", {});
	if health.code ~= 200 then return { url = url, health = health }; end
	return {
		url = url, health = health, ready = ask(url .. "/readyz", {});
		acceptance = token and ask_with(token, url .. "/v1/authenticate", { host = host });
		feed = token and ask_with(token, url .. "/v1/revocations", { wait = 0 });
		tokens = token and takes_tokens and ask_with(token, url .. "/v1/token", { host = host }) or nil;
	};
end

-- The proxy and the website ------------------------------------------------------------------------

-- A whole handshake, by which some proxies tell the two kinds of requests apart; but for a protocol that mod_websocket
-- does not speak, so that no session is opened.
local handshake = {
	["Connection"] = "Upgrade", ["Upgrade"] = "websocket", ["Sec-WebSocket-Version"] = "13";
	["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ==", ["Sec-WebSocket-Protocol"] = "authbridge-probe";
};

-- Gets what a browser would get there.  Where the certificate cannot be verified it asks again without: no secret is sent.
-- Returns as http_call.send() does, and the fault of the certificate or nil.
local function visit(url, headers, call)
	local request = { suppress_url = true, headers = headers };
	local certificate;
	local body, code, answer_headers, source = http_call.send(url, request, patience, call);
	if code == 0 and body:find("^certificate") then
		certificate, request.insecure = body, true;
		request.sslctx = create_context("client_https port 0", "client", { verify = "none" });
		body, code, answer_headers, source = http_call.send(url, request, patience, call);
	end
	return body, code, answer_headers, source, certificate;
end

-- Sends one request with a forged address through the proxy; see check_probes.lib.lua.
local function probe_location(url, path, headers, host, token)
	local target, nonce = url.base .. path, new_nonce();
	local forged_headers = check_probes.forged_headers(check_probes.new(hashes, token, host, nonce, now() // 1));
	for name, value in pairs(headers) do forged_headers[name] = value; end
	local body, code, answer_headers, source, certificate = visit(target, forged_headers);
	return {
		url = target, path = path, name = url.name, forged = check_probes.forged, code = code, reason = code == 0 and body or nil;
		leads_to = answer_headers and answer_headers.location, source = source, certificate = certificate;
		seen = code ~= 0 and body and check_probes.read_answer(hashes, token, host, nonce, body) or nil;
	};
end

local function probe_locations(url, host, token)
	local found = {};
	if enables_anywhere("bosh") then table.insert(found, probe_location(url, "/http-bind", {}, host, token)); end
	if enables_anywhere("websocket") then table.insert(found, probe_location(url, "/xmpp-websocket", handshake, host, token)); end
	return found;
end

-- Returns the config.js of this machine and of the website, those that can be read: { source, script }.
local function scripts_of(host, url)
	local found, file = {}, script_of:format(host);
	local script = options.read_file(file);
	if script then table.insert(found, { source = file, script = script }); end
	if not url then return found; end
	local address = url.base .. "/config.js";
	local body, code = visit(address, {}, { max_answer = max_script });
	if code == 200 then table.insert(found, { source = address, script = body }); end
	return found;
end

-- Returns the sources of those scripts for which `is_so` is true.
local function sources(scripts, is_so)
	local found = {};
	for _, each in ipairs(scripts) do
		if is_so(each.script) then table.insert(found, each.source); end
	end
	return found;
end

-- scripts: of scripts_of().  Returns what is to be known about the login page, as check_page.lib.lua reads it.
local function page_of(host, scripts)
	return {
		is_on = config.get(host, "external_auth_page") == true, is_read = scripts[1] ~= nil;
		named = sources(scripts, jitsi_config.names_page), inline = sources(scripts, jitsi_config.opens_inline);
		logout = sources(scripts, jitsi_config.logs_out_there);
	};
end

-- url: of check_addresses.parse_url, or nil.  Returns the facts that check_services, check_prosody, check_page, check_rules and
-- check_addresses read.
local function of_host(host, url)
	local settings, token, faults = settings_of(host);
	local scripts = scripts_of(host, url);
	local page = page_of(host, scripts);
	local token_file = config.get(host, "external_auth_token_file");
	local services = {};
	for i, service in ipairs(settings and settings.urls or {}) do services[i] = probe_service(service, host, token, page.is_on); end
	local place, place_fault, place_fix = jitsi_config.find(host, all_hosts(), config.get);
	return {
		host = host, inherits = config.rawget(host, "authentication") == nil;
		faults = faults, probes = services, locations = url and token and probe_locations(url, host, token) or nil;
		place = place, place_fault = place_fault, place_fix = place_fix, hears_of_jicofo = hears_of_jicofo(place);
		bypasses = sources(scripts, jitsi_config.sends_past);
		page_words = config.get(host, "external_auth_page_words") == true, knows_page = scripts[1] ~= nil;
		branded = sources(scripts, jitsi_config.is_branded);
		page = page, has_no_anonymous = is_disabled(host, "ANONYMOUS");
		token_file = token_file, token_mode = type(token_file) == "string" and lfs.attributes(token_file, "permissions") or nil;
		bosh = enables_anywhere("bosh"), bosh_secure = config.get("*", "consider_bosh_secure");
		websocket = enables_anywhere("websocket"), websocket_secure = config.get("*", "consider_websocket_secure");
		vouched = config.get(host, "external_auth_proxy_overwrites_address") == true;
		trusted_proxies = config.get("*", "trusted_proxies");
		limit_auth = enables("*", "limit_auth") or enables(host, "limit_auth");
		listed = enables("*", "auth_external") or enables(host, "auth_external");
		rules = rules_at(place.muc), has_lobby = enables_anywhere("muc_lobby_rooms"), guests = guests_of(host), believers = believers();
		gc = config.get("*", "gc"), is_generational = _VERSION >= "Lua 5.4";
		debug_log = check_prosody.logs_debug(config.get("*", "log")), token_hosts = token_claims.verifying(all_hosts(), config.get);
	};
end

return { of_host = of_host };
