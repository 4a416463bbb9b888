local trees = dofile("tests/lua/trees.lua");
local answers, names, questions = trees.lib("answers"), trees.lib("names"), trees.lib("questions");

-- Both versions read and write JSON with code of their own.
for _, version in ipairs(trees.versions) do
	local json = trees.library(version, "util.json");
	local contract = trees.read_contract(json);
	local asked = contract.question;

	local function ask()
		return questions.new(questions.facts_of(asked.session, asked.vouched), asked.who, asked.deadline, asked.now);
	end

	describe("With the JSON of Prosody " .. version .. ", the module keeps to the contract:", function ()
		for _, case in ipairs(contract.names) do
			it("a typed name becomes a login name: " .. case.case, function ()
				assert.equal(case.canonical, names.canonical(case.typed, asked.who.host));
			end);
		end

		for verdict, condition in pairs(contract.verdicts) do
			if verdict ~= "granted" then
				it(verdict .. " is told to the client as " .. condition, function ()
					assert.equal(condition, answers.failure_of(verdict).condition);
				end);
			end
		end

		it("every failure is told in words too", function ()
			for verdict in pairs(contract.verdicts) do
				assert.is_string(answers.failure_of(verdict).text);
			end
		end);

		it("what is no verdict is an outage to the client", function ()
			assert.equal(contract.outage, answers.failure_of("welcome").condition);
			assert.equal(contract.outage, answers.failure_of(nil).condition);
		end);

		it("a question has exactly these fields with these values", function ()
			assert.same(asked.body, json.decode(json.encode(ask())));
		end);

		for _, case in ipairs(contract.answers) do
			it(("an answer with %s is read as %s"):format(case.case, case.verdict or case.fault), function ()
				local verdict, fault, detail = answers.read(case.code, json.encode(case.body), ask(), json.decode);
				assert.equal(case.verdict, verdict);
				assert.equal(case.fault, fault);
				assert.equal(case.fault ~= nil, detail ~= nil);
			end);
		end

		it("each verdict of the contract, and no other, is read as itself", function ()
			for verdict in pairs(contract.verdicts) do
				local body = { request_id = asked.who.request_id, username = asked.who.username, verdict = verdict };
				assert.equal(verdict, answers.read(200, json.encode(body), ask(), json.decode));
				body.verdict = verdict:upper();
				assert.is_nil(answers.read(200, json.encode(body), ask(), json.decode));
			end
		end);

		for _, body in ipairs({ "", "granted", "{", "[]", "null", "true", "\0", '{"verdict":"granted"' }) do
			it(("the body %q is an outage, never a verdict and never an error of ours"):format(body), function ()
				local verdict, fault = answers.read(200, body, ask(), json.decode);
				assert.is_nil(verdict);
				assert.equal("outage", fault);
			end);
		end
	end);
end
