local libraries = dofile("tests/lua/prosody_libraries.lua");
local login_answer, login_name, login_request = libraries.own("authbridge/login_answer"), libraries.own("login_name"), libraries.own("login_request");
local revocations, token = libraries.own("authbridge/revocations"), libraries.own("token");

-- Both versions read and write JSON with code of their own.
for _, version in ipairs(libraries.versions) do
	local json = libraries.of_prosody(version, "util.json");
	local contract = libraries.read_contract(json);
	local asked = contract.question;
	local pseudonyms = libraries.new_pseudonyms(version);

	local function ask()
		return login_request.new(login_request.facts_of(asked.session, asked.vouched), asked.who, asked.deadline, asked.now);
	end

	describe("With the JSON of Prosody " .. version .. ", the module keeps to the contract:", function ()
		for _, case in ipairs(contract.names) do
			it("a typed name becomes a login name: " .. case.case, function ()
				assert.equal(case.canonical, login_name.canonical(case.typed, asked.who.host));
			end);
		end

		it("a synthetic login is known by its name, which is sent as it is", function ()
			assert.is_true(login_name.is_synthetic(contract.synthetic_name));
			assert.equal(contract.synthetic_name, login_name.canonical(contract.synthetic_name, asked.who.host));
			for _, name in ipairs({ "synthetic-kwtx", "ohg-kwtx", "x~synthetic-kwtx", "" }) do
				assert.is_false(login_name.is_synthetic(name));
			end
			assert.is_false(login_name.is_synthetic(nil));
		end);

		for verdict, condition in pairs(contract.verdicts) do
			if verdict ~= "granted" then
				it(verdict .. " is told to the client as " .. condition, function ()
					assert.equal(condition, login_answer.failure_of(verdict).condition);
				end);
			end
		end

		it("every failure is told in words too", function ()
			for verdict in pairs(contract.verdicts) do
				assert.is_string(login_answer.failure_of(verdict).text);
			end
		end);

		it("what is no verdict is an outage to the client", function ()
			assert.equal(contract.outage, login_answer.failure_of("welcome").condition);
			assert.equal(contract.outage, login_answer.failure_of(nil).condition);
		end);

		it("a question has exactly these fields with these values", function ()
			assert.same(asked.body, json.decode(json.encode(ask())));
		end);

		it("a question about a token has exactly these fields", function ()
			local who = { request_id = "q-1", token = "a.b.c", sessions = "none", host = "meet.test", node = "node-a" };
			local question = login_request.new(login_request.facts_of(asked.session, asked.vouched), who, asked.deadline, asked.now);
			local fields, expected = {}, {};
			for field in pairs(json.decode(json.encode(question))) do fields[field] = true; end
			for _, field in ipairs(contract.tokens.question_fields) do expected[field] = true; end
			assert.same(expected, fields);
		end);

		it("an answer about a token names the organiser, or with null nobody", function ()
			local request = { request_id = "q-1", token = "a.b.c" };
			local answer = { request_id = "q-1", verdict = "granted", username = "ohg-kwtx", school = "ohg", shared = true };
			local fields = " " .. table.concat(contract.tokens.answer_fields, " ") .. " ";
			for field in pairs(answer) do assert.is_truthy(fields:find(" " .. field .. " ", 1, true)); end
			local verdict, _, _, organiser = login_answer.read(200, json.encode(answer), request, json.decode);
			assert.same({ "granted", { username = "ohg-kwtx", school = "ohg", is_shared = true } }, { verdict, organiser });
			local nobody = '{"request_id":"q-1","username":null,"verdict":"%s","retry_after":null,"school":null,"shared":false}';
			assert.equal("refused", login_answer.read(200, nobody:format("refused"), request, json.decode));
			assert.equal("outage", select(2, login_answer.read(200, nobody:format("granted"), request, json.decode)));
		end);

		it("a token of the greatest length is asked about, a longer one is not", function ()
			for excess, is_one in pairs({ [0] = true, [1] = false }) do
				assert.equal(is_one, token.is_well_formed(("a"):rep(contract.tokens.longest - 4 + excess) .. ".b.c"));
			end
		end);

		it("pseudonyms are made alike", function ()
			local made, expected = {}, contract.pseudonyms;
			local theirs = libraries.new_pseudonyms(version, expected.api_token);
			assert.equal("meet.test", expected.host);
			for name in pairs(expected.of) do made[name] = theirs:of(name); end
			assert.same(expected.of, made);
		end);

		for _, case in ipairs(contract.answers) do
			it(("an answer with %s is read as %s"):format(case.case, case.verdict or case.fault), function ()
				local verdict, fault, detail = login_answer.read(case.code, json.encode(case.body), ask(), json.decode);
				assert.equal(case.verdict, verdict);
				assert.equal(case.fault, fault);
				assert.equal(case.fault ~= nil, detail ~= nil);
			end);
		end

		it("each verdict of the contract, and no other, is read as itself", function ()
			for verdict in pairs(contract.verdicts) do
				local body = { request_id = asked.who.request_id, username = asked.who.username, verdict = verdict };
				assert.equal(verdict, login_answer.read(200, json.encode(body), ask(), json.decode));
				body.verdict = verdict:upper();
				assert.is_nil(login_answer.read(200, json.encode(body), ask(), json.decode));
			end
		end);

		describe("of the feed,", function ()
			local wire = contract.revocations;

			-- A feed that has just asked with what the answer follows on.
			local function following(body)
				local feed = revocations.new(asked.who.node, 1, pseudonyms);
				if type(body.epoch) == "string" then feed.epoch, feed.cursor = body.epoch, 7; end
				return feed;
			end

			local allowed = {};
			for _, field in ipairs(wire.question_fields) do allowed[field] = true; end

			for _, case in ipairs(wire.questions) do
				it("a question has fields of the contract, and waits no longer than counts: " .. case.case, function ()
					local feed = revocations.new(case.body.node, 1, pseudonyms);
					if type(case.body.epoch) == "string" then feed.epoch, feed.cursor = case.body.epoch, case.body.cursor; end
					for _, report in ipairs(case.body.done or {}) do feed:report(report, report); end
					local report = { opened = case.body.opened, rules = case.body.rules };
					local question = json.decode(json.encode(feed:question(case.body.meetings, report, case.body.schools)));
					for field, value in pairs(question) do
						assert.is_true(allowed[field]);
						if field ~= "wait" then assert.same(case.body[field], value); end
					end
					assert.is_true(question.wait <= wire.longest_wait);
				end);
			end

			for _, case in ipairs(wire.answers) do
				it(("an answer with %s is read as %s"):format(case.case, case.kind or case.fault), function ()
					local call = { asked = case.body.at, answered = case.body.at };
					local answer, fault, detail = following(case.body):read(case.code, json.encode(case.body), json, call);
					assert.equal(case.kind ~= nil, answer ~= nil);
					assert.equal(case.fault ~= nil, fault ~= nil and detail ~= nil);
					if answer then
						assert.equal(case.kind == "snapshot", answer.is_snapshot);
						assert.equal(#case.body[case.kind], #answer.orders);
					end
				end);
			end

			it("each action of the contract, and no other, is understood", function ()
				for _, action in ipairs(wire.actions) do
					local body = { epoch = "e", cursor = 8, events = { { id = 8, username = "ohg-kwtx", action = action } } };
					assert.equal(action, following(body):read(200, json.encode(body), json).orders[1].action);
					body.events[1].action = action:upper();
					assert.is_nil(following(body):read(200, json.encode(body), json));
				end
			end);
		end);

		for _, body in ipairs({ "", "granted", "{", "[]", "null", "true", "\0", '{"verdict":"granted"' }) do
			it(("the body %q is an outage, never a verdict and never an error of ours"):format(body), function ()
				local verdict, fault = login_answer.read(200, body, ask(), json.decode);
				assert.is_nil(verdict);
				assert.equal("outage", fault);
			end);
		end
	end);
end
