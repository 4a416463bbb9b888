local libraries = dofile("tests/lua/prosody_libraries.lua");

for _, version in ipairs(libraries.versions) do
	describe("With the libraries of Prosody " .. version .. ", a refusal on Jitsi's page", function ()
		local page_refusal, session, sent, closed;

		setup(function ()
			local st = libraries.of_prosody(version, "util.stanza");
			local environment = setmetatable({ require = function () return st; end }, { __index = _G });
			page_refusal = assert(loadfile("prosody_mod/mod_auth_external/page_refusal.lib.lua", "t", environment))();
		end);

		before_each(function ()
			sent, closed = {}, nil;
			session = { websocket_request = { url = { query = "room=probe" } } };
			function session.send(stanza) table.insert(sent, stanza); end
			function session:close(reason) closed = { reason = reason, restored = self.send }; end
		end);

		local conditions = {
			suspended = "policy-violation", expired = "not-authorized", locked = "resource-constraint", unavailable = "remote-connection-failed";
		};
		for verdict, condition in pairs(conditions) do
			it(verdict .. " ends the stream, and no SASL failure is sent", function ()
				local before = session.send;
				page_refusal.replace_failure(session, verdict, "Why.");
				session.send("<failure/>");
				assert.same({}, sent);
				assert.equal(before, closed.restored);
				local reason = closed.reason;
				assert.equal("http://etherx.jabber.org/streams", reason.attr["xmlns:stream"]);
				assert.is_truthy(reason:get_child(condition, "urn:ietf:params:xml:ns:xmpp-streams"));
				assert.equal("Why.", reason:get_child_text("text", "urn:ietf:params:xml:ns:xmpp-streams"));
			end);
		end

		local others = {
			["a wrong password"] = { "refused" };
			["TCP"] = { "suspended", function () session.websocket_request = nil; end };
			["a client that names no room"] = { "suspended", function () session.websocket_request.url.query = nil; end };
			["one that names something like a room"] = { "suspended", function () session.websocket_request.url.query = "a=1&mushroom=x"; end };
			["a request without a parsed address"] = { "suspended", function () session.websocket_request.url = nil; end };
			["a client that left meanwhile"] = { "suspended", function () session.destroyed = true; end };
		};
		for words, case in pairs(others) do
			it(words .. " keeps the SASL failure", function ()
				if case[2] then case[2](); end
				page_refusal.replace_failure(session, case[1], "Why.");
				session.send("<failure/>");
				assert.same({ "<failure/>" }, sent);
				assert.is_nil(closed);
			end);
		end
	end);
end
