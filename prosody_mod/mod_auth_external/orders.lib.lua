-- orders.lib.lua: carries out an order of the feed: ends the organiser's meetings first, then their sessions.
-- Also keeps a session from being bound whose login an order has ended, or was a synthetic one.
-- This file is MIT licensed; see LICENSE.

local hooks = module:require "authbridge/hooks";
local login_name = module:require "login_name";
local protect = module:require "authbridge/protect";
local revocations = module:require "authbridge/revocations";
local session_close = module:require "authbridge/session_close";

local methods = {};
methods.__index = methods;

-- feed, guard, pseudonyms: of revocations.lib.lua, meeting_guard.lib.lua and pseudonyms.lib.lua.
local function new(feed, guard, pseudonyms)
	return setmetatable({ feed = feed, guard = guard, pseudonyms = pseudonyms }, methods);
end

-- Returns the sessions of that organiser which are bound, by either name, in a list of its own: closing one changes Prosody's
-- table.
function methods:bound_sessions(username)
	local list = {};
	for _, node in ipairs({ username, self.pseudonyms:of(username) }) do
		local account = prosody.hosts[module.host].sessions[node];
		for _, session in pairs(account and account.sessions or {}) do table.insert(list, session); end
	end
	return list;
end

-- Returns the organiser's own sessions that the order ends.  Those that are authenticated and not bound yet are in no
-- table of Prosody's, only in the feed's list of logins.
function methods:own_sessions(order)
	local list = {};
	for _, session in ipairs(self:bound_sessions(order.username)) do
		local login = session.auth_external_login;
		if revocations.ends(order, login and login.began) then table.insert(list, session); end
	end
	for _, login in ipairs(self.feed:ended_logins(order.username)) do
		if login.session.type == "c2s_unbound" then table.insert(list, login.session); end
	end
	return list;
end

-- Closes the pages' sessions, those that read why when they have done so, and the organiser's own.  Returns how many ended.  A
-- session may be in both lists: that of a page that came by a token.
local function close_all(action, own, pages)
	local number, seen = 0, {};
	local function close(session, how)
		if not session or seen[session] then return; end
		seen[session] = true;
		if not session.destroyed and how(session, action) then number = number + 1; end
	end
	for _, page in ipairs(pages) do
		close(page.session, page.is_reading and session_close.close_when_read or session_close.close);
	end
	for _, session in ipairs(own) do close(session, session_close.close); end
	return number;
end

-- Returns the counts of what ended: { meetings, logins, waiting, sessions }; logins and waiting change while jicofo confirms.
-- The meetings go first: a page whose session is closed before its meeting ends would come back.
function methods:execute(order)
	local counts, pages = protect.call(self.guard.carry_out, self.guard, order);
	if not counts then counts, pages = { meetings = 0, logins = 0, waiting = 0 }, {}; end
	counts.sessions = 0;
	if order.action == "reinstate" then return counts; end
	counts.sessions = close_all(order.action, self:own_sessions(order), pages);
	return counts;
end

local function refuse_bind(event)
	event.error = { type = "auth", condition = "not-authorized" };
	return false;
end

-- Hooks the two events of binding.  Where the first hook fails, the session is not bound.
function methods:attach()
	hooks.before_all(module, "pre-resource-bind", function (event)
		local login = event.session.auth_external_login;
		local username = login and login.username or event.session.username;
		if not login_name.is_synthetic(username) and self.feed:may_bind(username, login) then return nil; end
		return refuse_bind(event);
	end, refuse_bind);
	hooks.before_all(module, "resource-bind", function (event)
		local login = event.session.auth_external_login;
		if login then self.feed:login_over(login); end
	end);
end

return { new = new };
