-- check_responder.lib.lua: tells `prosodyctl mod_auth_external check URL` which address this Prosody believes a client has.
-- A client that cannot prove to have the token gets Prosody's own answer.
-- This file is MIT licensed; see LICENSE.

local hashes = require "util.hashes";
local http_server = require "net.http.server"; -- listens nowhere by itself
local now = require "util.time".now;

local check_probes = module:require "check_probes";
local hooks = module:require "authbridge/hooks";

local function answer(token, request, response)
	local line = check_probes.answer(hashes, token, module.host, request, now());
	if not line then return nil; end
	response.status_code = 200;
	response.headers.content_type, response.headers.cache_control = "text/plain", "no-store";
	return line;
end

-- Hooks the events with which mod_bosh and mod_websocket themselves turn away a client that speaks no XMPP.  So a probe has
-- come the whole way that a login comes, whatever paths and hosts are configured, and no session is opened.
local function start(token)
	hooks.before_all_globally("http-message", function (event)
		return event.response and answer(token, event.response.request, event.response);
	end);
	hooks.before_all_at(http_server, "http-error", function (event)
		if event.code == 501 and event.request then return answer(token, event.request, event.response); end
	end);
end

return { start = start };
