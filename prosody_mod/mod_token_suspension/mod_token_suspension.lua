-- mod_token_suspension: refuses the tokens of suspended accounts, and ends what they have opened.
-- For hosts with Jitsi's own token provider, whose tokens come from somebody else.  It follows the feed of AuthBridge.
-- This file is MIT licensed; see LICENSE.

local config = require "core.configmanager";
local time = require "util.time".now;

local follower = module:require "authbridge/follower";
local health_watch = module:require "authbridge/health_watch";
local hooks = module:require "authbridge/hooks";
local options = module:require "authbridge/options";
local protect = module:require "authbridge/protect";
local revocations = module:require "authbridge/revocations";
local rooms = module:require "authbridge/rooms";
local session_close = module:require "authbridge/session_close";
local token_holders = module:require "token_holders";

local host = module.host;
local settings = assert(options.read(function (name) return module:get_option(name); end, options.read_file));
local node = settings.node or require "socket".dns.gethostname();

-- A holder has one name, which the service knows.
local names = { of = function (_, username) return username; end };
local feed = revocations.new(node, #settings.urls, names);
local saved = module.saved_state;
local holders = saved and token_holders.on_top(saved.holders) or token_holders.new();
local services = health_watch.new(settings.urls);
local following = follower.new(feed, settings.token, services);

if config.get(host, "authentication") ~= "token" then
	module:log("warn", "%s has no provider of tokens: nobody is refused or put out by this module", host);
end

-- At the door -----------------------------------------------------------------------------------------

-- Tells whether the tokens of that session are looked at by the provider of our host: also those of guests, who have a host of their
-- own and bring a token later.
local function is_ours(session)
	return session.host == host or config.get(session.host, "authentication") ~= "token";
end

-- The rooms in which the client of that session is already.
local function enter_rooms(session)
	local client = session.full_jid;
	for muc_host in pairs(client and prosody.hosts or {}) do
		for room in rooms.all_at(muc_host) do
			if room:get_occupant_by_real_jid(client) then holders:entered(room.jid, session); end
		end
	end
end

-- Jitsi's provider asks when a token is verified, at each login and at each upgrade of a session.  Its other modules answer
-- true, and Prosody asks nobody after that: so this comes before them, and says nothing about those whom it lets pass.
local function check(session)
	if not is_ours(session) then return nil; end
	local user = session.jitsi_meet_context_user;
	local username = token_holders.username_of(type(user) == "table" and user.id or nil);
	if not username then return nil; end
	if not feed:has_news() then
		module:log("info", "A token is refused: there is no news of suspensions yet");
		return false;
	end
	if feed:is_suspended(username) then
		module:log("info", "The token of a suspended account is refused");
		return false;
	end
	holders:verified(session, username, time());
	enter_rooms(session);
	return nil;
end

hooks.before_all_globally("jitsi-access-ban-check", check, function () return false; end);

hooks.before_all_globally("c2s-session-updated", function (event)
	holders:absorbed(event.session, event.from_session);
	enter_rooms(event.session);
end);

-- In the rooms ----------------------------------------------------------------------------------------

local function attach(muc_host)
	local muc = prosody.hosts[muc_host].modules.muc;
	if not muc then return; end
	local context = module:context(muc_host);
	hooks.before_all(context, "muc-occupant-joined", function (event)
		for client in event.occupant:each_session() do
			local session = prosody.full_sessions[client];
			if session then holders:entered(event.room.jid, session); end
		end
	end);
	hooks.before_all(context, "muc-room-destroyed", function (event) holders:room_gone(event.room.jid); end);
end

for each in pairs(prosody.hosts) do attach(each); end
hooks.after_all_globally("host-activated", attach);

-- Orders ----------------------------------------------------------------------------------------------

-- Takes the client out of all rooms, where it reads why.  Returns whether it was in one.
local function take_out(client, action)
	local was_in_one = false;
	for muc_host in pairs(prosody.hosts) do
		for room in rooms.all_at(muc_host) do
			was_in_one = protect.call(rooms.take_out, room, client, session_close.text_of(action)) or was_in_one;
		end
	end
	return was_in_one;
end

local function end_session(session, action)
	if session.destroyed then return false; end
	local is_reading = session.full_jid and take_out(session.full_jid, action);
	return (is_reading and session_close.close_when_read or session_close.close)(session, action);
end

-- The client reads in its room why it is out: so the person goes first, then the room.
local function execute(order)
	local counts = { sessions = 0, meetings = 0, logins = 0, waiting = 0 };
	if order.action == "reinstate" then return counts; end
	local addresses = holders:rooms_of(order.username);
	for _, session in ipairs(holders:sessions_of(order.username, order.before or math.huge)) do
		if protect.call(end_session, session, order.action) then counts.sessions = counts.sessions + 1; end
	end
	for _, address in ipairs(addresses) do
		local room = rooms.find(address); -- nil if it was empty without that person
		if not room or protect.call(rooms.destroy, room) then counts.meetings = counts.meetings + 1; end
		holders:room_gone(address);
	end
	return counts;
end

following:start({
	execute = execute;
	await = function () end;
	running = function () return holders:running(); end;
	counts = { report = function () end, answered = function () end };
	schools = { version = nil, take = function () end };
});

function module.save()
	return { holders = holders };
end

function module.unload()
	following:stop();
	services:stop();
end
