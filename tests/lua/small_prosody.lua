-- small_prosody.lua: a stand-in for as much of a Prosody with Jitsi's components as the guard uses, in one process and without
-- I/O: hosts with real events, sessions, rooms, and timers on a clock that only a test moves.
-- The guard itself is the real one, on the util libraries of either Prosody.

local libraries = dofile("tests/lua/prosody_libraries.lua");

local own, guests, accounts = "meet.test", "guest.meet.test", "auth.meet.test";
local meetings, breakouts, bridges = "conference.meet.test", "breakout.meet.test", "internal.auth.meet.test";
local focus, target = "focus.meet.test", "focus@auth.meet.test";
local jicofo = target .. "/focus";

local place = {
	focus = focus, target = target, muc = meetings, meetings = { meetings }, mucs = { breakouts, meetings, bridges };
	mapper = { prefix = "conference", base = "meet.test", muc = meetings };
};

local function values_of(rooms)
	local address;
	return function ()
		local room;
		address, room = next(rooms, address);
		return room;
	end
end

local function new(version)
	local util = {};
	for _, name in ipairs({ "util.cache", "util.events", "util.hashes", "util.id", "util.jid", "util.stanza" }) do
		util[name] = libraries.of_prosody(version, name);
	end
	local jid, new_events = util["util.jid"], util["util.events"].new;
	local prosody, module, loaded = {}, { host = own }, {};
	local world = { prosody = prosody, jid = jid, stanza = util["util.stanza"], place = place, jicofo = jicofo };

	-- Clock and timers ------------------------------------------------------------------------------

	util["util.timer"] = {
		add_task = function (delay, callback)
			local task = { at = world.now + delay, callback = callback };
			table.insert(world.tasks, task);
			return task;
		end;
		stop = function (task) task.is_over = true; end;
	};
	util["util.time"] = { now = function () return world.now; end };
	util["util.async"] = {};

	local function next_task()
		local first = nil;
		for i, task in ipairs(world.tasks) do
			if task.at <= world.now and (not first or task.at < world.tasks[first].at) then first = i; end
		end
		return first and table.remove(world.tasks, first);
	end

	function world.advance(seconds)
		world.now = world.now + seconds;
		for task in next_task do
			local again = not task.is_over and task.callback();
			if again then
				task.at = world.now + again;
				table.insert(world.tasks, task);
			end
		end
	end

	-- Rooms -----------------------------------------------------------------------------------------

	local room_methods = {};
	room_methods.__index = room_methods;

	local function fire(host, event, data) return prosody.hosts[host].events.fire_event(event, data); end

	function room_methods:each_occupant() return pairs(self.occupants); end

	function room_methods:get_affiliation(address)
		local main = self.main and world.room(self.main);
		if main then return main:get_affiliation(address); end
		return address == target and "owner" or self.affiliations[address];
	end

	function room_methods:set_affiliation(actor, address, affiliation)
		local event = { room = self, actor = actor ~= true and actor or nil, jid = address, affiliation = affiliation or "none" };
		fire(self.host, "muc-pre-set-affiliation", event);
		if event.allowed == false then return nil, event.error.type, event.error.condition; end
		self.affiliations[address] = affiliation;
		for _, occupant in pairs(self.occupants) do
			if occupant.bare_jid == address then occupant.role = affiliation == "owner" and "moderator" or "participant"; end
		end
		fire(self.host, "muc-set-affiliation", event);
		return true;
	end

	function room_methods:get_occupant_by_real_jid(client)
		for _, occupant in pairs(self.occupants) do
			if occupant.client == client then return occupant; end
		end
	end

	function room_methods:set_role(_, nick, role)
		local occupant = self.occupants[nick];
		if role then
			occupant.role = role;
		else
			self:leave(occupant.client);
		end
		return true;
	end

	function room_methods:save_occupant(occupant)
		if not occupant.role then self:leave(occupant.client); end
	end

	function room_methods:publicise_occupant_status(occupant, x, _, _, _, _, _, recipient)
		if recipient then world.on_told(self, occupant.client, x); end
	end

	function room_methods:get_password() return self.password; end

	function room_methods:get_members_only() return self.members_only == true; end

	function room_methods:set_persistent(is_persistent) self.is_persistent = is_persistent; end

	function room_methods:join(client)
		local occupant = { client = client, bare_jid = jid.bare(client), nick = self.jid .. "/" .. client };
		occupant.role = self:get_affiliation(occupant.bare_jid) == "owner" and "moderator" or "participant";
		function occupant.each_session() return pairs({ [client] = true }); end
		self.occupants[occupant.nick] = occupant;
		fire(self.host, "muc-occupant-joined", { room = self, occupant = occupant });
		world.on_room(self, "joined", client);
	end

	function room_methods:leave(client)
		local occupant = self:get_occupant_by_real_jid(client);
		if not occupant then return; end
		self.occupants[occupant.nick] = nil;
		if not next(self.occupants) and not self.is_persistent then self:vanish("empty"); end
		world.on_room(self, "left", client);
	end

	function room_methods:vanish(why)
		if prosody.hosts[self.host].rooms[self.jid] ~= self then return false; end
		prosody.hosts[self.host].rooms[self.jid] = nil;
		fire(self.host, "muc-room-destroyed", { room = self });
		for address in pairs(self._data.breakout_rooms or {}) do
			local breakout = world.room(address);
			if breakout then breakout:vanish(why); end
		end
		world.on_room(self, why);
		self.occupants = {};
		return true;
	end

	function room_methods:destroy() return self:vanish("destroyed"); end

	function world.room(address)
		local host = prosody.hosts[jid.host(address)];
		return host and host.rooms and host.rooms[address];
	end

	-- Returns nil where there is no such component.
	function world.create_room(address)
		local host = prosody.hosts[jid.host(address)];
		if not (host and host.rooms) then return nil; end
		host.rooms[address] = setmetatable({
			jid = address, host = jid.host(address), occupants = {}, affiliations = {}, _data = {}; main = world.mains[address];
		}, room_methods);
		return host.rooms[address];
	end

	function world.all_rooms()
		local list = {};
		for _, host in ipairs(place.mucs) do
			for _, room in pairs(prosody.hosts[host].rooms) do table.insert(list, room); end
		end
		table.sort(list, function (a, b) return a.jid < b.jid; end);
		return list;
	end

	-- Sessions --------------------------------------------------------------------------------------

	function world.connect(client)
		local session = { full_jid = client, host = jid.host(client), requests = {} };
		session.heard = {};
		session.thread = { run = function (_, item) table.insert(session.heard, item); end };
		if session.host == own then session.auth_external_login = { began = world.now }; end
		function session.close()
			if session.destroyed then return; end
			session.destroyed = true;
			prosody.full_sessions[client] = nil;
			prosody.bare_sessions[jid.bare(client)].sessions[jid.resource(client)] = nil;
			fire(session.host, "resource-unbind", { session = session });
			for _, room in ipairs(world.all_rooms()) do room:leave(client); end
			world.on_gone(client);
		end
		prosody.full_sessions[client] = session;
		local bare = jid.bare(client);
		prosody.bare_sessions[bare] = prosody.bare_sessions[bare] or { sessions = {} };
		prosody.bare_sessions[bare].sessions[jid.resource(client)] = session;
		return session;
	end

	-- What the module finds around it ------------------------------------------------------------------------

	local function context_of(host)
		local context = {};
		function context.hook(_, event, handler, priority) prosody.hosts[host].events.add_handler(event, handler, priority); end
		function context.fire_event(_, ...) return fire(host, ...); end
		function context.send(_, stanza) world.on_sent(stanza); end
		return context;
	end

	-- What is stored outlives a start.
	local stored = {};
	function world.store(name)
		local records = stored[name] or {};
		stored[name] = records;
		local store = {};
		function store.get(_, key) return records[key]; end
		function store.set(_, key, record)
			records[key] = record;
			return true;
		end
		function store.users() return pairs(records); end
		return store;
	end

	function module.open_store(_, name) return world.store(name); end

	function module.context(_, host) return context_of(host); end
	function module.log(_, level, ...)
		if level == "error" then world.on_error(string.format(...)); end
		if level == "warn" then world.on_warning(string.format(...)); end
	end
	function module.hook(_, ...) context_of(own):hook(...); end
	function module.hook_global() end
	function world.on_error(message) error(message, 0); end -- unless a test expects errors
	function world.on_warning() end
	function world.on_told() end -- what a client reads that is taken out of a room

	local function require_util(name)
		if name == "core.sessionmanager" then return { destroy_session = function (session) session.close(); end }; end
		return assert(util[name], name);
	end

	function module.require(_, name)
		if loaded[name] == nil then
			local env = setmetatable({ module = module, prosody = prosody, require = require_util }, { __index = _G });
			loaded[name] = assert(loadfile(libraries.file_of(name), "t", env))();
		end
		return loaded[name];
	end

	-- Each knows the names that it was asked for.
	function world.new_pseudonyms()
		return module:require("authbridge/pseudonyms").new(util["util.hashes"].hmac_sha256, util["util.cache"].new, "secret", own);
	end

	-- A Prosody that has just started: it remembers nothing.
	function world.start()
		prosody.hosts, prosody.full_sessions, prosody.bare_sessions = {}, {}, {};
		for _, host in ipairs({ own, guests, accounts, focus }) do prosody.hosts[host] = { events = new_events() }; end
		for _, host in ipairs(place.mucs) do
			local rooms = {};
			prosody.hosts[host] = { events = new_events(), rooms = rooms, modules = { muc = {
				each_room = function () return values_of(rooms); end;
				get_room_from_jid = function (address) return rooms[address]; end;
			} } };
		end
		world.tasks, world.mains = {}, {};
		world.pseudonyms = world.new_pseudonyms();
		world.feed = module:require("authbridge/revocations").new("node", 1, world.pseudonyms);
		world.guard = module:require("meeting_guard").start(world.feed, place, function () end, world.pseudonyms, nil);
	end

	-- Does with that page of an organiser, which an order ended, what comes after its meetings.
	function world.close_page(page, action)
		local session_close = module:require("authbridge/session_close");
		local close = page.is_reading and session_close.close_when_read or session_close.close;
		if page.session then close(page.session, action); end
	end

	-- Returns whether Prosody would still listen to what that client sends.
	function world.is_heard(client, stanza)
		local session = prosody.full_sessions[client];
		if not session then return false; end
		session.heard = {};
		session.thread:run(stanza or util["util.stanza"].message({}));
		return session.heard[1] ~= nil;
	end

	function world.new_orders() return module:require("orders").new(world.feed, world.guard, world.pseudonyms); end
	world.fire, world.now = fire, 1000;
	return world;
end

return { new = new, own = own, guests = guests, meetings = meetings, breakouts = breakouts, bridges = bridges, focus = focus };
