-- feed_answer.lib.lua: reads an answer of the feed of revocations into orders.
-- Pure.  An answer that is not understood is discarded as a whole.
-- This file is MIT licensed; see LICENSE.

local max_epoch, max_name, max_code = 128, 1023, 64; -- bytes
local slack = 1; -- second; clocks that time servers set differ by less

local hints = {
	[400] = "the service did not understand the question";
	[401] = "the service refused the token of external_auth_token_file";
	[404] = "the service is older than this module and has no feed";
	[503] = "the service cannot reach its storage";
};
local faults = { [400] = "malformed", [404] = "older" };

local function is_list(value, null)
	if type(value) ~= "table" or value == null then return false; end
	local count = 0;
	for _ in pairs(value) do count = count + 1; end
	return count == #value;
end

local function is_name(value, longest)
	return type(value) == "string" and #value > 0 and #value <= longest;
end

local function whole(value)
	return type(value) == "number" and value >= 0 and math.tointeger(value) or nil;
end

-- Returns the seconds by which this Prosody's clock is ahead of the service's; 0 where they agree.  at: the moment of the answer
-- by the service's clock, nil from an older service; call: { asked, answered }, the moments of the call by ours.
local function lead_of(at, call)
	if not at or (at >= call.asked - slack and at <= call.answered + slack) then return 0; end
	return call.answered - at;
end

-- Returns the order of an entry of a snapshot, { username, action, before }, or nil.  lead: see lead_of.  Without it a login
-- from before "log out everywhere" would count as younger than that where our clock is ahead.
local function order_of_entry(entry, null, lead)
	if type(entry) ~= "table" or not is_name(entry.username, max_name) or type(entry.suspended) ~= "boolean" then return nil; end
	local before = entry.sessions_end_before;
	if before == null then before = nil; end
	if before ~= nil and type(before) ~= "number" then return nil; end
	if entry.suspended then return { username = entry.username, action = "suspend" }; end
	return { username = entry.username, action = "end_sessions", before = before and before + lead or 0 };
end

local actions = { suspend = true, reinstate = true, end_sessions = true };

-- Returns the order of an event, { id, username, action }, or nil; after: the id before it.
local function order_of_event(event, after)
	if type(event) ~= "table" or not is_name(event.username, max_name) then return nil; end
	local id = whole(event.id);
	if not id or id <= after or type(event.action) ~= "string" or not actions[event.action] then return nil; end
	return { id = id, username = event.username, action = event.action };
end

-- Returns the orders, or nil.
local function read_snapshot(answer, null, call)
	local list, at, orders = answer.snapshot, answer.at, {};
	if not is_list(list, null) or (at ~= nil and type(at) ~= "number") then return nil; end
	for i, entry in ipairs(list) do
		orders[i] = order_of_entry(entry, null, lead_of(at, call));
		if not orders[i] then return nil; end
	end
	return orders;
end

-- Returns the orders and the last id, or nil.
local function read_events(list, after, null)
	if not is_list(list, null) then return nil; end
	local orders = {};
	for i, event in ipairs(list) do
		orders[i] = order_of_event(event, after);
		if not orders[i] then return nil; end
		after = orders[i].id;
	end
	return orders, after;
end

-- Returns the codes of the schools as the answer tells them, { version, codes }, or nil where it does not.  An odd one is an
-- error.
local function read_schools(told, null)
	if told == nil or told == null then return nil; end
	assert(type(told) == "table" and is_name(told.version, max_epoch) and is_list(told.codes, null));
	for _, code in ipairs(told.codes) do assert(is_name(code, max_code)); end
	return { version = told.version, codes = told.codes };
end

-- Reads an answer as a whole or not at all: half an answer would move the cursor past orders that nobody carries out.
local function read_body(answer, null, asked, call)
	if type(answer) ~= "table" or not is_name(answer.epoch, max_epoch) then return nil; end
	local cursor = whole(answer.cursor);
	if not cursor or (answer.events == nil) == (answer.snapshot == nil) then return nil; end
	local orders, last;
	if answer.snapshot ~= nil then
		orders = read_snapshot(answer, null, call);
	elseif answer.epoch == asked.epoch then
		orders, last = read_events(answer.events, asked.cursor, null);
	end
	local is_read, schools = pcall(read_schools, answer.schools, null);
	if not orders or not is_read or cursor < (last or 0) then return nil; end
	return { epoch = answer.epoch, cursor = cursor, orders = orders, is_snapshot = answer.snapshot ~= nil, schools = schools };
end

-- code: HTTP status, 0 for a transport error (body is then its reason); question: { epoch, cursor }; call: { asked, answered },
-- its moments in seconds since 1970.
-- Returns { epoch, cursor, orders, is_snapshot, schools }, or nil, fault, detail; fault is one of "outage" "older" "malformed".
local function read(code, body, json, question, call)
	if code == 0 then
		return nil, "outage", body == "timeout" and "no answer in time" or tostring(body);
	elseif code ~= 200 then
		return nil, faults[code] or "outage", hints[code] or ("HTTP status %d"):format(code);
	end
	local is_json, decoded = pcall(json.decode, body);
	local answer = is_json and read_body(decoded, json.null, question, call);
	if not answer then return nil, "malformed", "the answer is not one of the feed"; end
	return answer;
end

return { read = read };
