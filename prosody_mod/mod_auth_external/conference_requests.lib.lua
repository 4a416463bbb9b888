-- conference_requests.lib.lua: keeps the conference requests that passed to jicofo and that it has not answered yet.
-- Pure: moments are seconds since 1970.  jicofo never answers a request for a room that it cannot join; such a request
-- stays here until its client is gone, for ten minutes at most.
-- This file is MIT licensed; see LICENSE.

local max_of_one = 32; -- of a client, which then loses its oldest; the answer to that one opens nothing any more
local patience = 15; -- seconds that jicofo waits for a room; an older request opens none
local kept = 600; -- seconds; a jicofo that hangs may answer late

local methods = {};
methods.__index = methods;

local function on_top(state)
	return setmetatable(state, methods);
end

local function new()
	return on_top {
		of_client = {}; -- full JID -> list of requests, oldest first
		in_room = {}; -- room -> set of requests
		number = 0;
	};
end

-- request: { id, client, room, may_open, login, at }; may_open: it shows a session-id or comes from an organiser's own
-- client.  Gives the request its number.
function methods:add(request)
	local list = self.of_client[request.client] or {};
	self.of_client[request.client] = list;
	if #list >= max_of_one then self:leave_room(table.remove(list, 1)); end
	table.insert(list, request);
	self.number = self.number + 1;
	request.number = self.number;
	if request.room then
		self.in_room[request.room] = self.in_room[request.room] or {};
		self.in_room[request.room][request] = true;
	end
end

function methods:leave_room(request)
	local others = self.in_room[request.room];
	if not others then return; end
	others[request] = nil;
	if not next(others) then self.in_room[request.room] = nil; end
end

function methods:remove(list, i)
	local request = table.remove(list, i);
	self:leave_room(request);
	if not list[1] then self.of_client[request.client] = nil; end
	return request;
end

-- Takes out and returns the request that this answer is for, or nil.
function methods:take(client, id)
	local list = self.of_client[client] or {};
	for i, request in ipairs(list) do
		if request.id == id then return self:remove(list, i); end
	end
	return nil;
end

-- Tells whether a request of another client is open that may open the room; with `number`, one from before that request.
function methods:is_contended(room, client, now, number)
	for request in pairs(self.in_room[room] or {}) do
		local may_win = request.may_open and request.number < (number or math.huge) and now - request.at <= patience;
		if request.client ~= client and may_win then return true; end
	end
	return false;
end

-- Tells whether an open request of that client shows a session-id.
function methods:shows_login(client)
	for _, request in ipairs(self.of_client[client] or {}) do
		if request.login then return true; end
	end
	return false;
end

-- jicofo has come back: it has forgotten the requests that it had not answered, and may send its old answers once more.
function methods:jicofo_came()
	for _, list in pairs(self.of_client) do
		for _, request in ipairs(list) do request.may_open = false; end
	end
end

function methods:client_gone(client)
	for _, request in ipairs(self.of_client[client] or {}) do self:leave_room(request); end
	self.of_client[client] = nil;
end

function methods:sweep(now)
	for _, list in pairs(self.of_client) do
		while list[1] and now - list[1].at > kept do self:remove(list, 1); end
	end
end

return { new = new, on_top = on_top };
