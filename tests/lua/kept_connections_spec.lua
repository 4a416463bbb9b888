local libraries = dofile("tests/lua/prosody_libraries.lua");

-- What became of the questions in reused_connections.lua, in a process of its own: story -> { told, connections }.
local function hear(version)
	local heard = {};
	local output = assert(io.popen("lua5.4 tests/lua/reused_connections.lua " .. version));
	for line in output:lines() do
		local story, told, connections = line:match("^([^\t]+)\t([^\t]+)\t(%d+)$");
		heard[story] = { told, tonumber(connections) };
	end
	assert(output:close());
	return heard;
end

-- Three questions one after the other; the right verdicts are granted, refused, suspended.
local stories = {
	["answers"] = { "granted | refused | suspended", 1 };
	["answers in pieces"] = { "granted | refused | suspended", 1 };
	["takes its time"] = { "granted | refused | suspended", 1 };
	["answers too late"] = { "no answer in time | refused | suspended", 2 };
	["answers twice at once"] = { "granted | refused | suspended", 2 };
	["answers twice"] = { "granted | refused | suspended", 2 };
	["answers twice, the second with the next"] = { "granted | refused | suspended", 2 };
	["answers another question"] = { "the answer belongs to another request | refused | suspended", 2 };
	["says that it will close"] = { "granted | refused | suspended", 2 };
	["closes after the answer"] = { "granted | refused | suspended", 2 };
	["closes at the second question"] = { "granted | refused | suspended", 2 };
	["cuts the second answer"] = { "granted | unexpected-eof | suspended", 2 };
	["has an error"] = { "the service cannot reach its storage | refused | suspended", 2 };
};

for _, version in ipairs(libraries.versions) do
	describe("A connection to the service that is used again on Prosody " .. version, function ()
		local heard;
		setup(function () heard = hear(version); end);

		for story, expected in pairs(stories) do
			it(("carries no answer to another question when the service %s"):format(story), function ()
				assert.same(expected, heard[story]);
			end);
		end

		it("is one of thirty-two that are kept", function ()
			assert.same({ "8", 40 }, heard["forty at once"]);
		end);

		it("is closed when nobody has used it for a second", function ()
			assert.same({ "40", 40 }, heard["nobody for a second"]);
		end);

		it("gives nobody another one's verdict in ten thousand questions", function ()
			assert.equal("0 wrong | many answered", heard["ten thousand by chance"][1]);
		end);
	end);
end
