-- words.lib.lua: what participants and organisers read where a rule steps in, in German and English: Jitsi's page shows the text
-- as it comes.  The panel's help page has the same sentences; tests/contract.json holds both to them.
-- Pure.  This file is MIT licensed; see LICENSE.

local function both(german, english, ...)
	return (german .. " / " .. english):format(...);
end

-- offer: a name that would do, or nil.
local function with_offer(german, english, offer)
	if not offer then return german .. " / " .. english; end
	return ("%s Vorschlag: %s / %s Please try: %s"):format(german, offer, english, offer);
end

return {
	names = function (longest, offer)
		return with_offer(
			("Ein Raumname besteht aus den Buchstaben a bis z (ohne ä, ö, ü und ß), Ziffern, - und _, ohne Leerzeichen, und hat höchstens %d Zeichen.")
				:format(longest),
			("A room name has the letters a to z, digits, - and _, no blanks, and at most %d characters."):format(longest), offer);
	end;
	schools = function (code, offer)
		return with_offer(("Raumnamen, die mit „%s-“ beginnen, gehören der Schule mit dem Kürzel %s."):format(code, code),
			("Room names that begin with “%s-” belong to the school with the code %s."):format(code, code), offer);
	end;
	only_school_names = function (offer)
		return with_offer("Ein Raumname beginnt hier mit dem Kürzel Ihrer Schule und einem Bindestrich.",
			"A room name begins with the code of your school and a hyphen here.", offer);
	end;
	protection = both("Diese Besprechung hat noch kein Passwort und keine Lobby. Bitte warten Sie, bis die Organisatorin oder der Organisator "
		.. "da ist.", "This meeting has no password and no lobby yet. Please wait for its organiser.");
	waiting = both("Gerade leitet niemand diese Besprechung. Bitte warten Sie, bis die Organisatorin oder der Organisator da ist.",
		"Nobody leads this meeting right now. Please wait for its organiser.");
	ending = both("Die Organisatorin oder der Organisator hat die Besprechung verlassen. Damit ist sie beendet.",
		"The organiser has left the meeting, so it has ended.");
	recording = both("Aufnahmen, Übertragungen und Mitschriften sind hier nicht erlaubt.",
		"Recordings, live streams and transcriptions are not allowed here.");
	opening = both("Eine Besprechung eröffnet die Organisatorin oder der Organisator.", "Meetings are opened by their organiser.");
};
