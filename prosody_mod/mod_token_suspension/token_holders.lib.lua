-- token_holders.lib.lua: knows who showed which session a token, and who was the first of them in each room.
-- Pure.  A holder is an account's login name in AuthBridge, which is the user's id in the token.
-- This file is MIT licensed; see LICENSE.

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

local function new()
	return on_top {
		of_session = setmetatable({}, { __mode = "k" }); -- session -> { username, began }
		of_room = {}; -- address -> username of the first holder who was in it
	};
end

-- id: `context.user.id` of a token that was verified, or nil.  Returns the login name that the service has for it, or nil.
local function username_of(id)
	if type(id) ~= "string" and type(id) ~= "number" then return nil; end
	local name = tostring(id):lower();
	return name ~= "" and name or nil;
end

-- A token of that holder was verified for that session.
function methods:verified(session, username, now)
	self.of_session[session] = { username = username, began = now };
end

-- Prosody goes on with `session` what the verified one began.
function methods:absorbed(session, verified)
	self.of_session[session] = self.of_session[verified] or self.of_session[session];
end

-- The client of that session is in the room.
function methods:entered(address, session)
	local holder = self.of_session[session];
	if holder and not self.of_room[address] then self.of_room[address] = holder.username; end
end

function methods:room_gone(address)
	self.of_room[address] = nil;
end

-- Returns the sessions of that holder which began before that moment, a list.
function methods:sessions_of(username, before)
	local list = {};
	for session, holder in pairs(self.of_session) do
		if holder.username == username and holder.began < before then table.insert(list, session); end
	end
	return list;
end

-- Returns the rooms whose first holder that is, a sorted list.
function methods:rooms_of(username)
	local list = {};
	for address, holder in pairs(self.of_room) do
		if holder == username then table.insert(list, address); end
	end
	table.sort(list);
	return list;
end

-- Returns username -> number of rooms.
function methods:running()
	local running = {};
	for _, holder in pairs(self.of_room) do running[holder] = (running[holder] or 0) + 1; end
	return running;
end

return { new = new, on_top = on_top, username_of = username_of };
