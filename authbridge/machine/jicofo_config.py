"""Reads and changes jicofo's settings in HOCON, with each value's place; never runs jicofo.

After HOCON.md of lightbend/config, as far as settings need it: what is included or substituted is not
followed, and nothing is said about settings that it could hold.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from authbridge.machine.places import NotUnderstoodError, indentation, line_of, replace

Path = tuple[str, ...]

_BLANK = re.compile(r"(?:[ \t\r\ufeff\u00a0]+|(?:#|//)[^\n]*)*")
_BLANK_LINES = re.compile(r"(?:[\s\ufeff\u00a0]+|(?:#|//)[^\n]*)*")
_STRING = re.compile(r'"""(?P<raw>.*?)"""+|"(?P<text>(?:\\.|[^"\\\n])*)"', re.DOTALL)
_UNQUOTED = re.compile(r"(?:(?!//)[^\s$\"{}\[\]:=,+#`^?!@*&\\])+")
_KEY_PART = re.compile(r'"(?P<text>(?:\\.|[^"\\\n])*)"|(?P<word>(?:(?!//)[^$\"{}\[\]:=,+#`^?!@*&\\\n.])+)')
_SUBSTITUTION = re.compile(r"\$\{[^}\n]*\}")
_ESCAPED = re.compile(r'\\(["\\/])')
_STEP = "  "  # how far a group stands in, where the file does not show it


@dataclass(frozen=True, slots=True)
class Setting:
    """A value of a file: ``value`` is None where it is no plain one (a list, a substitution).

    ``start`` and ``end`` are the places of the value in the text.
    """

    path: Path
    value: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Group:
    """An object of a file; ``start`` and ``end`` are the places behind its ``{`` and before its ``}``."""

    path: Path
    start: int
    end: int


class JicofoConfig:
    """The settings of one file.

    Raises:
        NotUnderstoodError: The text is no HOCON, or none that this reader knows.
    """

    def __init__(self, name: str, text: str) -> None:
        reader = _Reader(name, text)
        reader.read()
        self._name = name
        self._text = text
        self._settings = reader.settings
        self._groups = reader.groups

    def find(self, *path: str) -> Setting | None:
        """Returns the setting that counts, or None: the file has none.

        Raises:
            NotUnderstoodError: The value is no plain one, or could come from elsewhere.
        """
        found = None
        for each in self._settings:
            if each.path == path or (each.value is None and each.path == path[: len(each.path)]):
                found = each
            elif each.path == path[: len(each.path)]:
                found = None
        if found is not None and found.value is None:
            self._refuse(found)
        return found

    def value(self, *path: str) -> str | None:
        """Returns the value that counts, or None: the file has none.

        Raises:
            NotUnderstoodError: See :meth:`find`.
        """
        found = self.find(*path)
        return None if found is None else found.value

    def where(self, *path: str) -> str:
        """Returns file and line of that setting, or the file."""
        found = self.find(*path)
        return self._name if found is None else f"{self._name}:{line_of(self._text, found.start)}"

    def put(self, value: str, *path: str) -> str:
        """Returns the text with that value: in its place, or in the innermost group that is there.

        Raises:
            NotUnderstoodError: See :meth:`find`.
        """
        changed = self._put(value, path)
        if "\r\n" in self._text:
            changed = re.sub(r"(?<!\r)\n", "\r\n", changed)
        if JicofoConfig(self._name, changed).value(*path) != value.strip('"'):
            raise NotUnderstoodError("%(file)s sets the same option in more than one place.", file=self._name)
        return changed

    def _put(self, value: str, path: Path) -> str:
        text, found = self._text, self.find(*path)
        if found is not None:
            return replace(text, found.start, found.end, value)
        group = max(
            (each for each in self._groups if each.path == path[: len(each.path)]),
            key=lambda each: (len(each.path), each.start),  # of two of the same path the later one counts
            default=None,
        )
        if group is None:
            newline = "" if not text or text.endswith("\n") else "\n"
            return f"{text}{newline}{'.'.join(path)} = {value}\n"
        inside = text[group.start : group.end]
        rest = path[len(group.path) :]
        if "\n" not in inside:
            between = ", " if inside.strip() else " "
            at = group.start + len(inside.rstrip())
            return replace(text, at, group.end, f"{between}{'.'.join(rest)} = {value} ")
        before = text[text.rfind("\n", 0, group.start) + 1 : group.start]
        outer = before[: len(before) - len(before.lstrip())]
        sample = re.search(r"\n([ \t]+)(?=[^\s#/])", inside)
        inner = sample[1] if sample else outer + _STEP
        new = _block(rest, value, inner, inner.removeprefix(outer) or _STEP)
        if indentation(text, group.end) is None:
            return replace(text, group.end, group.end, f"\n{new}{outer}")
        at = text.rfind("\n", 0, group.end) + 1
        return replace(text, at, at, new)

    def _refuse(self, setting: Setting) -> NoReturn:
        raise NotUnderstoodError(
            "%(file)s, line %(line)s: the value is not understood here.",
            file=self._name,
            line=line_of(self._text, setting.start),
        )


def _plain(raw: str, pieces: Sequence[str]) -> str | None:
    if set(pieces) == {"text"}:
        return raw
    match = _STRING.fullmatch(raw)
    if pieces != ["string"] or match is None:
        return None
    return match["raw"] if match["text"] is None else _ESCAPED.sub(r"\1", match["text"])


def _block(path: Path, value: str, indent: str, step: str) -> str:
    first, *rest = path
    if not rest:
        return f"{indent}{first} = {value}\n"
    return f"{indent}{first} {{\n{_block(tuple(rest), value, indent + step, step)}{indent}}}\n"


class _Reader:
    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._at = 0
        self.settings: list[Setting] = []
        self.groups: list[Group] = []

    def read(self) -> None:
        self._skip_lines()
        if self._text.startswith("{", self._at):
            self._at += 1
            self._members((), closing="}")
        else:
            self._members((), closing="")
        self._skip_lines()
        if self._at < len(self._text):
            raise self._fault()

    def _members(self, path: Path, closing: str) -> None:
        while True:
            self._skip_lines()
            while self._text.startswith(",", self._at):
                self._at += 1
                self._skip_lines()
            if self._at >= len(self._text):
                if closing:
                    raise self._fault()
                return
            if closing and self._text.startswith(closing, self._at):
                self._at += 1
                return
            self._member(path)

    def _member(self, path: Path) -> None:
        start = self._at
        key = self._key()
        if key[0].startswith("include ") or (key == ("include",) and self._text.startswith('"', self._at)):
            # What it brings could be anything in this group.
            self.settings.append(Setting(path, None, start, start))
            self._at = (self._text + "\n").find("\n", self._at)
            return
        self._skip()
        added = self._text.startswith("+=", self._at)
        if added or self._text[self._at : self._at + 1] in {":", "="}:
            self._at += 2 if added else 1
            self._skip_lines()
        else:
            self._skip_lines()
            if not self._text.startswith("{", self._at):
                raise self._fault()
        self._value((*path, *key), plain=not added)

    def _key(self) -> Path:
        parts = []
        while True:
            match = _KEY_PART.match(self._text, self._at)
            if match is None:
                raise self._fault()
            self._at = match.end()
            quoted, word = match["text"], match["word"]
            parts.append(_ESCAPED.sub(r"\1", quoted) if word is None else word.strip())
            self._skip()
            if not self._text.startswith(".", self._at):
                return tuple(parts)
            self._at += 1

    def _value(self, path: Path, *, plain: bool) -> None:
        start = end = self._at
        pieces = []
        self._skip()
        while self._at < len(self._text) and self._text[self._at] not in ",}]\n":
            pieces.append(self._piece(path))
            end = self._at
            self._skip()
        if not pieces:
            raise self._fault()
        if set(pieces) != {"group"}:
            value = _plain(self._text[start:end], pieces) if plain else None
            self.settings.append(Setting(path, value, start, end))

    def _piece(self, path: Path) -> str:
        text, at = self._text, self._at
        if text.startswith("{", at):
            self._at += 1
            self._members(path, closing="}")
            self.groups.append(Group(path, at + 1, self._at - 1))
            return "group"
        if text.startswith("[", at):
            self._list()
            return "list"
        for kind, pattern in (("string", _STRING), ("other", _SUBSTITUTION), ("text", _UNQUOTED)):
            match = pattern.match(text, at)
            if match is not None:
                self._at = match.end()
                return kind
        # Colons in an unquoted value (XMPP:host) are no HOCON.
        raise self._fault()

    def _list(self) -> None:
        self._at += 1
        while True:
            self._skip_lines()
            if self._at >= len(self._text):
                raise self._fault()
            if self._text[self._at] == "]":
                self._at += 1
                break
            if self._text[self._at] == ",":
                self._at += 1
            else:
                self._piece(("",))  # a path that nobody asks for

    def _skip(self) -> None:
        match = _BLANK.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _skip_lines(self) -> None:
        match = _BLANK_LINES.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _fault(self) -> NotUnderstoodError:
        return NotUnderstoodError(
            "%(file)s, line %(line)s: the settings are not understood here.",
            file=self._name,
            line=line_of(self._text, self._at),
        )


def is_true(value: str | None) -> bool:
    """Tells whether jicofo takes a value for true."""
    return value in {"true", "yes", "on"}


def seconds(value: str) -> float | None:
    """Returns a duration such as ``24 hours`` in seconds (a bare number is in ms); None: it is none."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", value.strip())
    unit = next((size for names, size in _UNITS if match and match[2] in names), None)
    return None if match is None or unit is None else float(match[1]) * unit


_UNITS: Sequence[tuple[frozenset[str], float]] = (
    (frozenset({"", "ms", "milli", "millis", "millisecond", "milliseconds"}), 1e-3),
    (frozenset({"us", "micro", "micros", "microsecond", "microseconds"}), 1e-6),
    (frozenset({"ns", "nano", "nanos", "nanosecond", "nanoseconds"}), 1e-9),
    (frozenset({"s", "second", "seconds"}), 1),
    (frozenset({"m", "minute", "minutes"}), 60),
    (frozenset({"h", "hour", "hours"}), 3600),
    (frozenset({"d", "day", "days"}), 86400),
)
