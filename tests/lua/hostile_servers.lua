-- hostile_servers.lua VERSION CLIENT: asks servers that misbehave through http_call.lib.lua (and so Prosody's own
-- net.http) or kept_connections.lib.lua; prints one line each: case, code, reason.  A program of its own, for
-- transport_spec.lua.

local free_port = dofile("tests/lua/prosody_program.lua");

local async = require "util.async";
local server = require "net.server";
local timer = require "util.timer";

local clients = {
	http_call = function (send, url)
		return send(url .. "/", { method = "POST", body = "{}", suppress_url = true }, 1.2);
	end;
	kept_connections = function (new, url)
		return new(url, "token"):post("/", "{}", "id", 1.2, {});
	end;
};
local entrance = { http_call = "send", kept_connections = "new" };
local folder = { http_call = "authbridge", kept_connections = "mod_auth_external" };
local library = dofile(("prosody_mod/%s/%s.lib.lua"):format(folder[arg[2]], arg[2]));

local head = "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s";

local function says(text)
	return function (conn) conn:write(text); end;
end

local function says_and_ends(text)
	return function (conn) conn:write(text); conn:close(); end;
end

local function resets(conn)
	conn:setoption("linger", { on = true, timeout = 0 });
	conn:close();
end

-- case, what the server does once it has read the question
local servers = {
	{ "an answer", says(head:format(2, "{}")) },
	{ "closed without an answer", function (conn) conn:close(); end };
	{ "reset without an answer", resets };
	{ "reset amid the body", function (conn)
		conn:write(head:format(20, "{"));
		timer.add_task(0.05, function () resets(conn); end);
	end };
	{ "closed amid the head", says_and_ends("HTTP/1.1 200 OK\r\nContent-Le") };
	{ "closed between head and body", says_and_ends(head:format(20, "")) };
	{ "closed amid the body", says_and_ends(head:format(20, "{")) };
	{ "rubbish instead of HTTP", says("SSH-2.0-OpenSSH_9.2\r\n\r\n") };
	{ "a head that is none", says("HTTP/1.1 200 OK\r\nrubbish\r\n\r\n") };
	{ "a head that is too long", says("HTTP/1.1 200 OK\r\nLong: " .. ("x"):rep(60000) .. "\r\n\r\n") };
	{ "an answer that is too long", says(head:format(20000, ("x"):rep(20000))) };
	{ "an answer that will be too long", says(head:format(20000, "x")) };
	{ "an answer in too many chunks", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" .. ("1\r\nx\r\n"):rep(20000)) };
	{ "no answer at all", function () end };
};
if arg[2] == "http_call" then
	table.insert(servers, { "an answer while Prosody stands still", function (conn)
		conn:write(head:format(2, "{}"));
		os.execute("sleep 1.3");
	end });
end

local function ask(case, url)
	local body, code = clients[arg[2]](library[entrance[arg[2]]], url);
	print(("%s\t%d\t%s"):format(case, code, body));
end

local runner = async.runner(function ()
	for _, server_case in ipairs(servers) do
		local port = free_port();
		assert(server.addserver("127.0.0.1", port, { onincoming = server_case[2] }, "*a"));
		ask(server_case[1], ("http://127.0.0.1:%d"):format(port));
	end
	ask("connection refused", ("http://127.0.0.1:%d"):format(free_port()));
	os.exit(0, true);
end, { error = function (_, err) io.stderr:write(tostring(err), "\n"); os.exit(1); end });

timer.add_task(0, function () runner:run(true); end);
server.loop();
