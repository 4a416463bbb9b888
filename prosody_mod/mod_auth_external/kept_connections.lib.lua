-- kept_connections.lib.lua: sends questions to the service on this machine over connections that stay open.
-- A connection of its own for each question was nearly half of what a login costs above one that nobody checks.  Needs an
-- async context (util.async).
-- This file is MIT licensed; see LICENSE.
--
-- A late answer on an open connection would be the next question's, and one person's "granted" would let in another.  So
-- a connection carries one question at a time, and the next only after an answer that came in time, is complete, is
-- followed by nothing, and names the id of its question.  Every other connection is closed, never used again.

local async = require "util.async";
local server = require "net.server";
local monotonic = require "util.time".monotonic;
local timer = require "util.timer";

local max_answer = 8 * 1024; -- bytes
local max_idle = 32; -- connections
local idle_time = 1; -- seconds; a service that stops waits for open connections, and gunicorn closes them after 2

local methods = {};
methods.__index = methods;

-- url: http://127.0.0.1:PORT; token: of every question.
local function new(url, token)
	local host, port = url:match("^http://(127%.0%.0%.1):(%d+)$");
	return setmetatable({
		host = host, port = tonumber(port);
		head = (" HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer "):format(host, port) .. token
			.. "\r\nContent-Type: application/json\r\nConnection: keep-alive\r\nContent-Length: ";
		idle = {}; -- list of connections, the last one used last
	}, methods);
end

-- Reads what has come of an answer.  Returns status, body, is_kept; nothing while more must come; or nil, reason.
local function read_answer(data)
	local _, head_end = data:find("\r\n\r\n", 1, true);
	if not head_end then
		if #data > max_answer then return nil, "no end of the answer's head"; end
		return;
	end
	local status = data:match("^HTTP/1%.1 (%d%d%d)[ \r]");
	local head = data:sub(1, head_end):lower();
	local length = tonumber(head:match("\r\ncontent%-length: *(%d+) *\r\n"));
	if not (status and length) then return nil, "the answer is not HTTP/1.1, or has no length"; end
	if length > max_answer then return nil, "the answer is too long"; end
	if #data < head_end + length then return; end
	local is_kept = #data == head_end + length and not head:find("\r\nconnection: *close");
	return tonumber(status), data:sub(head_end + 1, head_end + length), is_kept;
end

-- connection: { conn, client, exchange = that under way or nil, received, is_used = whether it carried an answer before }.
local connections = {}; -- Prosody's object of a connection -> ours
local listener = { default_mode = "*a" };

local function forget(connection)
	connections[connection.conn] = nil;
	connection.exchange = nil;
	for i, other in ipairs(connection.client.idle) do
		if other == connection then return table.remove(connection.client.idle, i); end
	end
end

local function close(connection)
	forget(connection);
	connection.conn:close();
end

local function send(connection, exchange)
	connection.exchange, exchange.connection, connection.received = exchange, connection, "";
	connection.conn:write(exchange.text);
end

function listener.onconnect(conn)
	local connection = connections[conn];
	if connection then send(connection, connection.exchange); end
end

function listener.onincoming(conn, data)
	local connection = connections[conn];
	if not connection then return; end
	local exchange = connection.exchange;
	if not exchange then return close(connection); end
	connection.received = connection.received .. data;
	local status, body, is_kept = read_answer(connection.received);
	if status then
		connection.client:answered(connection, status, body, is_kept);
	elseif body then
		close(connection);
		exchange.finish(body, 0);
	end
end

function listener.ondisconnect(conn, err)
	local connection = connections[conn];
	if not connection then return; end
	local exchange, is_idle_end = connection.exchange, connection.is_used and connection.received == "";
	forget(connection);
	if not exchange then return; end
	if is_idle_end then -- the service has closed it while the question was on its way: that says nothing about now
		return connection.client:connect(exchange);
	end
	exchange.finish(connection.received == "" and (err or "closed") or "unexpected-eof", 0);
end

function methods:answered(connection, status, body, is_kept)
	local exchange = connection.exchange;
	connection.exchange, connection.is_used = nil, true;
	if is_kept and body:find(exchange.id, 1, true) and #self.idle < max_idle then
		self:keep(connection);
	else
		close(connection);
	end
	exchange.finish(body, status);
end

function methods:keep(connection)
	connection.idle_since = monotonic();
	table.insert(self.idle, connection);
	if not self.is_tidied then
		self.is_tidied = true;
		timer.add_task(idle_time, function () return self:tidy(); end);
	end
end

-- Closes those that nobody has used for a while; the longest unused ones come first.
function methods:tidy()
	local now = monotonic();
	while self.idle[1] and now - self.idle[1].idle_since >= idle_time do close(self.idle[1]); end
	self.is_tidied = self.idle[1] ~= nil;
	return self.is_tidied and self.idle[1].idle_since + idle_time - now or nil;
end

function methods:connect(exchange)
	local conn, err = server.addclient(self.host, self.port, listener, "*a", nil, "tcp4");
	if not conn then return exchange.finish(err or "connection failed", 0); end
	local connection = { conn = conn, client = self, exchange = exchange, received = "", is_used = false };
	connections[conn], exchange.connection = connection, connection;
end

-- path: of the service; question: text in JSON; id: a part of it that the answer repeats; call: is given a function abandon(reason) with which
-- the caller ends the wait early.
-- Returns body, status; without an answer its reason and 0; the reason is "timeout" if `seconds` were over.
function methods:post(path, question, id, seconds, call)
	local wait, done = async.waiter();
	local body, status, watch;
	local exchange = { id = id, text = "POST " .. path .. self.head .. #question .. "\r\n\r\n" .. question };
	function exchange.finish(...)
		if status then return; end
		body, status = ...;
		timer.stop(watch);
		done();
	end
	function call.abandon(reason)
		if status then return; end
		if exchange.connection then close(exchange.connection); end
		exchange.finish(reason, 0);
	end
	watch = timer.add_task(seconds, function () call.abandon("timeout"); end);
	local connection = table.remove(self.idle);
	if connection then send(connection, exchange); else self:connect(exchange); end
	wait();
	return body, status;
end

return { new = new };
