-- mod_auth_accept: lets everybody in at once; what a login costs that asks nobody.
-- For the benchmarks on loopback only.  PLAIN only, like mod_auth_external.
-- This file is MIT licensed; see LICENSE.

local new_sasl = require "util.sasl".new;

local provider = {};

function provider.get_sasl_handler()
	return new_sasl(module.host, { plain_test = function () return true, true; end });
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
