-- check_addresses.lib.lua: says what the check found about the addresses of browsers, and whether the proxy may be vouched
-- for with external_auth_proxy_overwrites_address.
-- Pure: facts in, findings out.
-- This file is MIT licensed; see LICENSE.

local say = module:require "check_findings";

-- Returns of "https://meet.example.org/" { base = "https://meet.example.org", name = "meet.example.org" }, or nil.
local function parse_url(text)
	local scheme, authority, path = text:match("^(%a+)://([^/?#@%s]+)([^?#%s]*)$");
	scheme = scheme and scheme:lower();
	if (scheme ~= "http" and scheme ~= "https") or not path:find("^/") and path ~= "" then return nil; end
	return { base = scheme .. "://" .. authority .. path:gsub("/+$", ""), name = authority:gsub(":%d+$", ""):lower() };
end

-- An IPv4 address that came through an IPv6 socket is the same address.
local function plain(ip)
	return (ip:gsub("^::ffff:(%d+%.)", "%1"));
end

local function is_loopback(ip)
	return ip:find("^127%.") ~= nil or ip == "::1";
end

-- Returns how many bits a network of proxies has at least: the widest private ones have so many.
local function fewest_bits(network)
	if network:find("^::ffff:") then return 96 + 8; end
	return network:find(":", 1, true) and 7 or 8;
end

-- Tells whether Prosody believes strangers who claim an address.  Two networks of half the Internet are all of it.
local function trusts_strangers(proxies)
	for _, proxy in ipairs(type(proxies) == "table" and proxies or { proxies }) do
		local network = tostring(proxy);
		local bits = tonumber(network:match("/(.*)$"));
		if bits and bits < fewest_bits(network) then return true; end
	end
	return false;
end

local function fix_for_location(path)
	return ('add "proxy_set_header X-Forwarded-For $remote_addr;" to "location = %s" of nginx, then: nginx -t && systemctl reload nginx')
		:format(path);
end

local function fix_for_trust(ip)
	return ('if %s is your proxy: trusted_proxies = { "127.0.0.1", "::1", "%s" }, then restart Prosody'):format(ip, ip);
end

-- Returns the finding about an answer from which nothing can be learned.
local function of_unexpected(location)
	local code = location.code;
	if code == 0 then
		return say.failure(("the DNS must lead %s to the proxy, from this machine too (Prosody reads /etc/hosts only with "
			.. "unbound = { hoststxt = true }); curl -v %s"):format(location.name, location.url),
			"%s cannot be reached from this machine: %s.", location.url,
			location.reason == "timeout" and "no answer in time" or say.printable(location.reason));
	elseif location.leads_to and code >= 300 and code < 400 then
		return say.failure("check the address that it leads to", "%s redirects to %s.", location.url, say.printable(location.leads_to));
	elseif code == 404 then
		return say.failure(('let the proxy have "location = %s" (see deploy/nginx), and Prosody a VirtualHost or http_default_host '
			.. "of that name"):format(location.path), "%s: nothing there (HTTP status 404).", location.url);
	elseif code >= 502 and code <= 504 then
		return say.failure("systemctl status prosody; look at proxy_pass in nginx",
			"%s: the proxy does not reach Prosody (HTTP status %d).", location.url, code);
	end
	return say.failure(("systemctl restart prosody, if the module or the token changed since its start; the DNS must lead %s "
		.. "to the proxy of this Prosody"):format(location.name),
		"%s answers (HTTP status %d), but not as this module in a Prosody with this token does.", location.url, code);
end

-- Returns the finding that keeps the proxy from being vouched for, or nil.
local function of_fault(location, ip, vouched)
	local fate, by_sender = location.seen.fate, location.seen.by_sender;
	if ip == location.forged then
		return (vouched and say.failure or say.warning)(fix_for_location(location.path),
			"%s: a forged address was believed. Anybody who sends X-Forwarded-For there can pretend to be in a school's network.", location.url);
	elseif fate == "gone" then
		return say.warning(fix_for_location(location.path),
			"%s: the proxy passes no X-Forwarded-For on, so every browser looks like %s.", location.url, ip);
	elseif fate == "kept" then
		return say.warning(("%s; and %s"):format(fix_for_location(location.path), fix_for_trust(ip)),
			"%s: the proxy lets a forged address pass, and Prosody does not believe what %s says, so every browser looks like it.",
			location.url, ip);
	elseif by_sender and not is_loopback(ip) then
		return say.warning(fix_for_trust(ip),
			"%s: the forged address was overwritten, but Prosody does not believe what %s says, so every browser looks like it.",
			location.url, ip);
	elseif is_loopback(ip) and location.source and not is_loopback(plain(location.source)) then
		return say.warning("let nginx believe the proxy before it (set_real_ip_from, real_ip_header), or name nginx in trusted_proxies",
			"%s: the forged address was overwritten, but with %s, although this check came from %s. Something stands in between, "
			.. "and every browser looks like it.", location.url, ip, location.source);
	end
