-- small_jicofo.lua: a stand-in for jicofo that takes a step only when a test orders it.
-- It binds a page before it joins, answers the second of two at once, never answers for a room that it cannot join,
-- makes bound pages owners, keeps its logins when it is cut off, and sends once more what was not acknowledged.

local xmlns = "http://jitsi.org/protocol/focus";
local start_timeout = 15; -- seconds

local methods = {};
methods.__index = methods;

local function new(world)
	return setmetatable({
		world = world, logins = {}, number = 0; -- session-id -> { id, identity, machine, page, made }
		conferences = {}; -- outside address -> { is_joined, at, members = set, main }
		asked = {}; -- requests that its pool has not taken up yet
		joining = {}; -- { address, request } of which it waits for the room
		outbox = {}; -- functions that deliver what it sends, in order
		unacknowledged = {}; -- answers of the latest moments
		is_there = true;
	}, methods);
end

-- Outside and inside addresses of rooms, written from Jitsi's behaviour and not from our code.
local function inside(address)
	local name, tenant = address:match("^(.-)@conference%.([^.]+)%.meet%.test$");
	if tenant then return "[" .. tenant .. "]" .. name .. "@conference.meet.test"; end
	return (address:gsub("^straße@", "strasse@"));
end

local function outside(address)
	local tenant, name = address:match("^%[([^%]]+)%](.+)@conference%.meet%.test$");
	return tenant and name .. "@conference." .. tenant .. ".meet.test" or address;
end

function methods:bound_to(page)
	local list = {};
	for _, login in pairs(self.logins) do
		if login.page == page then table.insert(list, login); end
	end
	return list;
end

function methods:say(deliver)
	table.insert(self.outbox, deliver);
end

function methods:grant(room, page)
	self:say(function ()
		local found = self.world.room(room);
		if found then found:set_affiliation(self.world.jicofo, self.world.jid.bare(page), "owner"); end
	end);
end

-- Answers ------------------------------------------------------------------------------------------

function methods:answer(request, attributes)
	local function deliver()
		local st = self.world.stanza;
		local stanza = st.iq({ type = attributes.error and "error" or "result", id = request.id, from = self.world.jicofo;
			to = "focus.meet.test/" .. request.page });
		if attributes.error then
			stanza:tag("error", { type = "cancel" }):tag(attributes.error, { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }):up():up();
			stanza:tag("conference", { xmlns = xmlns, ["session-id"] = request.login }):up();
		else
			stanza:tag("conference", { xmlns = xmlns, room = request.room, ready = attributes.ready, identity = attributes.identity;
				["session-id"] = attributes.login }):up();
		end
		if not self.world.fire("focus.meet.test", "iq/host", { stanza = stanza }) then self.world.on_answer(request.page, stanza); end
	end
	table.insert(self.unacknowledged, deliver);
	self:say(deliver);
end

function methods:authenticate(request)
	local login = request.login and self.logins[request.login];
	if request.login then
		if not login or login.machine ~= request.machine then return nil, "not-acceptable"; end
	elseif self.world.jid.host(request.page) == "meet.test" then
		self.number = self.number + 1;
		login = { id = "sid" .. self.number, identity = self.world.jid.bare(request.page), machine = request.machine, made = self.world.now };
		self.logins[login.id] = login;
	end
	return login;
end

function methods:has_breakouts(address)
	for _, conference in pairs(self.conferences) do
		if conference.main == address then return true; end
	end
	return false;
end

-- Takes one of the requests up; conference requests run in a pool, so any of them may be first.
function methods:take_up(number)
	local request = table.remove(self.asked, number);
	local conference = self.conferences[request.room];
	if self.world.jid.host(request.room) ~= "breakout.meet.test" then
		local login, fault = self:authenticate(request);
		request.found = login;
		if fault then return self:answer(request, { error = fault }); end
		if login then
			login.page = request.page;
			for _, each in pairs(self.conferences) do
				if each.members[request.page] then self:grant(each.room, request.page); end
			end
		end
		if not conference and not self:has_breakouts(request.room) and not next(self:bound_to(request.page)) then
			return self:answer(request, { error = "not-authorized" });
		end
	end
	if conference then return self:answer_about(conference, request); end
	self.conferences[request.room] = { is_joined = false, at = self.world.now, members = {}, room = inside(request.room), request = request };
	table.insert(self.joining, self.conferences[request.room]);
