-- login.lib.lua: asks the service whether an organiser may log in, by a password or by a token, waits, and retries.
-- It never decides itself: no answer, a late, foreign or odd one is a temporary failure.
-- This file is MIT licensed; see LICENSE.

local async = require "util.async";
local json = require "util.json";
local new_id = require "util.id".medium;
local timer = require "util.timer";
local time = require "util.time";
local monotonic = time.monotonic;

local health_watch = module:require "authbridge/health_watch";
local kept_connections = module:require "kept_connections";
local login_answer = module:require "authbridge/login_answer";
local login_request = module:require "login_request";
local is_pseudonym = module:require "authbridge/pseudonyms".is_pseudonym;
local post = module:require "authbridge/http_call".post;
local protect = module:require "authbridge/protect";
local token = module:require "token";

local password_path, token_path = "/v1/authenticate", "/v1/token";
local max_in_flight = 512;
local full_log_pause = 10; -- seconds
local retry_for = 3; -- seconds
local first_pause, longest_pause = 0.1, 0.5; -- seconds; while the service is away each login of a school bell tries again
local least_try = 0.25; -- seconds

local methods = {};
methods.__index = methods;

-- Returns ask(path, question, id, seconds, call), which is kept_connections' post(): a service on another machine is asked by
-- Prosody's own client, which checks certificates.
local function client_of(url, api_token)
	if url:find("^https:") then
		return function (path, question, _, seconds, call) return post(url .. path, api_token, question, seconds, call); end
	end
	local connections = kept_connections.new(url, api_token);
	return function (...) return connections:post(...); end
end

-- feed: of revocations.lib.lua; node: the name of this Prosody; granted(organiser) is called at each login that the service
-- grants, with the organiser of login_answer.lib.lua.
-- uses: of token_uses.lib.lua.
local function new(settings, feed, node, uses, granted)
	local clients = {};
	for _, url in ipairs(settings.urls) do clients[url] = client_of(url, settings.token); end
	return setmetatable({
		settings = settings, feed = feed, node = node, uses = uses, granted = granted, in_flight = 0;
		services = health_watch.new(settings.urls), clients = clients;
	}, methods);
end

-- util.timer, not module:add_timer: a `module reload` ends those, and the login would wait for ever.
local function pause(seconds)
	local wait, done = async.waiter();
	timer.add_task(seconds, done);
	wait();
end

-- Asks that service once.  Returns verdict, nil, nil, organiser, or nil, fault, detail, as login_answer.lib.lua words them.
function methods:ask(endpoint, path, request, seconds)
	local call = {};
	self.services:began(endpoint, call);
	local question = json.encode(request);
	local is_done, body, code = protect.try(self.clients[endpoint.url], path, question, request.request_id, seconds, call);
	self.services:ended(endpoint, call);
	if not is_done then return nil, "outage", "error in this module"; end
	local verdict, fault, detail, organiser = login_answer.read(code, body, request, json.decode);
	self.services:note(endpoint, fault, detail);
	return verdict, fault, detail, organiser;
end

-- Asks until there is an answer or the time is over, one service after the other: a frozen one, and one whose answer is of no
-- use, may have a neighbour.  Returns verdict, detail, organiser.
function methods:consult(login, facts)
	local deadline, first_drop = monotonic() + self.settings.timeout, nil;
	local next_pause, passed, detail = first_pause, {}, "no service answers";
	while true do
		local endpoint = self.services:choose(passed);
		if not endpoint then return "unavailable", detail; end

		local now = monotonic();
		local request = login_request.new(facts, login, deadline, now);
		local verdict, fault, why, organiser = self:ask(endpoint, login.path, request, deadline - now);
		if verdict then return verdict, nil, organiser; end
		detail = why;
		now = monotonic();
		-- A try that begins too late could only time out, and would count against a service that is merely away.
		if fault == "timeout" or now > deadline - least_try then return "unavailable", detail; end
		if fault == "outage" then passed[endpoint] = true; end
		if fault == "dropped" then
			first_drop = first_drop or now;
			if now + next_pause >= math.min(deadline - least_try, first_drop + retry_for) then return "unavailable", detail; end
			pause(next_pause);
			next_pause = math.min(2 * next_pause, longest_pause);
		end
	end
end

-- outcome: { verdict, word, detail }: the service's verdict, the condition for the client, and the reason of an error or nil.
-- Logs the request's id, which the service's journal has too, and never the name: people type their password into
-- the field of the name.
local function log_outcome(login, facts, started, outcome)
	local reason = outcome.detail or outcome.word ~= outcome.verdict and "a suspension came meanwhile";
	module:log(outcome.detail and "error" or "info", "Login %s %sover %s: %s after %d ms%s", login.request_id, login.token and "by a token " or "",
		facts.transport, outcome.word, math.floor((monotonic() - started) * 1000), reason and ", " .. reason or "");
end

-- Logins under way still get their answers.
function methods:stop()
	self.services:stop();
end

-- Logs it now and then only: a flood of logins would fill the log.
function methods:log_full(now)
	if self.logged_full_at and now - self.logged_full_at < full_log_pause then return; end
	self.logged_full_at = now;
	module:log("error", "%d logins are waiting already, others are told to try later", self.in_flight);
end

-- login: { path, and username, password, or token and sessions }.
-- Returns the verdict that the client is told, and with "granted" the organiser.  The feed is told of the login before the service
-- is asked: a suspension that arrives while the answer is on its way would otherwise let the organiser in.
function methods:decide(login, session)
	login.request_id, login.host, login.node = new_id(), module.host, self.node;
	local facts = login_request.facts_of(session, self.settings.vouched);
	local started = monotonic();
	if self.in_flight >= max_in_flight then
		self:log_full(started);
		return "unavailable";
	end
	local followed = self.feed:login_began(login.username, session, time.now());
	session.auth_external_login = followed;
	self.in_flight = self.in_flight + 1;
	local verdict, detail, organiser = protect.call(self.consult, self, login, facts);
	self.in_flight = self.in_flight - 1;
	if not verdict then verdict, detail = "unavailable", "error in this module"; end
	if organiser then self.feed:login_named(followed, organiser); end
	local word = organiser and self.feed:verdict_of(followed) or verdict;
	if word ~= "granted" then self.feed:login_over(followed); end
	if organiser then self.granted(organiser); end
	log_outcome(login, facts, started, { verdict = verdict, word = word, detail = detail });
	return word, word == "granted" and organiser or nil;
end

-- Returns as decide() does.  A login name that looks like a pseudonym would be another organiser's, and nobody has one.
function methods:by_password(username, password, session)
	if is_pseudonym(username) then return "refused"; end
	return self:decide({ path = password_path, username = username, password = password }, session);
end

-- Returns as decide() does.  Until the service has told who is suspended, no token opens anything.
function methods:by_token(text, session)
	if not token.is_well_formed(text) then
		module:log("info", "A login by a token is refused: it does not look like one");
		return "refused";
	end
	if not self.feed:has_news() then
		module:log("info", "A login by a token is told to try later: there is no news of suspensions yet");
		return "unavailable";
	end
	local word, organiser = self:decide({ path = token_path, token = text, sessions = self.uses:state(text, monotonic()) }, session);
	if organiser and organiser.is_shared then self.uses:opened(text, session); end
	return word, organiser;
end

return { new = new };
