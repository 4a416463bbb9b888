"""Reads a table as Prosody serialises it: ``return { ["salt"] = "…"; … };``.

No more of Lua than that: no expression, no comment, no call.
"""

import re
from collections.abc import Iterator, Mapping

from authbridge.errors import InputError

Value = bytes | int | float | bool | None | Mapping["Value", "Value"]

_DEEPEST = 8  # tables within tables; an account has two

_TOKEN = re.compile(
    rb"""\s*(?:
    (?P<string> " (?: [^"\\\n] | \\ (?: [abfnrtv\\"'\n] | [0-9]{1,3} ) )* " )
    | (?P<number> -? [0-9]{1,18} (?: \.[0-9]{1,18} )? (?: e [+-]? [0-9]{1,2} )? (?!\w) )
    | (?P<word> [A-Za-z_] \w* )
    | (?P<mark> [{}\[\]=;,] )
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(rb"\\([0-9]{1,3}|.)", re.DOTALL)
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_WORDS = {b"true": True, b"false": False, b"nil": None}
_LARGEST_BYTE = 255

_Token = tuple[str, bytes]
_END: _Token = ("end", b"")


def read_table(content: bytes) -> Mapping[Value, Value]:
    """Returns the one table that the file holds; its strings are bytes.

    Raises:
        InputError: It holds anything else; the text does not quote it.
    """
    tokens = _tokens(content)
    _expect(tokens, b"return", b"{")
    table = _table(tokens, 1)
    token = next(tokens)
    if token == ("mark", b";"):
        token = next(tokens)
    if token != _END:
        raise _unreadable()
    return table


def _tokens(content: bytes) -> Iterator[_Token]:
    position, end = 0, len(content.rstrip())
    while position < end:
        found = _TOKEN.match(content, position)
        if found is None or found.lastgroup is None:
            raise _unreadable()
        yield found.lastgroup, found[found.lastgroup]
        position = found.end()
    while True:
        yield _END


def _table(tokens: Iterator[_Token], depth: int) -> Mapping[Value, Value]:
    if depth > _DEEPEST:
        raise _unreadable()
    table: dict[Value, Value] = {}
    position = 1
    token = next(tokens)
    while token != ("mark", b"}"):
        match token:
            case ("mark", b"["):
                key = _value(next(tokens), tokens, depth)
                _expect(tokens, b"]", b"=")
                value, token = _value(next(tokens), tokens, depth), next(tokens)
            case ("word", name) if name not in _WORDS:
                key = name
                _expect(tokens, b"=")
                value, token = _value(next(tokens), tokens, depth), next(tokens)
            case _:
                key, position = position, position + 1
                value, token = _value(token, tokens, depth), next(tokens)
        if key is None or isinstance(key, Mapping) or key in table:
            raise _unreadable()
        table[key] = value
        if token in {("mark", b";"), ("mark", b",")}:
            token = next(tokens)
        elif token != ("mark", b"}"):
            raise _unreadable()
    return table


def _value(token: _Token, tokens: Iterator[_Token], depth: int) -> Value:
    match token:
        case ("string", quoted):
            return _ESCAPE.sub(_unescaped, quoted[1:-1])
        case ("number", digits):
            return int(digits) if digits.lstrip(b"-").isdigit() else float(digits)
        case ("word", name) if name in _WORDS:
            return _WORDS[name]
        case ("mark", b"{"):
            return _table(tokens, depth + 1)
        case _:
            raise _unreadable()


def _unescaped(found: re.Match[bytes]) -> bytes:
    escape = found[1]
    if not escape.isdigit():
        return _ESCAPED.get(escape, escape)
    if int(escape) > _LARGEST_BYTE:
        raise _unreadable()
    return bytes([int(escape)])


def _expect(tokens: Iterator[_Token], *wanted: bytes) -> None:
    for each in wanted:
        kind, text = next(tokens)
        if text != each or kind == "string":
            raise _unreadable()


def _unreadable() -> InputError:
    return InputError("It is no table as Prosody writes it.")