end

function methods:answer_about(conference, request)
	local login = request.found;
	self:answer(request, { ready = conference.is_joined and "true" or "false", identity = login and login.identity, login = login and login.id });
end

-- It waits for one of the rooms; where that fails, or never appears under the name that it asked for, there is no answer.
function methods:join(number, fails)
	local conference = table.remove(self.joining, number);
	local request = conference.request;
	if fails then
		self.conferences[request.room] = nil;
		return;
	end
	local room = self.world.room(conference.room) or self.world.create_room(conference.room);
	if room then room:join(self.world.jicofo); end
	if not room or outside(room.jid) ~= request.room then
		self.conferences[request.room] = nil;
		return;
	end
	conference.is_joined, conference.main = true, room.main and outside(room.main);
	self:answer_about(conference, request);
end

function methods:log_out(stanza)
	local st = self.world.stanza;
	local id = stanza.tags[1].attr["session-id"];
	local is_known = self.logins[id] ~= nil;
	self.logins[id] = nil;
	local answer = st.iq({ type = is_known and "result" or "error", id = stanza.attr.id, from = self.world.jicofo, to = "focus.meet.test" });
	if not is_known then answer:tag("error", { type = "modify" }):tag("not-acceptable", { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }):up():up(); end
	answer:tag("logout", { xmlns = xmlns, ["session-id"] = id }):up();
	self:say(function () self.world.fire("focus.meet.test", "iq/host", { stanza = answer }); end);
end

-- Its rooms ----------------------------------------------------------------------------------------

function methods:conference_in(room)
	local conference = self.conferences[outside(room.jid)];
	return conference and conference.is_joined and conference or nil;
end

function methods:on_room(room, what, page)
	local conference = self:conference_in(room);
	if not conference or page == self.world.jicofo then return; end
	if what == "joined" then
		conference.members[page] = true;
		local is_owner = room:get_affiliation(self.world.jid.bare(page)) == "owner";
		if not is_owner and next(self:bound_to(page)) then self:grant(room.jid, page); end
	elseif what == "left" then
		conference.members[page] = nil;
		self:stop_if_empty(conference);
	else
		self:say(function () self:stop(conference); end); -- it notices some moments later
	end
end

function methods:stop(conference)
	for address, each in pairs(self.conferences) do
		if each == conference then
			self.conferences[address] = nil;
			local room = self.world.room(conference.room);
			if room then room:leave(self.world.jicofo); end
			local main = conference.main and self.conferences[conference.main];
			if main then self:stop_if_empty(main); end
		end
	end
end

function methods:stop_if_empty(conference)
	if not next(conference.members) and not self:has_breakouts(outside(conference.room)) then self:stop(conference); end
end

function methods:expire()
	local old = {};
	for _, conference in pairs(self.conferences) do
		if conference.is_joined and self.world.now - conference.at > start_timeout then table.insert(old, conference); end
	end
	for _, conference in ipairs(old) do self:stop_if_empty(conference); end
end

-- Its connection -----------------------------------------------------------------------------------

-- It comes back too late to resume: its rooms are given up, its logins are not, and some answers are sent once more.
function methods:come_back_anew()
	local conferences = self.conferences;
	self.conferences, self.joining, self.asked = {}, {}, {};
	for _, conference in pairs(conferences) do
		local room = self.world.room(conference.room);
		if room then room:leave(self.world.jicofo); end
	end
	self.outbox, self.is_there = self.unacknowledged, true;
	self.unacknowledged = {};
	local st = self.world.stanza;
	self.world.fire("focus.meet.test", "presence/host", { stanza = st.presence({ from = self.world.jicofo, to = "focus.meet.test" }) });
end

return { new = new, inside = inside };
