-- mod_auth_external: lets the AuthBridge service decide whether an organiser may log in, and ends what a suspended one has open.
-- This file is the provider and the wiring; the *.lib.lua files beside it do the work.
-- This file is MIT licensed; see LICENSE.

if module.host == "*" then -- loaded by `prosodyctl mod_auth_external check`
	module.command = module:require "check".command;
	return;
end

local cache = require "util.cache";
local config = require "core.configmanager";
local hmac_sha256 = require "util.hashes".hmac_sha256;
local monotonic = require "util.time".monotonic;
local new_sasl = require "util.sasl".new;

local check_responder = module:require "check_responder";
local follower = module:require "authbridge/follower";
local hooks = module:require "authbridge/hooks";
local jitsi_config = module:require "jitsi_config";
local login = module:require "login";
local login_answer = module:require "authbridge/login_answer";
local login_name = module:require "login_name";
local meeting_guard = module:require "meeting_guard";
local options = module:require "authbridge/options";
local orders = module:require "orders";
local page_refusal = module:require "page_refusal";
local pseudonyms = module:require "authbridge/pseudonyms";
local revocations = module:require "authbridge/revocations";
local token_claims = module:require "token_claims";
local token_door = module:require "token_door";
local token_uses = module:require "token_uses";

local host = module.host;
local settings = assert(options.read(function (name) return module:get_option(name); end, options.read_file));
local node = settings.node or require "socket".dns.gethostname();
local kept = meeting_guard.kept_of(module.saved_state);
local before = kept or {};
local names = before.pseudonyms and pseudonyms.on_top(before.pseudonyms) or pseudonyms.new(hmac_sha256, cache.new, settings.token, host);
local feed = revocations.new(node, #settings.urls, names, before.open_logins);
local guard; -- set below: it needs the rest of this file
local uses = before.uses and token_uses.on_top(before.uses) or token_uses.new(cache.new, monotonic());
local logins = login.new(settings, feed, node, uses, function (organiser) guard.schools:learn(organiser.username, organiser.school); end);

-- The provider -------------------------------------------------------------------------------------

local provider = {};

-- Prosody replaces the handler by its clean_clone() after each failure, so both are overridden.
local function new_handler(session)
	local failure;
	local handler = new_sasl(host, {
		plain_test = function (_, username, password)
			local verdict = logins:by_password(username, password, session);
			if verdict == "granted" then return true, true; end
			failure = login_answer.failure_of(verdict);
			if settings.page_words then page_refusal.replace_failure(session, verdict, failure.text); end
			return false, nil;
		end;
	});
	if settings.page and session.auth_external_token then token_door.open(handler, session, logins, names); end
	local process = handler.process;
	function handler:process(message)
		failure = nil;
		local status, reply, text = process(self, message and login_name.trim_plain(message, host));
		if session.destroyed then -- the client left meanwhile; 13.0.x would trip over the missing field
			session.base_type = session.base_type or "c2s";
		end
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

-- The wiring ---------------------------------------------------------------------------------------

-- mod_bosh keeps no request with its session.
hooks.before_all_globally("bosh-session", function (event)
	event.session.auth_external_user_agent = event.request.headers.user_agent;
	if settings.page then token_door.note_token(event); end
end);
hooks.before_all_globally("websocket-session", function (event)
	if settings.page then token_door.note_token(event); end
end);

-- Switched on and off without a restart, which would end meetings.
hooks.before_all_globally("config-reloaded", function ()
	settings.page = module:get_option("external_auth_page") == true;
end);

check_responder.start(settings.token);

local all_hosts = jitsi_config.active(config.getconfig(), config.get);

if not token_claims.verifying(all_hosts, config.get)[1] then token_claims.start(); end

local place, fault = jitsi_config.find(host, all_hosts, config.get);
if fault then
	module:log("error", "%s Suspensions end sessions, but no meetings.", fault);
elseif place.focus then
	module:log("info", "Guarding the meetings at %s behind %s", place.muc or "no known component", place.focus);
end

local following = follower.new(feed, settings.token, logins.services);
guard = meeting_guard.start(feed, place, function () following:meetings_changed(); end, names, kept);
local carrying_out = orders.new(feed, guard, names);
carrying_out:attach();
following:start({
	execute = function (order) return carrying_out:execute(order); end;
	await = meeting_guard.await, running = function () return guard:running(); end;
	counts = guard.counts, schools = guard.schools;
});

function module.save()
	local state = guard:save();
	state.uses, state.open_logins = uses, feed.logins;
	return state;
end

function module.unload()
	logins:stop();
	following:stop();
	guard:stop();
end

module:provides("auth", provider);
