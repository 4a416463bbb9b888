-- histories.lua: plays random histories of organisers, pupils, jicofo, Prosody and staff, and checks the invariants after each step.
-- A history is made from one number, with which it can be played again.

local small_prosody = dofile("tests/lua/small_prosody.lua");
local small_jicofo = dofile("tests/lua/small_jicofo.lua");

local xmlns = "http://jitsi.org/protocol/focus";
local organisers = { "anna", "bert", "cleo" };
local addresses = {
	"7b@conference.meet.test", "8a@conference.ohg.meet.test"; -- the second one of a tenant's
	"straße@conference.meet.test", "[ohg]8a@conference.meet.test", "x@breakout.meet.test", "bridges@internal.auth.meet.test";
	"nowhere@conference.example";
};
local steps = 150;
local most_pages = 8;

-- How often each step is taken: meetings have to come about before they can be ended.
local weights = {
	page = 3, login = 4, come_again = 6, ask = 12, take_up = 14, join_focus = 14, deliver = 20, enter = 14, leave = 2, close = 1, breakout = 2;
	suspend = 2, reinstate = 3, end_sessions = 1, wait = 2, cut = 2, resume = 2, restart = 1, news = 4;
};

local methods = {};
methods.__index = methods;

-- The plain model: room -> { first, at, all, kept }.  `first` is the organiser to whom jicofo first said that the meeting is
-- ready; `kept` that they entered it in time, so that it is theirs until they are suspended or logged out everywhere;
-- `all` the organisers who were let in or came in.

local function new(version, seed)
	local random_state = seed * 2654435761 % 4294967296;
	local self = setmetatable({
		pages = {}, number = 0, ended_at = {}, suspended = {}, meetings = {}, let_in = {}, log = {}, stored = {}, vanished = 0;
	}, methods);
	-- A generator of its own: math.random differs between builds of Lua.
	function self.random(limit)
		random_state = (random_state * 1664525 + 1013904223) % 4294967296;
		return random_state // 65536 % limit + 1;
	end
	self.world = small_prosody.new(version);
	self.pseudonyms, self.persons = {}, {}; -- person -> pseudonym, and back
	local pseudonyms = self.world.new_pseudonyms();
	for _, name in ipairs(organisers) do
		self.pseudonyms[name] = pseudonyms:of(name);
		self.persons[self.pseudonyms[name]] = name;
	end
	self.jicofo = small_jicofo.new(self.world);
	local world = self.world;
	function world.on_room(room, what, client)
		self.jicofo:on_room(room, what, client);
		if what == "joined" and self.pages[client] then self:note_entry(self.pages[client], room); end
		if what == "destroyed" then self:on_destroyed(room); end
		if what == "destroyed" or what == "empty" then
			self.meetings[room.jid] = nil;
			self.vanished = self.vanished + 1;
		end
	end
	function world.on_gone(client) self.pages[client] = nil; end
	function world.on_sent(stanza) self:carry_logout(stanza); end
	function world.on_answer(client, stanza) self:hear(client, stanza); end
	world.start();
	self:give_news();
	return self;
end

function methods:note(...) table.insert(self.log, string.format(...)); end

function methods.fail(_, ...) error(string.format(...), 0); end

