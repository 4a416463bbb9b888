-- mod_auth_external: asks the AuthBridge service whether an organiser may log in.
-- It never decides itself: no answer, a late, foreign or odd one is a temporary failure.
-- This file is MIT licensed; see LICENSE.

if module.host == "*" then -- loaded by `prosodyctl mod_auth_external check`
	module.command = module:require "check".command;
	return;
end

local async = require "util.async";
local config = require "core.configmanager";
local hashes = require "util.hashes";
local http_server = require "net.http.server"; -- listens nowhere by itself
local json = require "util.json";
local new_id = require "util.id".medium;
local new_sasl = require "util.sasl".new;
local timer = require "util.timer";
local time = require "util.time";
local monotonic = time.monotonic;

local answers = module:require "answers";
local claims = module:require "claims";
local end_session = module:require "endings".end_session;
local follower = module:require "follower";
local guard = module:require "guard";
local names = module:require "names";
local options = module:require "options";
local post = module:require "exchange".post;
local probes = module:require "probes";
local questions = module:require "questions";
local revocations = module:require "revocations";
local surroundings = module:require "surroundings";
local new_endpoints = module:require "endpoints".new;

local host = module.host;
local sessions = prosody.hosts[host].sessions;
local settings = assert(options.read(function (name) return module:get_option(name); end, options.read_file));
local node = settings.node or require "socket".dns.gethostname();
local endpoints = new_endpoints(settings.urls);
local feed = revocations.new(node, #settings.urls);

local max_in_flight = 512;
local retry_for = 3; -- seconds
local first_pause, longest_pause = 0.1, 0.5; -- seconds; with a dead service each login of a school bell tries again
local least_try = 0.25; -- seconds

local in_flight = 0;

local provider = {};

-- util.timer, not module:add_timer: those die with a `module reload`, and the login would hang.
local function pause(seconds)
	local wait, done = async.waiter();
	timer.add_task(seconds, done);
	wait();
end

-- Asks until there is an answer or the time is over.  Returns verdict, detail.
local function consult(who, facts)
	local deadline, first_drop = monotonic() + settings.timeout, nil;
	local next_pause = first_pause;
	while true do
		local now = monotonic();
		local endpoint = endpoints:choose(now);
		if not endpoint then return "unavailable", "the service timed out repeatedly and is given a rest"; end

		local question = questions.new(facts, who, deadline, now);
		local body, code = post(endpoint.url .. "/v1/authenticate", settings.token, question, deadline - now);
		local verdict, fault, detail = answers.read(code, body, question, json.decode);

		now = monotonic();
		if fault == "timeout" then
			endpoints:timed_out(endpoint, now);
		elseif fault == "dropped" then
			endpoints:dropped(endpoint);
			first_drop = first_drop or now;
		else
			endpoints:answered(endpoint);
		end
		if fault ~= "dropped" then return verdict or "unavailable", detail; end
		-- A try that begins too late could only time out, and would count against a service that is merely away.
		if now + next_pause >= math.min(deadline - least_try, first_drop + retry_for) then return "unavailable", detail; end
		pause(next_pause);
		next_pause = math.min(2 * next_pause, longest_pause);
	end
end

-- The log holds the request's id, which the service's journal has too; the name may be a
-- password that was typed into the wrong field.
local function authenticate(username, password, session)
	local who = { request_id = new_id(), username = username, password = password, host = host, node = node };
	local facts = questions.facts_of(session, settings.vouched);
	local started = monotonic();
	if in_flight >= max_in_flight then
		module:log("error", "Login %s: unavailable, %d logins are waiting already", who.request_id, in_flight);
		return "unavailable";
	end
	local login = feed:login_began(username, session, time.now());
	session.auth_external_login = login;
	in_flight = in_flight + 1;
	local ok, verdict, detail = pcall(consult, who, facts);
	in_flight = in_flight - 1;
	if not ok then verdict, detail = "unavailable", "error in this module: " .. tostring(verdict); end
	local word = verdict == "granted" and feed:verdict_of(login) or verdict;
	if word ~= "granted" then feed:login_over(login); end
	module:log(detail and "error" or "info", "Login %s over %s: %s after %d ms%s", who.request_id, facts.transport, word,
		math.floor((monotonic() - started) * 1000), detail and ", " .. detail or word ~= verdict and ", by news that came meanwhile" or "");
	return word;
end

-- Prosody replaces the handler by its clean_clone() after each failure, so both are overridden.
local function new_handler(session)
	local failure;
	local handler = new_sasl(host, {
		plain_test = function (_, username, password)
			local verdict = authenticate(username, password, session);
			if session.destroyed then -- left meanwhile; 13.0.1 would trip over the missing field
				session.base_type = session.base_type or "c2s";
			end
			if verdict == "granted" then return true, true; end
			failure = answers.failure_of(verdict);
			return false, nil;
		end;
	});
	local process = handler.process;
	function handler:process(message)
		failure = nil;
		local status, reply, text = process(self, message and names.trim_plain(message, host));
		if failure then return "failure", failure.condition, failure.text; end
		return status, reply, text;
	end
	function handler:clean_clone() -- luacheck: ignore 212/self
		return new_handler(session);
	end
	return handler;
end

function provider.get_sasl_handler(session)
	return new_handler(session);
end

-- Core and modules ask this synchronously, also outside a login: no I/O here.
function provider.user_exists()
	return true;
end

function provider.is_enabled()
	return true;
end

function provider.users()
	return function () end;
end

local function unsupported()
	return nil, "Accounts are kept by AuthBridge; use its panel or the authbridge command.";
end

provider.test_password = unsupported;
provider.get_password = unsupported;
provider.set_password = unsupported;
provider.create_user = unsupported;
provider.delete_user = unsupported;

-- mod_bosh keeps no request with its session.
module:hook_global("bosh-session", function (event)
	event.session.auth_external_user_agent = event.request.headers.user_agent;
end, guard.priority);

-- Sessions of that organiser which are bound.  A copy: ending one changes the table.
local function bound_sessions(username)
	local list = {};
	for _, session in pairs(sessions[username] and sessions[username].sessions or {}) do table.insert(list, session); end
	return list;
end

-- Those which are authenticated and not bound are in no table of Prosody's.
local function own_sessions(order)
	local list = {};
	for _, session in ipairs(bound_sessions(order.username)) do
		local login = session.auth_external_login;
		if revocations.ends(order, login and login.began) then table.insert(list, session); end
	end
	for _, login in ipairs(feed:ended_logins(order.username)) do
		if login.session.type == "c2s_unbound" then table.insert(list, login.session); end
	end
	return list;
end

-- Returns how many ended.  A session may be in both lists, for an organiser's own page may lead the meeting.
local function end_all(action, ...)
	local seen, number = {}, 0;
	for _, list in ipairs({ ... }) do
		for _, session in ipairs(list) do
			if not seen[session] and not session.destroyed then
				seen[session] = true;
				local ok, ended = pcall(end_session, session, action);
				if ok and ended then
					number = number + 1;
				else
					module:log("error", "A session that had to end did not: %s", ok and "Prosody kept it" or ended);
				end
			end
		end
	end
	return number;
end

local following, guarding;

-- First the meetings: a page whose session is closed before its meeting ends would come back.
local function execute(order)
	local ok, counts, in_meetings = pcall(guarding.carry_out, guarding, order);
	if not ok then
		module:log("error", "Error in this module: %s", counts);
		counts, in_meetings = { meetings = 0, logins = 0, waiting = 0 }, {};
	end
	counts.sessions = 0;
	if order.action == "reinstate" then return counts; end
	counts.sessions = end_all(order.action, in_meetings, own_sessions(order));
	return counts;
end

module:hook("pre-resource-bind", function (event)
	local session = event.session;
	if feed:may_bind(session.username, session.auth_external_login) then return nil; end
	event.error = { type = "auth", condition = "not-authorized" };
	return false;
end, guard.priority);

module:hook("resource-bind", function (event)
	local login = event.session.auth_external_login;
	if login then feed:login_over(login); end
end, guard.priority);

-- `prosodyctl mod_auth_external check URL` wants to know which address a client is believed to have.
-- To anybody else nothing is different.
local function answer_probe(request, response)
	local line = probes.answer(hashes, settings.token, host, request, time.now());
	if not line then return nil; end
	response.status_code = 200;
	response.headers.content_type, response.headers.cache_control = "text/plain", "no-store";
	return line;
end

-- The events with which mod_bosh and mod_websocket themselves turn away who speaks no XMPP: so a probe
-- has come all the way that a login comes, whatever paths and hosts are configured, and no session is opened.
module:hook_global("http-message", function (event)
	return event.response and answer_probe(event.response.request, event.response);
end, guard.priority);
module:hook_object_event(http_server, "http-error", function (event)
	if event.code == 501 and event.request then return answer_probe(event.request, event.response); end
end, guard.priority);

local all_hosts = {};
for name in pairs(config.getconfig()) do table.insert(all_hosts, name); end

if not claims.verifying(all_hosts, config.get)[1] then claims.start(); end

local function find_jitsi()
	local place, fault = surroundings.find(host, all_hosts, config.get);
	if fault then
		module:log("error", "%s Suspensions end sessions, but no meetings.", fault);
	elseif place.focus then
		module:log("info", "Guarding the meetings at %s behind %s", place.muc or "no known component", place.focus);
	end
	return place;
end

guarding = guard.start(feed, find_jitsi(), function () if following then following:tell_anew(); end end, module.saved_state);
following = follower.start(feed, settings, {
	execute = execute, await = guard.await, running = function () return guarding.registry:running(); end;
});

function module.save()
	return guarding:save();
end

function module.unload()
	following:stop();
	guarding:stop();
end

module:provides("auth", provider);
