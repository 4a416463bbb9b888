"""Tables as Prosody writes them, and what is none: read whole or refused, never run."""

import pytest

from authbridge.errors import InputError
from authbridge.prosody_files.lua_table import read_table

OF_0_9 = b'return {\n\t["password"] = "Gr\xc3\xbc\xc3\x9fe \\"\\\\ \\n\\000";\n};\n'
OF_13 = (
    b'return {\n\t["iteration_count"] = 10000;\n\t["disabled"] = true;\n\t["salt"] = "Gr\\195\\188n";\n'
    b'\t["disabled_meta"] = {\n\t\t["comment"] = nil;\n\t\t"first";\n\t};\n};\n'
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(OF_0_9, {b"password": 'Grüße "\\ \n\0'.encode()}, id="0.9"),
        pytest.param(
            OF_13,
            {
                b"iteration_count": 10000,
                b"disabled": True,
                b"salt": "Grün".encode(),
                b"disabled_meta": {b"comment": None, 1: b"first"},
            },
            id="13",
        ),
        pytest.param(b"return {salt='x'}".replace(b"'", b'"'), {b"salt": b"x"}, id="unquoted key"),
        pytest.param(b"return { };", {}, id="empty"),
        pytest.param(b"return {[1] = -1.5e+02;}", {1: -150.0}, id="number"),
    ],
)
def test_what_prosody_writes_is_read(content: bytes, expected: object) -> None:
    """Each kind of value, and both ways of writing a letter that is not ASCII."""
    assert read_table(content) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"return",
        b"return {",
        b"return 5;",
        b'return {["a"] = "x"',
        b'return {["a"] = "x"} }',
        b'return {["a"] = "x"}; os.exit()',
        b'return {["a"] = os.getenv("HOME")}',
        b'return {["a"] = "x" .. "y"}',
        b'return {["a"] = 1 + 1}',
        b"return {[nil] = 1}",
        b'return {["a"] = 1; ["a"] = 2}',
        b'return {["a"] = "\\999"}',
        b'return {["a"] = "x\ny"}',
        b'return {["a"] = [[x]]}',
        b'return {["a"] = "x"} -- more',
        b'return {["a"] = "\\',
        b'return "{"',
        b'return {["a"] = ' + b"9" * 5000 + b"}",
        b"return " + b"{" * 5000 + b"}" * 5000,
        b"\x1bLua",
    ],
)
def test_anything_else_is_refused_without_a_word_of_it(content: bytes) -> None:
    """A file may hold a password, or a program."""
    with pytest.raises(InputError) as refused:
        read_table(content)

    assert str(refused.value) == "It is no table as Prosody writes it."
