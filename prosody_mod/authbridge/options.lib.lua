-- options.lib.lua: reads this module's options once, and says in a sentence what is wrong with one.
-- Pure but for read_file, which is handed in.
-- This file is MIT licensed; see LICENSE.

local min_timeout, max_timeout, default_timeout = 1, 60, 15; -- seconds
local min_token = 32; -- characters
local max_node = 64; -- characters

local switches = {
	vouched = "external_auth_proxy_overwrites_address", page_words = "external_auth_page_words", page = "external_auth_page";
};

local function read_file(path)
	local file, err = io.open(path, "r");
	if not file then return nil, err; end
	local content, read_err = file:read("*a"); -- a folder can be opened, but not read
	file:close();
	return content, read_err;
end

local function fault(name, words)
	return nil, ("Option %s %s."):format(name, words);
end

local function read_urls(value)
	local urls = type(value) == "string" and { value } or value;
	if type(urls) ~= "table" or #urls == 0 then
		return fault("external_auth_url", 'is missing, for example "http://127.0.0.1:8701"');
	end
	local addresses = {};
	for i, url in ipairs(urls) do
		-- A host name without TLS would be resolved for each login, and the token would go wherever it leads.
		if type(url) ~= "string" or not (url:match("^http://127%.0%.0%.1:%d+/?$") or url:match("^https://[^/@]+/?$")) then
			return fault("external_auth_url", "must be http://127.0.0.1:PORT, or https:// for a service on another machine");
		end
		addresses[i] = (url:gsub("/$", ""));
	end
	return addresses;
end

local function read_token(path, reader)
	if type(path) ~= "string" then
		return fault("external_auth_token_file", "is missing: the file that AUTHBRIDGE_API_TOKEN_FILE names");
	end
	local content, err = reader(path);
	if not content then return fault("external_auth_token_file", "names a file that Prosody cannot read: " .. err); end
	local token = content:match("^%s*(%S+)%s*$");
	if not token or #token < min_token then
		return fault("external_auth_token_file", ("must hold one word of at least %d characters"):format(min_token));
	end
	return token;
end

local function read_timeout(value)
	local seconds = value == nil and default_timeout or tonumber(value);
	if not (seconds and seconds >= min_timeout and seconds <= max_timeout) then
		return fault("external_auth_timeout", ("must be %d to %d seconds"):format(min_timeout, max_timeout));
	end
	return seconds;
end

local function read_switch(name, value)
	if value ~= nil and type(value) ~= "boolean" then return fault(name, "must be true or false"); end
	return value or false;
end

-- Two Prosodys on machines of the same name need the option, and one in a container, whose name is made up at each start.
local function read_node(value)
	if value == nil then return nil; end
	if type(value) ~= "string" or not value:match("^[%w%._-]+$") or #value > max_node then
		return fault("external_auth_node", ("must be at most %d letters, digits and . _ -"):format(max_node));
	end
	return value;
end

-- get(name) -> raw value; reader(path) -> content, or nil and the reason.
-- Returns { urls, token, timeout, vouched, page_words, page, node }, or nil and a sentence.
local function read(get, reader)
	local settings, err = {};
	settings.urls, err = read_urls(get("external_auth_url"));
	if err then return nil, err; end
	settings.token, err = read_token(get("external_auth_token_file"), reader);
	if err then return nil, err; end
	settings.timeout, err = read_timeout(get("external_auth_timeout"));
	if err then return nil, err; end
	for field, name in pairs(switches) do
		settings[field], err = read_switch(name, get(name));
		if err then return nil, err; end
	end
	settings.node, err = read_node(get("external_auth_node"));
	if err then return nil, err; end
	return settings;
end

return { read = read, read_file = read_file };
