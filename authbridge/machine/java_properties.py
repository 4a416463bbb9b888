"""Reads and changes Java's properties files, as ``java.util.Properties`` documents them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from authbridge.machine.places import line_of, replace

_LINE = re.compile(
    r"[ \t\f]*(?![#!\r\n])(?P<key>(?:\\.|[^\s:=\\])+)[ \t\f]*[:=]?[ \t\f]*(?P<value>(?:\\\r?\n|[^\r\n])*)"
)
_CONTINUED = re.compile(r"\\\r?\n[ \t\f]*")
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a file; ``start`` and ``end`` are the places of its value in the text."""

    key: str
    value: str
    line: int
    start: int
    end: int


def read_properties(text: str) -> Iterator[Property]:
    """Yields the properties of a file in its order; of two with the same key the later one counts."""
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end + 1
        match = _LINE.match(text, at)
        if match is not None:
            end = max(end, match.end())
            value = _ESCAPED.sub(r"\1", _CONTINUED.sub("", match["value"]))
            yield Property(
                _ESCAPED.sub(r"\1", match["key"]),
                value.strip(),
                line_of(text, match.start()),
                match.start("value"),
                match.end("value"),
            )
        at = end


def find_property(text: str, key: str) -> Property | None:
    """Returns the property of that key that counts, or None: the file has none."""
    return next((each for each in reversed(list(read_properties(text))) if each.key == key), None)


def set_property(text: str, key: str, value: str) -> str:
    """Returns the text with that value in place of the one that counts, or on a new last line."""
    present = find_property(text, key)
    if present is not None:
        return replace(text, present.start, present.end, value)
    newline = "\r\n" if "\r\n" in text else "\n"
    ended = text if not text or text.endswith("\n") else text + newline
    return f"{ended}{key}={value}{newline}"