end

-- Returns the finding about what this check cannot see from where it runs, or nil.
local function of_blind_spot(location, ip)
	local fix = "look into nginx' access log: browsers of several networks must have several addresses";
	if is_loopback(ip) then
		return say.note(fix, "This check came over loopback, so it cannot show whether browsers keep their own addresses.");
	elseif not location.source or plain(location.source) ~= ip then
		return say.warning(fix, "This check came from %s, and Prosody sees %s. If that is a proxy or a gateway in between, "
			.. "every browser looks like it: do not set the option then.", location.source or "an unknown address", ip);
	end
end

-- Returns the outcome ("overwritten" "faulty" "unknown") and the findings.
local function of_location(location, vouched)
	if not location.seen then return "unknown", { of_unexpected(location) }; end
	local ip = plain(say.printable(location.seen.ip));
	local fault = of_fault(location, ip, vouched);
	if fault then return "faulty", { fault }; end
	return "overwritten", {
		say.ok("%s: a forged address was overwritten; Prosody sees %s.", location.url, ip), of_blind_spot(location, ip);
	};
end

local function of_verdict(outcomes, facts)
	if not outcomes.faulty and not outcomes.unknown then
		if facts.vouched then return say.ok("external_auth_proxy_overwrites_address = true is right."); end
		return say.note(('external_auth_proxy_overwrites_address = true below VirtualHost "%s", then restart Prosody'):format(facts.host),
			"The proxy overwrites forged addresses: set the option; until then the addresses of browsers count as unknown.");
	elseif facts.vouched and outcomes.faulty then
		return say.failure("take it out, restart Prosody, correct the proxy, then check again",
			"external_auth_proxy_overwrites_address is true, and must not be.");
	elseif facts.vouched then
		return say.note(nil, "Whether external_auth_proxy_overwrites_address = true is right remains unknown.");
	end
	return say.note(nil, "Do NOT set external_auth_proxy_overwrites_address before this check finds both locations in order; "
		.. "until then the addresses of browsers count as unknown.");
end

-- facts.locations: for each location { url, path, name, forged, code, reason, leads_to, seen = what check_probes.lib.lua read
-- from the answer or nil, source = our own address, certificate = the fault of it or nil }.
local function of_locations(facts)
	local found, said = {}, {};
	local outcomes = { faulty = trusts_strangers(facts.trusted_proxies) };
	local function add(each)
		if said[each.words] then return; end
		said[each.words] = true;
		table.insert(found, each);
	end
	for _, location in ipairs(facts.locations) do
		if location.certificate then
			add(say.warning(("give %s a certificate that browsers accept"):format(location.name),
				"The certificate of %s cannot be verified: %s. The check went on without that.", location.name, say.printable(location.certificate)));
		end
		local outcome, more = of_location(location, facts.vouched);
		outcomes[outcome] = true;
		for _, each in ipairs(more) do add(each); end
	end
	add(of_verdict(outcomes, facts));
	return found;
end

-- Returns the finding about the configuration alone, where no URL was given.
local function of_configuration(facts)
	local command = ("prosodyctl mod_auth_external check https://%s"):format(facts.host);
	if not facts.vouched then
		return say.note(command .. " (the address of the website) tells whether to set external_auth_proxy_overwrites_address = true",
			"The addresses of browsers count as unknown, and no network is known or trusted.");
	end
	return say.note(command .. " (the address of the website) tries it",
		"You vouch for the proxy's X-Forwarded-For; whether it overwrites what a client sends was not tried.");
end

local function of_trusted(facts)
	local proxies = facts.trusted_proxies;
	if trusts_strangers(proxies) then
		return say.warning('trusted_proxies = { "127.0.0.1", "::1" }',
			"trusted_proxies holds addresses of strangers: they can claim to be in a school's network.");
	elseif type(proxies) == "table" and #proxies == 0 then
		return say.warning("name the proxy in trusted_proxies",
			"trusted_proxies is empty: every browser appears with the address of the proxy.");
	end
end

-- facts: host, bosh, websocket = loaded anywhere, vouched, trusted_proxies (nil where not set), and
-- locations, nil where no URL was given.
local function of(facts)
	if not (facts.bosh or facts.websocket) then
		if not facts.locations then return {}; end
		return { say.failure('modules_enabled = { "bosh", "websocket" } below the VirtualHost',
			"Neither mod_bosh nor mod_websocket is loaded, so no browser can log in.") };
	end
	local found = { (facts.vouched or facts.locations) and of_trusted(facts) or nil };
	say.append(found, facts.locations and of_locations(facts) or { of_configuration(facts) });
	return found;
end

return { of = of, parse_url = parse_url };
