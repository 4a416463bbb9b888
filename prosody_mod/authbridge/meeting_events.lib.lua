-- meeting_events.lib.lua: the events at the component of the meetings by which this folder's neighbours speak with each other:
-- mod_auth_external, which knows the organisers, and mod_meeting_rules.  Neither needs the other to be loaded.
-- An organiser is { username, school = the code of their school, or nil where it is not known }.
-- This file is MIT licensed; see LICENSE.

return {
	-- mod_auth_external asks.

	-- { client, name = the room as the client writes it, in small letters, room = its address or nil, organiser or nil, is_own = the organiser's own
	-- client asks, has_login = it shows a session-id, machine, is_opened, schools }: a client requests a conference.
	-- Returns nil, or a refusal: { kind, reason = for the log, is_quiet = whether it is no news, as each page that waits asks again
	-- every few seconds; text, code }, its kind and text of conference_refusal.lib.lua.
	requested = "authbridge/meeting-requested";
	-- { room, organiser, is_opened, schools }: jicofo's answer names an organiser.  Returns as above.
	answered = "authbridge/meeting-answered";
	-- { room, organiser, schools }.  Returns false if that organiser may not lead that room.
	may_lead = "authbridge/may-lead";
	-- { client, room }: that client is known now as an organiser's, and may be in the room already.
	organiser_known = "authbridge/organiser-known";

	-- mod_meeting_rules asks.

	-- { client, room }.  Returns the organiser whose page the client is, and who may lead that room; or nil.
	organiser_of = "authbridge/organiser-of";
	-- Returns the place, as jitsi_config.lib.lua finds it.
	place = "authbridge/place";
	-- { rule }: that rule has stepped in.
	stepped_in = "authbridge/rule-stepped-in";
};
