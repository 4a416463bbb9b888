local libraries = dofile("tests/lua/prosody_libraries.lua");
local room_addresses = libraries.own("room_addresses");

for _, version in ipairs(libraries.versions) do
	describe("With the addresses of Prosody " .. version .. ", the room of a conference request", function ()
		local jid = libraries.of_prosody(version, "util.jid");
		local stock = { meetings = { "conference.meet.test" } };
		local mapped = {
			meetings = { "conference.meet.test" };
			mapper = { prefix = "conference", base = "meet.test", muc = "conference.meet.test" };
		};

		local function meeting(address, place) return room_addresses.new(jid, place or mapped):meeting(address); end

		it("is Prosody's own where people meet, in whatever case it is written", function ()
			assert.equal("7b@conference.meet.test", meeting("7b@conference.meet.test"));
			assert.equal("7b@conference.meet.test", meeting("7B@Conference.Meet.test"));
			assert.equal("7b@conference.meet.test", meeting("7b@conference.meet.test", stock));
			assert.equal("physik%20%c3%bcbung@conference.meet.test", meeting("physik%20%c3%bcbung@conference.meet.test"));
		end);

		it("is that with the tenant in brackets under a tenant's address", function ()
			assert.equal("[ohg]7b@conference.meet.test", meeting("7b@conference.ohg.meet.test"));
			assert.equal("[ohg]7b@conference.meet.test", meeting("7b@conference.OHG.meet.test"));
		end);

		it("is at another component where Jitsi's option says so", function ()
			local place = { meetings = { "rooms.test" }, mapper = { prefix = "muc", base = "meet.test", muc = "rooms.test" } };
			assert.equal("[ohg]7b@rooms.test", meeting("7b@muc.ohg.meet.test", place));
			assert.equal("7b@rooms.test", meeting("7b@rooms.test", place));
		end);

		for address, why in pairs({
			["7b@internal.auth.meet.test"] = "where bridges meet";
			["7b@lobby.meet.test"] = "in a lobby";
			["7b@breakout.meet.test"] = "of a breakout room, which goes with its meeting";
			["[ohg]7b@conference.meet.test"] = "in Prosody's own form, under which jicofo never hears of it";
			["7b@conference.a.b.meet.test"] = "of two tenants";
			["7b@conference.ohg.meet.test.example"] = "that only begins like a tenant's";
			["7b@xconference.ohg.meet.test"] = "that only ends like a tenant's";
			["7b@conference..meet.test"] = "of an empty tenant";
			["conference.meet.test"] = "without a name";
			["7b@conference.meet.test/nick"] = "of somebody in it";
			["stra\xc3\x9fe@conference.meet.test"] = "that Prosody calls otherwise than jicofo";
			["7 b@conference.meet.test"] = "that is none";
			[""] = "that is empty";
		}) do
			it("is none " .. why, function () assert.is_nil(meeting(address)); end);
		end

		it("is none if there is no address at all", function () assert.is_nil(meeting(nil)); end);

		it("is none of a tenant's where tenants are not mapped", function ()
			assert.is_nil(meeting("7b@conference.ohg.meet.test", stock));
			assert.equal("[ohg]7b@conference.meet.test", meeting("[ohg]7b@conference.meet.test", stock));
		end);
	end);
end
