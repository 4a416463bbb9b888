local libraries = dofile("tests/lua/prosody_libraries.lua");
local room_names = libraries.own("mod_meeting_rules/room_names");

local longest = 64;

local function offer(name) return room_names.offer(name, longest, "kwtxbg"); end

describe("A room name", function ()
	for _, name in ipairs({ "physik", "5a", "ohg-5a", "deutsch_2", "a", ("x"):rep(64) }) do
		it("will do: " .. name, function () assert.is_true(room_names.is_permitted(name, longest)); end);
	end

	for _, name in ipairs({
		"", "physik übung", "physik%20%c3%bcbung", "straße", "Physik", "-physik", "_physik", "a.b", "a/b", "a'b", "a\nb", "a\0b", "ｐｈｙｓｉｋ";
		"[tenant]physik", "physik ", ("x"):rep(65), "\255\254", "🏫",
	}) do
		it(("will not do: %q"):format(name), function () assert.is_false(room_names.is_permitted(name, longest)); end);
	end

	for name, offered in pairs({
		["physik%20%c3%bcbung"] = "physik-uebung"; ["Physik Übung"] = "physik-uebung"; ["stra%c3%9fe"] = "strasse"; ["caf%c3%a9!"] = "cafe-";
		["  5a  "] = "5a-"; ["a%20-%20b"] = "a-b"; ["%d0%9f%d1%80"] = "raum-kwtxbg"; [""] = "raum-kwtxbg"; ["---"] = "raum-kwtxbg";
		["l'%c3%a9t%c3%a9"] = "l-ete"; ["deutsch_2"] = "deutsch_2"; ["100%"] = "100";
	}) do
		it(("%q has an offer in its place"):format(name), function ()
			assert.equal((offered:gsub("%-$", "")), offer(name));
		end);
	end

	it("that is offered will do, whatever is asked for", function ()
		math.randomseed(42);
		for _ = 1, 2000 do
			local bytes = {};
			for i = 1, math.random(0, 120) do bytes[i] = string.char(math.random(0, 255)); end
			local name = table.concat(bytes);
			assert.is_true(room_names.is_permitted(offer(name), longest), ("%q"):format(name));
			if room_names.is_permitted(offer(name), longest) then
				assert.is_true(room_names.is_permitted(room_names.offer_of_school(offer(name), "ohg", nil, longest), longest));
			end
		end
	end);

	it("of another school has an offer with the organiser's own code", function ()
		assert.equal("gym-5a", room_names.offer_of_school("ohg-5a", "gym", "ohg", longest));
		assert.equal("gym-raum", room_names.offer_of_school("ohg-", "gym", "ohg", longest));
		assert.equal("gym-physik", room_names.offer_of_school("physik", "gym", nil, longest));
	end);

	it("is the same under a tenant", function ()
		assert.equal("physik", room_names.without_tenant("[kreis]physik"));
		assert.equal("physik", room_names.without_tenant("physik"));
	end);
end);
