local libraries = dofile("tests/lua/prosody_libraries.lua");

describe("A hook of ours", function ()
	local hooked, errors, hooks;
	local context = {};

	local function note(_, event, handler, priority) hooked[event] = { handler = handler, priority = priority }; end
	function context.hook(...) note(...); end

	before_each(function ()
		hooked, errors = {}, 0;
		hooks = libraries.own("authbridge/hooks", {
			log = function () errors = errors + 1; end;
			hook_global = note, hook_object_event = function (...) note(nil, select(3, ...)); end;
		});
	end);

	local function fail() error("it broke"); end

	it("is before those of all others, or after them", function ()
		hooks.before_all(context, "a", fail);
		hooks.before_all_globally("b", fail);
		hooks.before_all_at({}, "c", fail);
		hooks.after_all_globally("d", fail);
		assert.same({ 101, 101, 101, -101 }, { hooked.a.priority, hooked.b.priority, hooked.c.priority, hooked.d.priority });
	end);

	for _, result in ipairs({ true, false, "text" }) do
		it(("returns what its handler returns: %s"):format(result), function ()
			hooks.before_all(context, "a", function (event) return event and result; end);
			assert.equal(result, hooked.a.handler({}));
		end);
	end

	it("that fails leaves the event to the next handler", function ()
		hooks.before_all(context, "a", fail);
		assert.is_nil(hooked.a.handler({}));
		assert.equal(1, errors);
	end);

	it("that fails and keeps somebody out keeps them out", function ()
		hooks.before_all(context, "a", fail, function (event) return event.answer; end);
		assert.is_false(hooked.a.handler({ answer = false }));
		hooks.before_all(context, "b", fail, hooks.stop);
		assert.is_true(hooked.b.handler({}));
	end);
end);
