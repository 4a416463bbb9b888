local findings = dofile("tests/lua/prosody_libraries.lua").own("check_findings");

describe("A finding", function ()
	it("is one line with its sign, its words and the remedy last, without a full stop to copy along", function ()
		assert.equal("[ok] All is well.", findings.line({ sign = "ok", words = "All is well." }));
		assert.equal("[error] Closed. Fix: open /door", findings.line({ sign = "error", words = "Closed.", fix = "open /door" }));
	end);
end);
