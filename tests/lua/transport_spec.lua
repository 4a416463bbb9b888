local libraries = dofile("tests/lua/prosody_libraries.lua");
local login_answer = libraries.own("authbridge/login_answer");

-- The reasons of that client in the real Prosody's loop, in a process of its own: case -> { code, reason }.
local function hear(version, client)
	local heard = {};
	local output = assert(io.popen(("lua5.4 tests/lua/hostile_servers.lua %s %s"):format(version, client)));
	for line in output:lines() do
		local case, code, reason = line:match("^([^\t]+)\t(%d+)\t(.*)$");
		heard[case] = { code = tonumber(code), reason = reason };
	end
	assert(output:close());
	return heard;
end

local faults = {
	["connection refused"] = "dropped";
	["closed without an answer"] = "dropped";
	["reset without an answer"] = "dropped";
	["reset amid the body"] = "dropped";
	["closed amid the head"] = "dropped";
	["closed between head and body"] = "dropped";
	["closed amid the body"] = "dropped";
	["rubbish instead of HTTP"] = "outage";
	["a head that is none"] = "outage";
	["a head that is too long"] = "outage";
	["an answer that is too long"] = "outage";
	["an answer that will be too long"] = "outage";
	["an answer in too many chunks"] = "outage";
	["no answer at all"] = "timeout";
};

for _, version in ipairs(libraries.versions) do
	for _, client in ipairs({ "http_call", "kept_connections" }) do
		describe(("Over %s on Prosody %s,"):format(client, version), function ()
			local heard;
			setup(function () heard = hear(version, client); end);

			it("an answer arrives", function ()
				assert.same({ code = 200, reason = "{}" }, heard["an answer"]);
			end);

			if client == "http_call" then -- it asks for the health of a service, within half a second
				it("an answer that came while Prosody stood still is read", function ()
					assert.same({ code = 200, reason = "{}" }, heard["an answer while Prosody stands still"]);
				end);
			end

			for case, fault in pairs(faults) do
				it(("%s counts as %s"):format(case, fault), function ()
					assert.equal(0, heard[case].code);
					assert.equal(fault, select(2, login_answer.read(0, heard[case].reason, {}, error)), heard[case].reason);
				end);
			end
		end);
	end
end
