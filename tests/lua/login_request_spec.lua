local libraries = dofile("tests/lua/prosody_libraries.lua");
local login_request = libraries.own("login_request");

-- Sessions with the fields that mod_c2s, mod_bosh and mod_websocket of both versions give them.
local function session_over(transport, user_agent)
	local session = { ip = "198.51.100.7", conn = {} };
	if transport == "bosh" then
		session.bosh_max_inactive, session.bosh_version = 60, "1.6";
		session.auth_external_user_agent = user_agent;
	elseif transport == "websocket" then
		session.websocket_request = { headers = { user_agent = user_agent } };
	end
	return session;
end

local function user_agent_of(given)
	return login_request.facts_of(session_over("websocket", given), false).user_agent;
end

describe("What is known about a login", function ()
	for _, transport in ipairs({ "tcp", "bosh", "websocket" }) do
		it("says that it came over " .. transport, function ()
			assert.equal(transport, login_request.facts_of(session_over(transport), false).transport);
		end);

		it("holds the address over " .. transport .. " where the administrator vouched for the proxy", function ()
			assert.equal("198.51.100.7", login_request.facts_of(session_over(transport), true).ip);
		end);
	end

	for _, transport in ipairs({ "bosh", "websocket" }) do
		it("holds no address over " .. transport .. " unless vouched for", function ()
			assert.is_nil(login_request.facts_of(session_over(transport), false).ip);
		end);

		it("holds the user agent over " .. transport, function ()
			assert.equal("Mozilla/5.0", login_request.facts_of(session_over(transport, "Mozilla/5.0"), false).user_agent);
		end);
	end

	it("holds the address over tcp even if no proxy is vouched for", function ()
		assert.equal("198.51.100.7", login_request.facts_of(session_over("tcp"), false).ip);
	end);

	it("does not take a BOSH client for a direct one because it names no version", function ()
		local session = session_over("bosh");
		session.bosh_version = nil;
		assert.same({ transport = "bosh" }, login_request.facts_of(session, false));
	end);

	it("holds no user agent where none was sent, or an empty one", function ()
		assert.is_nil(user_agent_of(nil));
		assert.is_nil(user_agent_of(""));
	end);

	it("holds 256 bytes of the user agent and no more", function ()
		assert.equal(("x"):rep(256), user_agent_of(("x"):rep(256)));
		assert.equal(("x"):rep(256), user_agent_of(("x"):rep(257)));
	end);

	it("holds printable ASCII only, byte by byte", function ()
		assert.equal(" T??st ~??", user_agent_of(" T\195\164st ~\127\n"));
		assert.equal(("?"):rep(256), user_agent_of(("\195\164"):rep(200)));
	end);
end);

describe("A question", function ()
	local who = { request_id = "q-1", username = "ohg-kwtx", password = "secret", host = "meet.test", node = "a" };

	local function within(deadline, now)
		return login_request.new({ transport = "tcp" }, who, deadline, now).within;
	end

	it("gives the service half a second less than the module waits", function ()
		assert.equal(14.5, within(115, 100));
	end);

	it("gives whole milliseconds", function ()
		assert.equal(1.123, within(101.6239, 100));
	end);

	it("never gives less than nothing", function ()
		assert.equal(0, within(100.4, 100));
		assert.equal(0, within(90, 100));
	end);

	it("leaves out what is not known", function ()
		local question = login_request.new({ transport = "bosh" }, who, 115, 100);
		assert.is_nil(question.ip);
		assert.is_nil(question.user_agent);
	end);
end);
