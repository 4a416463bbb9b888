-- check_findings.lib.lua: makes and prints the findings of `prosodyctl mod_auth_external check`.
-- Pure.  A finding is { sign, words, fix }, its sign one of "ok" "note" "warning" "error".  An error keeps organisers out,
-- lets clients forge their address, or leaves open what was asked; nothing else does.
-- This file is MIT licensed; see LICENSE.

local function ok(words, ...) return { sign = "ok", words = words:format(...) }; end

local function finding(sign)
	return function (fix, words, ...) return { sign = sign, words = words:format(...), fix = fix }; end;
end

-- Adds the findings `more` to the list `found`.
local function append(found, more)
	for _, each in ipairs(more) do table.insert(found, each); end
end

-- Returns what others send, short, and so that it cannot move the cursor of a terminal.
local function printable(text)
	return (tostring(text):sub(1, 200):gsub("[^\32-\126]", "?"));
end

local function holds_error(findings)
	for _, each in ipairs(findings) do
		if each.sign == "error" then return true; end
	end
	return false;
end

local function line(each)
	return ("[%s] %s%s"):format(each.sign, each.words, each.fix and (" Fix: " .. each.fix) or "");
end

return {
	ok = ok, note = finding("note"), warning = finding("warning"), failure = finding("error"), printable = printable;
	append = append, holds_error = holds_error, line = line;
};
