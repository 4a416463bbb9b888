-- mod_auth_obvious: asks an HTTP service with name and password, and believes 200; as one writes it first.
-- For the benchmarks on loopback only.
-- This file is MIT licensed; see LICENSE.

local async = require "util.async";
local http = require "net.http";
local json = require "util.json";
local new_sasl = require "util.sasl".new;

local url = assert(module:get_option("obvious_auth_url"), "obvious_auth_url is missing");

local provider = {};

local function plain_test(_, username, password)
	local response = async.wait_for(http.request(url, {
		method = "POST", headers = { ["Content-Type"] = "application/json" };
		body = json.encode({ username = username, password = password });
	}));
	return response ~= nil and response.code == 200, true;
end

function provider.get_sasl_handler()
	return new_sasl(module.host, { plain_test = plain_test });
end

function provider.user_exists()
	return true;
end

function provider.is_enabled()
	return true;
end

function provider.users()
	return function () end;
end

module:provides("auth", provider);
