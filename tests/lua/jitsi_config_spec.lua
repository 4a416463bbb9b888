local jitsi_config = dofile("tests/lua/prosody_libraries.lua").own("jitsi_config");

-- hosts: name -> options.  Returns what is found for meet.test.
local function find(hosts, host)
	local names = {};
	for name in pairs(hosts) do table.insert(names, name); end
	return jitsi_config.find(host or "meet.test", names, function (name, option) return (hosts[name] or {})[option]; end);
end

local function stock(over)
	local hosts = {
		["*"] = {}, ["meet.test"] = {}, ["guest.meet.test"] = {}, ["auth.meet.test"] = {};
		["focus.meet.test"] = { component_module = "client_proxy", target_address = "focus@auth.meet.test" };
		["conference.meet.test"] = { component_module = "muc" };
		["breakout.meet.test"] = { component_module = "muc" };
		["lobby.meet.test"] = { component_module = "muc" };
	};
	for name, options in pairs(over or {}) do hosts[name] = options or nil; end
	return hosts;
end

describe("Hosts that are switched off", function ()
	it("are left out, whoever switched them off", function ()
		local hosts = { ["*"] = {}, ["meet.test"] = {}, ["jigasi.meet.jitsi"] = { enabled = false } };
		local names = jitsi_config.active(hosts, function (name, option) return hosts[name][option]; end);
		table.sort(names);
		assert.same({ "*", "meet.test" }, names);
	end);
end);

describe("Jitsi is found", function ()
	it("in a stock installation", function ()
		assert.same({
			focus = "focus.meet.test", target = "focus@auth.meet.test", muc = "conference.meet.test";
			mucs = { "breakout.meet.test", "conference.meet.test", "lobby.meet.test" }, meetings = { "conference.meet.test" };
		}, find(stock()));
	end);

	it("where the rooms are at muc.HOST", function ()
		local hosts = stock({ ["conference.meet.test"] = false, ["muc.meet.test"] = { component_module = "muc" } });
		assert.equal("muc.meet.test", find(hosts).muc);
	end);

	it("where Jitsi's own options name the rooms", function ()
		local hosts = stock({ ["rooms.meet.example"] = { component_module = "muc" } });
		hosts["meet.test"] = { muc_mapper_domain_base = "meet.example", muc_mapper_domain_prefix = "rooms" };
		assert.equal("rooms.meet.example", find(hosts).muc);
	end);

	it("with the rooms of tenants, where Jitsi's own options map them", function ()
		local hosts = stock();
		hosts["meet.test"] = { muc_mapper_domain_base = "meet.test" };
		assert.same({ prefix = "conference", base = "meet.test", muc = "conference.meet.test" }, find(hosts).mapper);
		hosts["meet.test"] = { muc_mapper_domain_base = "meet.test", muc_mapper_domain_prefix = "muc", muc_mapper_domain = "conference.meet.test" };
		assert.same({ prefix = "muc", base = "meet.test", muc = "conference.meet.test" }, find(hosts).mapper);
	end);

	it("where the option of Jitsi's other modules names the rooms", function ()
		local hosts = stock({ ["conference.meet.test"] = false, ["rooms.meet.test"] = { component_module = "muc" } });
		hosts["meet.test"] = { main_muc = "rooms.meet.test" };
		assert.equal("rooms.meet.test", find(hosts).muc);
	end);

	it("with all components where people may meet, if nothing says which one it is, and never where bridges do", function ()
		local hosts = stock({ ["conference.meet.test"] = false, ["a.test"] = { component_module = "muc" }, ["b.test"] = { component_module = "muc" } });
		hosts["internal.auth.meet.test"], hosts["internal-muc.meet.test"] = { component_module = "muc" }, { component_module = "muc" };
		local place = find(hosts);
		assert.is_nil(place.muc);
		assert.same({ "a.test", "b.test" }, place.meetings);
	end);

	it("where there is only one of each, whatever its name", function ()
		local place = find({
			["meet.test"] = {}, ["xyz"] = { component_module = "client_proxy", target_address = "f@a" }, ["abc"] = { component_module = "muc" };
		});
		assert.same({ focus = "xyz", target = "f@a", muc = "abc", mucs = { "abc" }, meetings = { "abc" } }, place);
	end);

	it("by the options, before any guess", function ()
		local hosts = stock({ ["focus2"] = { component_module = "client_proxy", target_address = "f@a" } });
		hosts["meet.test"] = { external_auth_focus = "focus2", external_auth_muc = "lobby.meet.test" };
		local place = find(hosts);
		assert.same({ "focus2", "f@a", "lobby.meet.test" }, { place.focus, place.target, place.muc });
	end);

	it("for each of two hosts its own", function ()
		local hosts = stock({
			["other.test"] = {}, ["focus.other.test"] = { component_module = "client_proxy", target_address = "focus@auth.other.test" };
			["conference.other.test"] = { component_module = "muc" };
		});
		assert.equal("focus.meet.test", find(hosts).focus);
		assert.equal("conference.other.test", find(hosts, "other.test").muc);
	end);
end);

