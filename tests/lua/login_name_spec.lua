local libraries = dofile("tests/lua/prosody_libraries.lua");
local login_name = libraries.own("login_name");

local function trimmed(message)
	return login_name.trim_plain(message, "meet.test");
end

describe("A SASL PLAIN message", function ()
	local kept_apart = {
		{ "a name without blanks stays", "\0ohg-kwtx\0secret", "\0ohg-kwtx\0secret" };
		{ "blanks around the name go", "\0 ohg-kwtx\t \0secret", "\0ohg-kwtx\0secret" };
		{ "our own domain goes from the name", "\0ohg-kwtx@meet.test\0secret", "\0ohg-kwtx\0secret" };
		{ "another domain stays", "\0ohg-kwtx@other.test\0secret", "\0ohg-kwtx@other.test\0secret" };
		{ "blanks around the password stay", "\0ohg-kwtx\0 secret ", "\0ohg-kwtx\0 secret " };
		{ "a domain at the end of the password stays", "\0ohg-kwtx\0secret@meet.test", "\0ohg-kwtx\0secret@meet.test" };
		{ "zeros within the password stay", "\0ohg-kwtx \0sec\0ret\0", "\0ohg-kwtx\0sec\0ret\0" };
		{ "an empty password stays empty", "\0ohg-kwtx \0", "\0ohg-kwtx\0" };
		{ "bytes that are no UTF-8 stay", "\0ohg-kwtx \0\255\254", "\0ohg-kwtx\0\255\254" };
		{ "line breaks in the password stay", "\0ohg-kwtx \0a\r\nb", "\0ohg-kwtx\0a\r\nb" };
		{ "the authorisation identity stays, blanks and all", " ohg-kwtx@meet.test \0ohg-kwtx \0secret",
			" ohg-kwtx@meet.test \0ohg-kwtx\0secret" };
	};
	for _, case in ipairs(kept_apart) do
		it("is passed on so that " .. case[1], function ()
			assert.equal(case[3], trimmed(case[2]));
		end);
	end

	for _, message in ipairs({ "", "\0", "\0\0", "\0\0secret", "ohg-kwtx", " ohg-kwtx ", "\0 ohg-kwtx ", "ohg-kwtx \0secret" }) do
		it(("that is malformed passes unchanged, for Prosody to refuse: %q"):format(message), function ()
			assert.equal(message, trimmed(message));
		end);
	end

	it("whose name is nothing but blanks has an empty name then, which Prosody refuses", function ()
		assert.equal("\0\0secret", trimmed("\0 \226\128\139 \0secret"));
	end);

	it("with a name longer than any can be passes unchanged, and at once", function ()
		local message = "\0" .. (" "):rep(200 * 1024) .. "\0secret";
		local started = os.clock();
		assert.equal(message, trimmed(message));
		assert.is_true(os.clock() - started < 0.1);
	end);
end);