function methods:pick(list) return list[1] and list[self.random(#list)]; end

function methods:pages_in_order()
	local list = {};
	for _, page in pairs(self.pages) do table.insert(list, page); end
	table.sort(list, function (a, b) return a.client < b.client; end);
	return list;
end

-- Returns those to which Prosody still listens.
function methods:heard_pages()
	local list = {};
	for _, page in ipairs(self:pages_in_order()) do
		if self.world.is_heard(page.client) then table.insert(list, page); end
	end
	return list;
end

-- Truth --------------------------------------------------------------------------------------------

-- Tells whether what that login opened may go on: by its organiser, and by the moment of its password.
function methods:is_good(login)
	local node = login.identity:match("^[^@]+");
	local name = self.persons[node] or node;
	return not self.suspended[name] and login.made >= (self.ended_at[name] or 0);
end

-- jicofo forgets a login when it is logged out, and the page that it was made for is still here: so pages note theirs.
-- An organiser's own sessions lead by their bare JID, whichever of them asked.
function methods:has_good_login(page)
	if self.world.jid.host(page.client) == small_prosody.own then
		return not self.suspended[page.person] and page.opened >= (self.ended_at[page.person] or 0);
	end
	for _, login in pairs(page.shown) do
		if self:is_good(login) then return true; end
	end
	return false;
end

function methods:each_leader(found)
	for _, room in ipairs(self.world.all_rooms()) do
		for _, occupant in room:each_occupant() do
			local page = self.pages[occupant.client];
			if page and (occupant.role == "moderator" or room:get_affiliation(occupant.bare_jid) == "owner") then found(page, room); end
		end
	end
end

function methods:nobody_suspended_leads()
	self:each_leader(function (page, room)
		if not self:has_good_login(page) then self:fail("%s leads %s without a login that counts", page.client, room.jid); end
	end);
end

-- A meeting may be ended for its starter, and only if no other organiser leads it.
function methods:on_destroyed(room)
	if room.host ~= small_prosody.meetings and room.host ~= small_prosody.breakouts then self:fail("%s was destroyed", room.jid); end
	for _, occupant in room:each_occupant() do
		local page = self.pages[occupant.client];
		if page and page.room_of_answer == room.jid and self:has_good_login(page) then
			self:fail("%s was destroyed although %s is in it", room.jid, page.client);
		end
	end
	local meeting = self.meetings[room.jid];
	if meeting and meeting.kept and not self:is_over(meeting.first) then self:fail("%s was destroyed, which %s started", room.jid, meeting.first); end
end

function methods:meeting(address)
	self.meetings[address] = self.meetings[address] or { all = {}, at = self.world.now };
	return self.meetings[address];
end

-- Returns whose other page that shows a login waits for an answer about that room, asked before that moment and not long ago.
function methods:is_asked_by_others(page, address, before)
	for _, other in pairs(self.pages) do
		for _, wait in pairs(other ~= page and other.waits or {}) do
			local is_login = wait.is_shown or self.world.jid.host(other.client) == small_prosody.own;
			local is_open = not wait.is_lost and wait.at < (before or math.huge) and self.world.now - wait.at <= 15;
			if wait.room == address and is_login and is_open then return other.person; end
		end
	end
	return nil;
end

-- Of two requests at the same moment jicofo answers the second first; its organiser must not become the starter.
function methods:the_second_starts_nothing(page, address, asked_at)
	local known, first = self.world.guard.meetings.rooms[address], self:is_asked_by_others(page, address, asked_at);
	local is_new = known and known.at == self.world.now and self.persons[known.starter] == page.person;
	if is_new and first and first ~= page.person then self:fail("%s is credited to %s, and %s asked first", address, page.person, first); end
end

-- Guests may be let only into meetings that count as some organiser's.
function methods:guests_find_an_organiser(page, address)
	if self.world.jid.host(address) ~= small_prosody.meetings or self:has_good_login(page) then return; end
	local is_led = self.world.guard.meetings:is_known(address);
	for _, other in pairs(self.pages) do
		local is_let_in = other.room_of_answer == address or self:is_in(other.person, address);
		is_led = is_led or is_let_in and self:has_good_login(other);
	end
	if not is_led then self:fail("%s was let into %s, which is nobody's", page.client, address); end
end

function methods:note_answer(page, address, is_ready)
	for _, other in pairs(self.meetings) do
		if other.page == page.client then other.page = nil; end -- a page enters the room for which it asked last
	end
	local meeting = self:meeting(address);
	local is_sure = is_ready and self.world.room(address) and not next(meeting.all) and not self:is_asked_by_others(page, address);
	meeting.all[page.person] = true;
	if is_sure then meeting.first, meeting.page, meeting.at = page.person, page.client, self.world.now; end
end

function methods:note_entry(page, room)
	if room.host ~= small_prosody.meetings or not self:has_good_login(page) then return; end
	local meeting = self:meeting(room.jid);
	meeting.all[page.person] = true;
	if meeting.page == page.client and self.world.now - meeting.at <= 15 then meeting.kept = true; end
end

function methods:note_end(name)
	for _, meeting in pairs(self.meetings) do
		if meeting.first == name then meeting.kept, meeting.page = false, nil; end
	end
end

-- Tells whether a page of that organiser is in the room or in one of its breakout rooms.
function methods:is_in(name, address)
	for _, room in ipairs(self.world.all_rooms()) do
		for _, occupant in pairs((room.jid == address or room.main == address) and room.occupants or {}) do
			local page = self.pages[occupant.client];
			if page and page.person == name then return true; end
		end
	end
	return false;
end

-- The panel's number of meetings must be right.
function methods:the_credit_is_right(address, known)
	local meeting, starter = self.meetings[address], self.persons[known.starter];
	local may_have_it = meeting and meeting.all[starter] or self:is_in(starter, address) or self.let_in[starter .. address];
	if not may_have_it then self:fail("%s is credited to %s", address, starter); end
	if not self.world.room(address) then self:fail("%s counts, which does not exist", address); end
	if self.suspended[starter] then self:fail("%s counts as that of %s, who is suspended", address, starter); end
end

function methods:the_count_is_right()
	local registry, total = self.world.guard.meetings, 0;
	for address, known in pairs(registry.rooms) do
		self:the_credit_is_right(address, known);
		total = total + 1;
	end
	for address, meeting in pairs(self.meetings) do
		local known = registry.rooms[address];
		local is_theirs = known and self.persons[known.starter] == meeting.first;
		if meeting.kept and not is_theirs then self:fail("%s is not credited to %s", address, meeting.first); end
	end
	for name, number in pairs(self.world.guard:running()) do
		if name ~= "" and not self.pseudonyms[name] then self:fail("%s is told as a name", name); end
		total = total - number;
	end
	if total ~= 0 then self:fail("%d meetings are told too few", total); end
end

-- The statistics count each meeting once, and not before its organiser is in it.  A restart begins anew.  One that ended in
-- this step may have been counted in it.
function methods:each_meeting_is_opened_once()
	local registry = self.world.guard.meetings;
	if self.registry ~= registry then self.registry, self.opened, self.counted = registry, 0, {}; end
	for address, known in pairs(registry.rooms) do
		if known.counted and not self.counted[known] then self.counted[known], self.opened = true, self.opened + 1; end
		local meeting = self.meetings[address];
		if meeting and meeting.kept and not known.counted then self:fail("%s does not count as opened", address); end
	end
	local told = 0;
	for _, number in pairs(registry.counts.waiting) do told = told + number; end
	if told < self.opened or told > self.opened + self.vanished then
		self:fail("%d meetings count as opened, and %d were", told, self.opened);
	end
	self.opened, self.vanished = told, 0;
end

function methods:is_over(name)
	return self.suspended[name] or self.ending == name;
end

-- Steps --------------------------------------------------------------------------------------------

-- Returns a page of that person whose bare JID a second page may have: Jitsi lets a guest keep it.
function methods:guest_of(person)
	for _, page in ipairs(self:pages_in_order()) do
		if page.person == person and self.world.jid.host(page.client) == small_prosody.guests then return page; end
	end
	return nil;
end

function methods:open_page(person, host)
	self.number = self.number + 1;
	local other = host == small_prosody.guests and self.random(6) == 1 and self:guest_of(person);
	local own = self.random(2) == 1 and person or self.pseudonyms[person]; -- by the password, or by a token
	local node = host == small_prosody.own and own or other and self.world.jid.node(other.client) or "g" .. self.number;
	local client = node .. "@" .. host .. "/" .. self.number;
	local page = {
		client = client, person = person, machine = "m" .. person, shown = other and other.shown or {};
		waits = {}, asked = 0, opened = self.world.now;
	};
	self.pages[client] = page;
	self.world.connect(client);
	self:note("%s opens %s", person, client);
	return page;
end

function methods:ask(page, address, login)
	page.asked = page.asked + 1;
	local request = { id = page.client .. page.asked, page = page.client, room = address, login = login };
	request.machine = self.random(12) > 1 and page.machine or "another";
	local stanza = self.world.stanza.iq({ type = "set", id = request.id, from = page.client, to = "focus.meet.test" })
		:tag("conference", { xmlns = xmlns, room = address, ["session-id"] = login, ["machine-uid"] = request.machine }):up();
	self:note("%s asks for %s with %s", page.client, address, login or "nothing");
	page.waits[request.id] = { room = small_jicofo.inside(address), at = self.world.now, is_shown = login ~= nil };
	local origin = { send = function (answer) self:hear(page.client, answer); end };
	if self.world.fire("focus.meet.test", "iq/host/" .. xmlns .. ":conference", { origin = origin, stanza = stanza }) then return; end
	if self.jicofo.is_there then table.insert(self.jicofo.asked, request); end
end

function methods:hear(client, stanza)
	local page = self.pages[client];
	local asked_at = page and page.waits[stanza.attr.id] and page.waits[stanza.attr.id].at;
	if page then page.waits[stanza.attr.id] = nil; end
	local conference = stanza:get_child("conference", xmlns);
	if not page or stanza.attr.type ~= "result" then return self:note("%s is refused", client); end
	self:note("%s may enter %s", client, conference.attr.room);
	self:note_result(page, conference, asked_at);
end

function methods:note_result(page, conference, asked_at)
	local room = small_jicofo.inside(conference.attr.room);
	local is_bound = conference.attr.identity or next(self.jicofo:bound_to(page.client));
	self:guests_find_an_organiser(page, room);
	self.let_in[page.person .. room] = true;
	page.room_of_answer = is_bound and room or nil;
	if not is_bound or self.world.jid.host(room) ~= small_prosody.meetings then return; end
	self:note_answer(page, room, conference.attr.ready == "true");
	if conference.attr.ready ~= "true" then self:the_second_starts_nothing(page, room, asked_at); end
	if conference.attr["session-id"] then self.stored[page.person] = conference.attr["session-id"]; end
end

function methods:carry_logout(stanza)
	if self.jicofo.is_there then return self.jicofo:log_out(stanza); end
	local bounce = self.world.stanza.error_reply(stanza, "cancel", "recipient-unavailable");
	self.world.fire("focus.meet.test", "iq/host", { stanza = bounce });
end

-- Notes which login small_jicofo has bound to which page.
function methods:note_logins()
	for _, login in pairs(self.jicofo.logins) do
		local page = login.page and self.pages[login.page];
		if page then page.shown[login.id] = login; end
	end
end

function methods:execute(order)
	self:note_end(order.username);
	local counts, pages = self.world.guard:carry_out(order);
	for _, page in ipairs(pages) do self.world.close_page(page, order.action); end
	for _, page in ipairs(self:pages_in_order()) do
		local is_own = self.world.jid.host(page.client) == small_prosody.own and page.person == order.username;
		if is_own and page.opened < (order.before or math.huge) then self.world.prosody.full_sessions[page.client]:close(); end
	end
	return counts;
end

-- The service tells a Prosody that has just started who is suspended.
function methods:give_news()
	local feed = self.world.feed;
	feed.suspended, feed.is_informed = {}, true;
	for _, name in ipairs(organisers) do
		if self.suspended[name] then feed:suspend(name); end
	end
	for _, name in ipairs(organisers) do
		if self.suspended[name] then self:execute({ username = name, action = "suspend" }); end
		if self.ended_at[name] then self:execute({ username = name, action = "end_sessions", before = self.ended_at[name] }); end
	end
end

local actions = {};

function actions.page(self)
	if #self:pages_in_order() >= most_pages then return; end
	local person = self:pick({ "anna", "bert", "cleo", "pupil", "pupil" });
	self:open_page(person, small_prosody.guests);
end

function actions.login(self)
	local name = self:pick(organisers);
	if self.suspended[name] then return; end
	self:ask(self:open_page(name, small_prosody.own), addresses[self.random(2)]);
end

-- A browser that remembers its login comes again.
function actions.come_again(self)
	local name = self:pick(organisers);
	if not self.stored[name] or #self:pages_in_order() >= most_pages then return; end
	self:ask(self:open_page(name, small_prosody.guests), addresses[self.random(2)], self.stored[name]);
end

function actions.ask(self)
	local page = self:pick(self:heard_pages());
	if not page then return; end
	local address = self.random(6) > 1 and addresses[self.random(2)] or self:pick(addresses);
	self:ask(page, address, self.random(6) > 1 and self.stored[page.person] or nil);
end

function actions.take_up(self)
	if self.jicofo.is_there and self.jicofo.asked[1] then
		if self.random(20) == 1 then table.remove(self.jicofo.asked, 1); end -- some it cannot even read
		if not self.jicofo.asked[1] then return; end
		self.jicofo:take_up(self.random(#self.jicofo.asked));
		self:note_logins();
	end
end

function actions.join_focus(self)
	if self.jicofo.is_there and self.jicofo.joining[1] then self.jicofo:join(self.random(#self.jicofo.joining), self.random(6) == 1); end
end

function actions.deliver(self)
	for _ = 1, self.random(3) do
		local deliver = self.jicofo.is_there and table.remove(self.jicofo.outbox, 1);
		if deliver then deliver(); end
	end
	while #self.jicofo.unacknowledged > 3 do table.remove(self.jicofo.unacknowledged, 1); end
end

function actions.enter(self)
	local page, room = self:pick(self:heard_pages()), self:pick(self.world.all_rooms());
	if not page or not room or room:get_occupant_by_real_jid(page.client) then return; end
	self:note("%s enters %s", page.client, room.jid);
	room:join(page.client);
end

function actions.leave(self)
	local page, room = self:pick(self:heard_pages()), self:pick(self.world.all_rooms());
	if not page or not room then return; end
	self:note("%s leaves %s", page.client, room.jid);
	room:leave(page.client);
end

function actions.close(self)
	local page = self:pick(self:pages_in_order());
	if not page then return; end
	self:note("%s is closed", page.client);
	self.world.prosody.full_sessions[page.client]:close();
end

function actions.breakout(self)
	local leaders = {};
	self:each_leader(function (page, room)
		if room.host == small_prosody.meetings then table.insert(leaders, { page = page, room = room }); end
	end);
	local found = self:pick(leaders);
	if not found then return; end
	self.number = self.number + 1;
	local address = "b" .. self.number .. "@" .. small_prosody.breakouts;
	found.room._data.breakout_rooms = found.room._data.breakout_rooms or {};
	found.room._data.breakout_rooms[address] = "group";
	found.room:set_persistent(true);
	self.world.mains[address] = found.room.jid;
	self:note("%s opens %s", found.page.client, address);
	self:ask(found.page, address);
end

function actions.suspend(self)
	local name = self:pick(organisers);
	self:note("%s is suspended", name);
	self.suspended[name] = true;
	self.world.feed:suspend(name);
	self:execute({ username = name, action = "suspend" });
end

function actions.reinstate(self)
	local name = self:pick(organisers);
	self:note("%s is reinstated", name);
	self.suspended[name] = nil;
	self.world.feed:reinstate(name);
end

function actions.end_sessions(self)
	local name = self:pick(organisers);
	self:note("%s is logged out everywhere", name);
	self.ended_at[name], self.ending = self.world.now, name;
	self:execute({ username = name, action = "end_sessions" });
	self.ending = nil;
end

function actions.wait(self)
	local seconds = self:pick({ 0.1, 1, 16, 70 });
	self:note("%g s pass", seconds);
	self.world.advance(seconds);
	if self.jicofo.is_there then self.jicofo:expire(); end
end

function actions.cut(self)
	self:note("jicofo is %s", self.jicofo.is_there and "cut off" or "back anew");
	if self.jicofo.is_there then
		self.jicofo.is_there = false;
	else
		self.jicofo:come_back_anew();
		for _, page in pairs(self.pages) do
			for _, wait in pairs(page.waits) do wait.is_lost = true; end
		end
	end
end

function actions.resume(self)
	if not self.jicofo.is_there then self:note("jicofo is back in time"); end
	self.jicofo.is_there = true;
end

function actions.restart(self)
	self:note("Prosody is started anew");
	self.pages, self.meetings = {}, {};
	self.world.start();
	self.jicofo:come_back_anew();
end

function actions.news(self)
	if not self.world.feed.is_informed then self:give_news(); end
end

local names = {};
for name in pairs(actions) do
	for _ = 1, weights[name] do table.insert(names, name); end
end
table.sort(names);

-- Plays one history; throws what was wrong, with the steps before.  break_it(guard) may break the guard at each step.
local function play(version, seed, break_it)
	local self = new(version, seed);
	local ok, fault = xpcall(function ()
		for _ = 1, steps do
			if break_it then break_it(self.world.guard); end
			self.world.advance(0.01);
			actions[names[self.random(#names)]](self);
			self:nobody_suspended_leads();
			self:the_count_is_right();
			self:each_meeting_is_opened_once();
		end
	end, function (message) return type(message) == "string" and message or debug.traceback(message); end);
	if not ok then error(("history %d: %s\n  %s"):format(seed, fault, table.concat(self.log, "\n  ")), 0); end
	return self;
end

return { play = play };
