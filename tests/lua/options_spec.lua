local libraries = dofile("tests/lua/prosody_libraries.lua");
local options = libraries.own("authbridge/options");

local token = ("t0ken"):rep(8);

local function reader_of(content, err)
	return function () return content, err; end;
end

-- The settings read from these options, over ones that are in order; "unset" stands for none.
local function read(given, reader)
	local all = { external_auth_url = "http://127.0.0.1:8701", external_auth_token_file = "/etc/authbridge/api-token" };
	for name, value in pairs(given or {}) do all[name] = value; end
	return options.read(function (name)
		local value = all[name];
		if value == "unset" then return nil; end
		return value;
	end, reader or reader_of(token .. "\n"));
end

describe("The options", function ()
	it("have defaults for all but address and token", function ()
		assert.same({
			urls = { "http://127.0.0.1:8701" }, token = token, timeout = 15, vouched = false, page_words = false, page = false;
		}, read());
	end);

	it("take one address or a list of them, with or without a slash at the end", function ()
		local settings = assert(read({ external_auth_url = { "http://127.0.0.1:8701/", "https://auth.example.org" } }));
		assert.same({ "http://127.0.0.1:8701", "https://auth.example.org" }, settings.urls);
	end);

	it("take the whole range of time-outs, and a number that is written as a text", function ()
		for _, seconds in ipairs({ 1, 60, 2.5, "15" }) do
			assert.equal(tonumber(seconds), assert(read({ external_auth_timeout = seconds })).timeout);
		end
	end);

	it("take the word of the administrator for the proxy", function ()
		assert.is_true(assert(read({ external_auth_proxy_overwrites_address = true })).vouched);
	end);

	it("take the word that Jitsi's page has the operator's words", function ()
		assert.is_true(assert(read({ external_auth_page_words = true })).page_words);
	end);

	it("take the word that organisers may come by the login page", function ()
		assert.is_true(assert(read({ external_auth_page = true })).page);
	end);

	it("take a name for this Prosody", function ()
		assert.equal("meet-2.example_org", assert(read({ external_auth_node = "meet-2.example_org" })).node);
	end);

	it("read the token without the line break at its end", function ()
		for _, content in ipairs({ token, token .. "\n", token .. "\r\n", " " .. token .. " " }) do
			assert.equal(token, assert(read({}, reader_of(content))).token);
		end
	end);

	local address = "Option external_auth_url must be http://127.0.0.1:PORT, or https:// for a service on another machine.";
	local no_address = 'Option external_auth_url is missing, for example "http://127.0.0.1:8701".';
	local no_word = "Option external_auth_token_file must hold one word of at least 32 characters.";
	local no_seconds = "Option external_auth_timeout must be 1 to 60 seconds.";
	local no_choice = "Option external_auth_proxy_overwrites_address must be true or false.";
	local no_words = "Option external_auth_page_words must be true or false.";
	local no_page = "Option external_auth_page must be true or false.";
	local no_name = "Option external_auth_node must be at most 64 letters, digits and . _ -.";
	local faults = {
		{ "words for the page in words", { external_auth_page_words = "yes" }, no_words };
		{ "the login page in words", { external_auth_page = "yes" }, no_page };
		{ "an empty name", { external_auth_node = "" }, no_name };
		{ "a name with a line break", { external_auth_node = "a\nb" }, no_name };
		{ "a name that is too long", { external_auth_node = ("a"):rep(65) }, no_name };
		{ "a number for a name", { external_auth_node = 1 }, no_name };
		{ "no address", { external_auth_url = "unset" }, no_address };
		{ "an empty list of addresses", { external_auth_url = {} }, no_address };
		{ "a number for an address", { external_auth_url = 8701 }, no_address };
		{ "a name in a plain address", { external_auth_url = "http://localhost:8701" }, address };
		{ "another machine without TLS", { external_auth_url = "http://192.0.2.1:8701" }, address };
		{ "an address that only begins like ours", { external_auth_url = "http://127.0.0.1:8701@example.org" }, address };
		{ "an address without a port", { external_auth_url = "http://127.0.0.1" }, address };
		{ "a path", { external_auth_url = "https://example.org/auth" }, address };
		{ "a password in the address", { external_auth_url = "https://user:word@example.org" }, address };
		{ "one bad address among good ones", { external_auth_url = { "http://127.0.0.1:8701", "ftp://127.0.0.1" } }, address };
		{ "a list in the list", { external_auth_url = { {} } }, address };
		{ "no token file", { external_auth_token_file = "unset" },
			"Option external_auth_token_file is missing: the file that AUTHBRIDGE_API_TOKEN_FILE names." };
		{ "a time-out of nothing", { external_auth_timeout = 0 }, no_seconds };
		{ "a time-out of more than a minute", { external_auth_timeout = 60.1 }, no_seconds };
		{ "a time-out in words", { external_auth_timeout = "soon" }, no_seconds };
		{ "a time-out that is no number", { external_auth_timeout = 0 / 0 }, no_seconds };
		{ "yes instead of true", { external_auth_proxy_overwrites_address = "yes" }, no_choice };
	};
	for _, case in ipairs(faults) do
		it("say in a sentence what is wrong with " .. case[1], function ()
			local settings, sentence = read(case[2]);
			assert.is_nil(settings);
			assert.equal(case[3], sentence);
		end);
	end

	for _, content in ipairs({ "", "\n", "short", ("x"):rep(31), token .. " " .. token, token .. "\n" .. token }) do
		it(("say so if the token file holds %d bytes that are no token, and do not repeat them"):format(#content), function ()
			local settings, sentence = read({}, reader_of(content));
			assert.is_nil(settings);
			assert.equal(no_word, sentence);
		end);
	end

	it("say why a token file cannot be read", function ()
		local settings, sentence = read({}, reader_of(nil, "/x: Permission denied"));
		assert.is_nil(settings);
		assert.equal("Option external_auth_token_file names a file that Prosody cannot read: /x: Permission denied.", sentence);
	end);

	it("say why a token file that is missing or a folder cannot be read", function ()
		for path, words in pairs({ ["/nonexistent/api-token"] = "No such file", ["/tmp"] = "Is a directory" }) do
			local settings, sentence = read({ external_auth_token_file = path }, options.read_file);
			assert.is_nil(settings);
			assert.matches(words, sentence);
		end
	end);
end);
