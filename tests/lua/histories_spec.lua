local libraries = dofile("tests/lua/prosody_libraries.lua");
local histories = dofile("tests/lua/histories.lua");

local count = tonumber(os.getenv("HISTORIES")) or 300; -- `make soak` plays 10,000

local function nothing() return nil; end

-- Guards without one of their rules.
local broken = {
	["lets in whom jicofo names nobody for"] = function (guard) guard.answer.on_nameless = nothing; end;
	["believes the second of two that ask at once"] = function (guard)
		guard.requests.is_contended = function () return false; end;
	end;
	["takes every room for one where people meet"] = function (guard)
		function guard.addresses.meeting(_, address) return address; end
	end;
	["knows no tenants"] = function (guard)
		local meeting = guard.addresses.meeting;
		function guard.addresses.meeting(self, address) return meeting(self, address) and address; end
	end;
	["counts a meeting at each entry"] = function (guard)
		function guard.meetings.starter_joined(self, room)
			self.counts:opened(room.starter);
			room.joined, room.counted = true, true;
		end
	end;
	["takes name and pseudonym for two organisers"] = function (guard)
		function guard.pseudonyms.of(_, node) return node; end
	end;
	["ends no meeting"] = function (guard) guard.ending.end_room = nothing; end;
	["asks for no heir"] = function (guard) guard.people.heir_of = nothing; end;
	["lets an answer found a meeting that has ended"] = function (guard)
		local learn = getmetatable(guard.meetings).__index.learn;
		function guard.meetings.learn(self, answer, now)
			answer.is_there = answer.room ~= nil;
			return learn(self, answer, now);
		end
	end;
};

local function first_fault(version, break_it)
	for seed = 1, 300 do
		local ok, fault = pcall(histories.play, version, seed, break_it);
		if not ok then return fault; end
	end
	return nil;
end

for _, version in ipairs(libraries.versions) do
	describe("With the libraries of Prosody " .. version, function ()
		it("nobody suspended leads, nobody else loses a meeting, and the numbers are right, in " .. count .. " histories", function ()
			for seed = 1, count do histories.play(version, seed); end
		end);
	end);
end

describe("The histories notice a guard that", function ()
	for name, break_it in pairs(broken) do
		it(name, function () assert.matches("^history %d+: ", first_fault(libraries.newer, break_it)); end);
	end
end);
