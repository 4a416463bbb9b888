-- reused_connections.lua VERSION: puts questions through kept_connections.lib.lua to a server that answers as a story
-- says; prints one line each: story, what became of the questions, number of connections.  A program of its own, for
-- kept_connections_spec.lua.

local free_port = dofile("tests/lua/prosody_program.lua");

local async = require "util.async";
local json = require "util.json";
local server = require "net.server";
local timer = require "util.timer";
local kept_connections = dofile("prosody_mod/mod_auth_external/kept_connections.lib.lua");
local login_answer = dofile("prosody_mod/authbridge/login_answer.lib.lua");

-- A server that calls behave(connection, question, n): the n-th question that it has heard.
local function serve(behave)
	local world = { port = free_port(), connections = 0, ended = 0, heard = 0 };
	local listener = {};
	function listener.onconnect() world.connections = world.connections + 1; end
	function listener.ondisconnect() world.ended = world.ended + 1; end
	function listener.onincoming(conn, data)
		for body in data:gmatch("\r\n\r\n(%b{})") do
			world.heard = world.heard + 1;
			behave(conn, json.decode(body), world.heard);
		end
	end
	assert(server.addserver("127.0.0.1", world.port, listener, "*a"));
	world.client = kept_connections.new("http://127.0.0.1:" .. world.port, "token");
	return world;
end

local function answer(question, extra)
	local body = json.encode({ request_id = question.request_id, username = question.username, verdict = question.password });
	return ("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s"):format(extra or "", #body, body);
end

local function pause(seconds)
	local wait, done = async.waiter();
	timer.add_task(seconds, done);
	wait();
end

local asked = 0;

-- Asks one question whose answer should be that verdict.  Returns the verdict, or the reason why there is none.
local function ask(world, verdict, seconds)
	asked = asked + 1;
	local question = { request_id = "id-" .. asked, username = "ohg-kwtx", password = verdict };
	local body, code = world.client:post("/v1/authenticate", json.encode(question), question.request_id, seconds or 2, {});
	local told, _, detail = login_answer.read(code, body, question, json.decode);
	return told or detail;
end

local function proper(conn, question) conn:write(answer(question)); end

-- Answers the first question otherwise than the others.
local function first(otherwise)
	return function (conn, question, n)
		if n == 1 then return otherwise(conn, question); end
		proper(conn, question);
	end
end

-- story, the server's behaviour, seconds between the two questions, seconds for the first
local stories = {
	{ "answers", proper };
	{ "answers in pieces", function (conn, question)
		local text = answer(question);
		for i = 1, #text do timer.add_task(i / 1000, function () conn:write(text:sub(i, i)); end); end
	end };
	{ "takes its time", function (conn, question) timer.add_task(0.3, function () proper(conn, question); end); end };
	{ "answers too late", first(function (conn, question) timer.add_task(0.4, function () proper(conn, question); end); end), 0.2, 0.3 };
	{ "answers twice at once", first(function (conn, question) conn:write(answer(question) .. answer(question)); end) };
	{ "answers twice", first(function (conn, question)
		proper(conn, question);
		timer.add_task(0.05, function () proper(conn, question); end);
	end), 0.2 };
	{ "answers twice, the second with the next", function (conn, question, n)
		conn:write(answer(question) .. (n == 1 and answer(question):sub(1, 20) or ""));
	end };
	{ "answers another question", first(function (conn, question)
		conn:write(answer({ request_id = "id-other", username = question.username, password = question.password }));
	end) };
	{ "says that it will close", first(function (conn, question) conn:write(answer(question, "Connection: close\r\n")); end) };
	{ "closes after the answer", first(function (conn, question)
		proper(conn, question);
		timer.add_task(0.05, function () conn:close(); end);
	end), 0.2 };
	{ "closes at the second question", function (conn, question, n)
		if n == 2 then return conn:close(); end
		proper(conn, question);
	end };
	{ "cuts the second answer", function (conn, question, n)
		if n ~= 2 then return proper(conn, question); end
		conn:write(answer(question):sub(1, -5));
		conn:close();
	end };
	{ "has an error", first(function (conn) conn:write("HTTP/1.1 503 Oops\r\nContent-Length: 2\r\n\r\n{}"); end) };
};

local function tell(story, world, ...)
	print(table.concat({ story, table.concat({ ... }, " | "), world.connections }, "\t"));
end

-- All at once: each has a connection, and no more than some are kept, for no longer than a second.
local function ask_many()
	local world = serve(function (conn, question) timer.add_task(0.2, function () proper(conn, question); end); end);
	local left, wait, done = 40, async.waiter();
	for i = 1, 40 do
		async.runner(function ()
			assert(ask(world, i % 2 == 0 and "granted" or "refused") == (i % 2 == 0 and "granted" or "refused"));
			left = left - 1;
			if left == 0 then done(); end
		end):run(true);
	end
	wait();
	pause(0.05);
	tell("forty at once", world, world.ended);
	pause(1.2);
	pause(0.1); -- on a machine that stood still both moments come at once, and the server has yet to hear of the first
	tell("nobody for a second", world, world.ended);
end

-- Ten thousand questions to a server that does all of that by chance.
local function ask_long()
	math.randomseed(7);
	local held; -- an answer that goes to another connection
	local function by_chance(conn, question)
		local chance = math.random(20);
		if chance == 1 then
			conn:close();
		elseif chance == 2 then
			conn:write(answer(question):sub(1, math.random(100)));
			conn:close();
		elseif chance == 3 then
			conn:write(answer(question) .. answer(question));
		elseif chance == 4 then
			timer.add_task(0.03, function () proper(conn, question); end);
		elseif chance == 5 then
			conn:write(held or "");
			held = answer(question);
		elseif chance == 6 then
			local text = answer(question);
			conn:write(text:sub(1, 30));
			timer.add_task(0.005, function () conn:write(text:sub(31)); end);
		elseif chance ~= 7 then
			proper(conn, question);
		end
	end
	local world = serve(by_chance);
	local wrong, right, left, wait, done = 0, 0, 16, async.waiter();
	local words = { "granted", "refused", "suspended", "expired" };
	for _ = 1, 16 do
		async.runner(function ()
			for _ = 1, 625 do
				local verdict = words[math.random(4)];
				local told = ask(world, verdict, 0.02);
				if told == verdict then right = right + 1; end
				for _, word in ipairs(words) do
					if told == word and word ~= verdict then wrong = wrong + 1; end
				end
			end
			left = left - 1;
			if left == 0 then done(); end
		end):run(true);
	end
	wait();
	tell("ten thousand by chance", world, ("%d wrong"):format(wrong), right > 1000 and "many answered" or right);
end

local runner = async.runner(function ()
	for _, case in ipairs(stories) do
		local story, behave, gap, seconds = table.unpack(case, 1, 4);
		local world = serve(behave);
		local one = ask(world, "granted", seconds);
		if gap then pause(gap); end
		tell(story, world, one, ask(world, "refused"), ask(world, "suspended"));
	end
	ask_many();
	ask_long();
	os.exit(0, true);
end, { error = function (_, err) io.stderr:write(tostring(err), "\n"); os.exit(1); end });

timer.add_task(0, function () runner:run(true); end);
server.loop();
