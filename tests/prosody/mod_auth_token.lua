-- mod_auth_token: stands in for Jitsi's token provider of that name; here nobody may log in with one.
-- This file is MIT licensed; see LICENSE.
-- luacheck: read globals module

local new_sasl = require "util.sasl".new;

module:provides("auth", {
	user_exists = function () return false; end;
	get_sasl_handler = function () return new_sasl(module.host, { plain_test = function () return false, nil; end }); end;
});