describe("Nothing is found", function ()
	it("in a plain Prosody", function ()
		assert.same({}, find({ ["meet.test"] = {}, ["rooms.test"] = { component_module = "muc" } }));
	end);

	-- Nothing of it is a plain Prosody: what is there is named, with a remedy.
	local unclear = {
		{ "the component names no jicofo", { ["focus.meet.test"] = { component_module = "client_proxy" } },
			"focus.meet.test names no jicofo", "target_address" };
		{ "several could be meant", {
			["focus.meet.test"] = false, ["a.test"] = { component_module = "client_proxy" }, ["b.test"] = { component_module = "client_proxy" };
		}, "client_proxy (a.test, b.test)", "external_auth_focus" };
		{ "jicofo itself is the component, as before 2021", { ["focus.meet.test"] = { component_module = "component" } },
			"focus.meet.test is an external component", "client_proxy" };
	};
	for _, case in ipairs(unclear) do
		it("where " .. case[1] .. ", and that is said", function ()
			local place, fault, fix = find(stock(case[2]));
			assert.same({}, place);
			assert.matches(case[3], fault, 1, true);
			assert.matches(case[4], fix, 1, true);
		end);
	end

	for option, kind in pairs({ external_auth_focus = "client_proxy", external_auth_muc = "muc" }) do
		it("where " .. option .. " names what is not there, and that is said", function ()
			local hosts = stock();
			hosts["meet.test"] = { [option] = "guest.meet.test" };
			local place, fault, fix = find(hosts);
			assert.same({}, place);
			assert.matches("correct the name", fix, 1, true);
			assert.equal(("Option %s names guest.meet.test, which is no Component of type %s."):format(option, kind), fault);
		end);
	end

	it("about the rooms where several could be meant", function ()
		local place = find(stock({ ["conference.meet.test"] = false }));
		assert.equal("focus.meet.test", place.focus);
		assert.is_nil(place.muc);
	end);
end);

describe("A config.js sends requests past Prosody", function ()
	for _, script in ipairs({
		"config = { conferenceRequestUrl: 'https://' + domain + '/conference-request/v1', a: 1 }";
		"config.conferenceRequestUrl = 'https://meet.test/conference-request/v1';";
		"var url = 'https://x'; config.conferenceRequestUrl='/a';";
		'{ "conferenceRequestUrl" : "/a" }';
	}) do
		it("with " .. script, function () assert.is_true(jitsi_config.sends_past(script)); end);
	end
end);

describe("A config.js does not", function ()
	for _, script in ipairs({
		"config = { hosts: { domain: 'meet.test' } }";
		"    // conferenceRequestUrl:\n    //   'https://' + domain + '/conference-request/v1',\n";
		"/* config.conferenceRequestUrl = '/a'; */";
		"config.conferenceRequestUrl = undefined;";
		"config.conferenceRequestUrl = '';";
	}) do
		it("with " .. script, function () assert.is_false(jitsi_config.sends_past(script)); end);
	end
end);

describe("A config.js with a document of the operator's words", function ()
	it("differs from one without", function ()
		assert.is_true(jitsi_config.is_branded("config.dynamicBrandingUrl = 'https://panel.test/jitsi/websocket/branding.json';"));
		assert.is_true(jitsi_config.is_branded("var config = { dynamicBrandingUrl: '/branding.json' };"));
		assert.is_false(jitsi_config.is_branded("    // dynamicBrandingUrl: '',"));
		assert.is_false(jitsi_config.is_branded("config = { conferenceRequestUrl: '/a' }"));
	end);
end);
