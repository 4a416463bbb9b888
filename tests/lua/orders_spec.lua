local libraries = dofile("tests/lua/prosody_libraries.lua");
local small_prosody = dofile("tests/lua/small_prosody.lua");

local first, second, colleague = "anna@meet.test/1", "anna@meet.test/2", "bert@meet.test/1";

for _, version in ipairs(libraries.versions) do
	describe("With the libraries of Prosody " .. version .. ", an order", function ()
		local world, orders, sessions;

		before_each(function ()
			world = small_prosody.new(version);
			function world.on_room() end
			function world.on_gone() end
			world.start();
			orders, sessions = world.new_orders(), {};
			orders:attach();
			local accounts = {};
			world.prosody.hosts[small_prosody.own].sessions = accounts;
			for _, client in ipairs({ first, second, colleague }) do
				world.advance(10);
				local name = world.jid.node(client);
				sessions[client] = world.connect(client);
				accounts[name] = accounts[name] or { sessions = {} };
				accounts[name].sessions[world.jid.resource(client)] = sessions[client];
			end
		end);

		local function closed()
			local list = {};
			for _, client in ipairs({ first, second, colleague }) do
				if sessions[client].destroyed then table.insert(list, client); end
			end
			return list;
		end

		it("to suspend closes all sessions of that organiser, and no others", function ()
			assert.equal(2, orders:execute({ username = "anna", action = "suspend" }).sessions);
			assert.same({ first, second }, closed());
		end);

		it("to suspend closes the sessions that came by a token too, which have the pseudonym in their address", function ()
			local client = world.pseudonyms:of("anna") .. "@meet.test/3";
			local session = world.connect(client);
			world.prosody.hosts[small_prosody.own].sessions[world.jid.node(client)] = { sessions = { ["3"] = session } };
			assert.equal(3, orders:execute({ username = "anna", action = "suspend" }).sessions);
			assert.is_true(session.destroyed);
		end);

		it("to end sessions closes those that began before, and those of unknown age", function ()
			assert.equal(1, orders:execute({ username = "anna", action = "end_sessions", before = 1015 }).sessions);
			assert.same({ first }, closed());
			sessions[second].auth_external_login = nil;
			orders:execute({ username = "anna", action = "end_sessions", before = 1015 });
			assert.same({ first, second }, closed());
		end);

		it("to reinstate closes none", function ()
			assert.same({ meetings = 0, logins = 0, waiting = 0, sessions = 0 }, orders:execute({ username = "anna", action = "reinstate" }));
			assert.same({}, closed());
		end);

		it("closes a session that is authenticated and not bound yet, and counts it once", function ()
			local unbound = { type = "c2s_unbound", close = function (self) self.destroyed = true; end };
			world.feed:login_began("anna", unbound, 1000).ended = true;
			assert.equal(3, orders:execute({ username = "anna", action = "suspend" }).sessions);
			assert.equal(0, orders:execute({ username = "anna", action = "suspend" }).sessions);
		end);

		it("closes the other sessions although one cannot be closed, or the meetings cannot be ended", function ()
			local errors = 0;
			function world.on_error() errors = errors + 1; end
			function world.guard.carry_out() error("it broke"); end
			function sessions.close() error("it broke"); end
			sessions[first].close = sessions.close;
			local counts = orders:execute({ username = "anna", action = "suspend" });
			assert.same({ 1, 0, 4 }, { counts.sessions, counts.meetings, errors });
			assert.same({ second }, closed());
		end);

		describe("keeps a session from being bound", function ()
			local function bind(name)
				local event = { session = { username = name } };
				return world.fire(small_prosody.own, "pre-resource-bind", event), event.error;
			end

			local refusal = { type = "auth", condition = "not-authorized" };

			it("whose organiser is suspended", function ()
				world.feed:suspend("anna");
				assert.same({ false, refusal }, { bind("anna") });
				assert.is_nil(bind("bert"));
			end);

			it("by a token whose organiser is suspended, or of a synthetic login", function ()
				world.feed:suspend("anna");
				for name, is_refused in pairs({ anna = true, bert = false, ["~synthetic-kwtxbdfgkwtxbdfg"] = true }) do
					local login = world.feed:login_began(nil, {}, 1000);
					world.feed:login_named(login, { username = name });
					world.feed:login_over(login);
					local session = { username = world.pseudonyms:of(name), auth_external_login = login };
					assert.equal(is_refused, world.fire(small_prosody.own, "pre-resource-bind", { session = session }) == false);
				end
			end);

			it("of a synthetic login, which is over once it is let in", function ()
				assert.same({ false, refusal }, { bind("~synthetic-kwtxbdfgkwtxbdfg") });
			end);

			it("also where that cannot be told", function ()
				local errors = 0;
				function world.on_error() errors = errors + 1; end
				function world.feed.may_bind() error("it broke"); end
				assert.same({ false, refusal }, { bind("anna") });
				assert.equal(1, errors);
			end);
		end);

		it("forgets a login that is bound", function ()
			local login = world.feed:login_began("anna", sessions[first], 1000);
			world.fire(small_prosody.own, "resource-bind", { session = { auth_external_login = login } });
			login.ended = true;
			assert.same({}, world.feed:ended_logins("anna"));
		end);
	end);
end
