"""Reads and changes the ``config.js`` of jitsi-meet, with each option's place; never runs it.

There is no JavaScript engine on a Jitsi machine.  This reader knows the object ``config`` and what is
assigned to its options later on; of an option that anything else could set, it says nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NoReturn

from authbridge.machine.files import PlannedChanges
from authbridge.machine.places import NotUnderstoodError, line_of, replace
from authbridge.machine.setup import Setup

Path = tuple[str, ...]

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/)
      | (?P<string>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\$])*`)
      | (?P<word>[\w$]+(?:\.\d+)?)
      | (?P<sign>===|!==|==|!=|=>|\+\+|--|\+=|-=|\|\|=|&&=|\?\?=|\.\.\.|[{}()\[\];,:.?=+\-*%<>!&|~^])""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/\w*")
_NAMES = {"config", "'config'", '"config"', "`config`"}
_UNFINISHED = {
    "else",
    "do",
    "return",
    "typeof",
    "in",
    "of",
    "new",
    "delete",
    "void",
    "instanceof",
    "throw",
    "case",
}
_OPENING = {"{": "}", "(": ")", "[": "]"}
_DIVISION = re.compile(r"(?P<sign>/=?)")
_ESCAPED = re.compile(r"""\\(["'`\\/])""")
_LITERALS: Mapping[str, str | bool | None] = {"true": True, "false": False, "null": None, "undefined": None}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, string or sign of the script; ``start`` and ``end`` are its places in the text."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Option:
    """A place that sets an option; ``start`` and ``end`` are those of its value.

    ``is_object``: its members follow as options of their own.  ``is_certain`` is False where it is not
    certain that this place is reached, or what it does.
    """

    path: Path
    start: int
    end: int
    is_object: bool = False
    is_certain: bool = True


class WebsiteConfig:
    """The options of one ``config.js``.

    Raises:
        NotUnderstoodError: There is no object ``config`` in it, or something that this reader does not know.
    """

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._options = list(_Reader(name, text).read())

    def find(self, *path: str) -> Option | None:
        """Returns what sets that option in the end, or None: nothing does.

        Raises:
            NotUnderstoodError: It is not certain what does.
        """
        found = None
        for each in self._options:
            if each.path == path or (not each.is_certain and each.path == path[: len(each.path)]):
                found = each
            elif each.path == path[: len(each.path)]:
                found = None
        if found is not None and not found.is_certain:
            self._refuse(found)
        return found

    def value(self, *path: str) -> str | bool | None:
        """Returns the option's value; None: it is not set, or to nothing.

        Raises:
            NotUnderstoodError: It is not certain, or has to be calculated.
        """
        found = self.find(*path)
        if found is None:
            return None
        raw = self._text[found.start : found.end]
        if raw in _LITERALS:
            return _LITERALS[raw]
        match = _TOKEN.fullmatch(raw)
        if match is None or match["string"] is None or raw[0] == "`" or "\\" in _ESCAPED.sub("", raw):
            self._refuse(found)
        return _ESCAPED.sub(r"\1", raw[1:-1])

    def is_set(self, *path: str) -> bool:
        """Tells whether the option has a value that JavaScript takes for true, or one to be calculated.

        Raises:
            NotUnderstoodError: It is not certain.
        """
        found = self.find(*path)
        if found is None:
            return False
        return self._text[found.start : found.end] not in {"false", "null", "undefined", "''", '""', "0"}

    def where(self, *path: str) -> str:
        """Returns file and line of that option, or of the innermost object that could hold it."""
        found = self.find(*path) or self.find(*path[:-1]) if path else None
        return self._name if found is None else f"{self._name}:{line_of(self._text, found.start)}"

    def put(self, value: str, *path: str) -> str:
        """Returns the text with that JavaScript value: in its place, or as a new first member of its object.

        Raises:
            NotUnderstoodError: See :meth:`find`.
        """
        changed = self._put(value, path)
        present = WebsiteConfig(self._name, changed).find(*path)
        if present is None or changed[present.start : present.end] != value:
            raise NotUnderstoodError("%(file)s sets the same option in more than one place.", file=self._name)
        return changed

    def _put(self, value: str, path: Path) -> str:
        found = self.find(*path)
        if found is not None:
            return replace(self._text, found.start, found.end, value)
        outer, new = path[:-1], f"{path[-1]}: {value}"
        while (holder := self.find(*outer)) is None:
            outer, new = outer[:-1], f"{outer[-1]}: {{ {new} }}"
        if not holder.is_object:
            self._refuse(holder)
        return self._insert(holder, new)

    def _insert(self, holder: Option, new: str) -> str:
        text, at = self._text, holder.start + 1
        inside = text[at : holder.end - 1]
        if not inside.strip():
            return replace(text, at, at + len(inside), f" {new} ")
        first = re.match(r"[ \t]*(?://[^\n]*)?\n([ \t]*)", inside)
        if first is None:
            return replace(text, at, at, f" {new},")
        # Below the line that shows the option as a comment, if the file has it.
        shown = re.search(
            rf"\n{re.escape(first[1])}//[ \t]*{re.escape(new.partition(':')[0])}:[^\n]*(?=\n)", inside
        )
        at += shown.end() if shown else first.start(1) - 1
        newline = "\n"
        if text[at - 1] == "\r":
            newline, at = "\r\n", at - 1
        return replace(text, at, at, f"{newline}{first[1]}{new},")

    def _refuse(self, option: Option) -> NoReturn:
        raise NotUnderstoodError(
            "%(file)s, line %(line)s: it is not certain here what this sets.",
            file=self._name,
            line=line_of(self._text, option.start),
        )


class _Reader:
    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._tokens = [*self._scan(), Token("end", "", len(text), len(text))]

    def read(self) -> Iterator[Option]:
        """Yields what certainly sets options, in the order of the script, then what perhaps changes some."""
        certain: list[Option] = []
        others: list[Option] = []
        depth = 0
        for at, token in enumerate(self._tokens):
            if token.kind == "sign":
                depth += (token.text in _OPENING) - (token.text in _OPENING.values())
            elif token.text in _NAMES:
                path, sign = self._path(at + 1)
                is_assigned = self._tokens[sign].text == "=" and depth == 0 and self._is_statement(at)
                if is_assigned and (certain or not path):
                    certain += self._value(path, sign + 1)[0]
                else:
                    # It may be changed there, or later by whoever has read it.
                    whole = () if self._tokens[at - 1].text == "." or token.kind == "string" else path
                    others.append(Option(whole, token.start, token.end, is_certain=False))
        if not certain:
            raise NotUnderstoodError("%(file)s has no object config.", file=self._name)
        yield from certain
        yield from others

    def _path(self, at: int) -> tuple[Path, int]:
        path: list[str] = []
        while self._tokens[at].text == "." and self._tokens[at + 1].kind == "word":
            path.append(self._tokens[at + 1].text)
            at += 2
        return tuple(path), at

    def _is_statement(self, name: int) -> bool:
        # `if (x) config.y = z;` and `x && (config.y = z)` are not certain; a statement of its own is.
        if name == 0:
            return True
        before = self._tokens[name - 1]
        if before.text in {";", "}", "var", "let", "const"}:
            return True
        ends = before.text == "]" or (before.kind in {"word", "string"} and before.text not in _UNFINISHED)
        return ends and "\n" in self._text[before.end : self._tokens[name].start]

    def _value(
        self, path: Path, at: int, ending: AbstractSet[str] = frozenset(";")
    ) -> tuple[list[Option], int]:
        first = at
        while not (self._tokens[at].kind == "sign" and self._tokens[at].text in ending):
            if self._tokens[at].kind == "end" or self._begins_statement(at, first, ending):
                break
            at = self._past(at)
        start, end = self._tokens[first].start, self._tokens[at - 1].end
        if at == first or (self._tokens[at].kind == "end" and ";" not in ending):
            self._fail(start)
        if self._tokens[first].text == "{" and self._past(first) == at:
            return [Option(path, start, end, is_object=True), *self._members(path, first + 1)], at
        return [Option(path, start, end)], at

    def _begins_statement(self, at: int, first: int, ending: AbstractSet[str]) -> bool:
        # Without a semicolon: an operand on a new line, behind an operand.
        if ";" not in ending or at == first or self._tokens[at].kind not in {"word", "string"}:
            return False
        before = self._tokens[at - 1]
        ends = before.text in _OPENING.values() or (
            before.kind in {"word", "string"} and before.text not in _UNFINISHED
        )
        return ends and "\n" in self._text[before.end : self._tokens[at].start]

    def _members(self, path: Path, at: int) -> Iterator[Option]:
        while self._tokens[at].text != "}":
            key, colon = self._tokens[at], self._tokens[at + 1]
            is_plain = key.kind in {"word", "string"} and "\\" not in key.text and "__proto__" not in key.text
            if not is_plain or colon.text != ":":
                # A spread, a method, a calculated name: it could be any option.
                yield Option(path, key.start, key.start, is_certain=False)
                while self._tokens[at].text not in {",", "}"}:
                    at = self._past(at)
            else:
                name = key.text[1:-1] if key.kind == "string" else key.text
                found, at = self._value((*path, name), at + 2, frozenset(",}"))
                yield from found
            if self._tokens[at].text == ",":
                at += 1

    def _past(self, at: int) -> int:
        """Returns the place behind a token, or behind the bracket that closes it."""
        closing = _OPENING.get(self._tokens[at].text) if self._tokens[at].kind == "sign" else None
        start = self._tokens[at].start
        at += 1
        if closing is None:
            return at
        while self._tokens[at].text != closing or self._tokens[at].kind != "sign":
            if self._tokens[at].kind == "end" or (
                self._tokens[at].kind == "sign" and self._tokens[at].text in _OPENING.values()
            ):
                self._fail(start)
            at = self._past(at)
        return at + 1

    def _scan(self) -> Iterator[Token]:
        at, previous = 0, ""
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None and self._text[at] == "/":
                # Where an operand belongs it begins a regular expression.
                divides = previous[-1:].isalnum() or previous[-1:] in {")", "]", "}", "'", '"', "`", "$", "_"}
                match = (_DIVISION if divides else _REGEX).match(self._text, at)
            if match is None or self._text.startswith(("<!--", "-->"), at):
                self._fail(at)
            kind = match.lastgroup or "string"
            if kind != "blank":
                yield Token(kind, match[0], match.start(), match.end())
                previous = match[0]
            at = match.end()

    def _fail(self, at: int) -> NoReturn:
        raise NotUnderstoodError(
            "%(file)s, line %(line)s: this JavaScript is not understood here.",
            file=self._name,
            line=line_of(self._text, at),
        )


def config_file(plan: PlannedChanges, setup: Setup) -> str | None:
    """Returns the name of the website's settings, or None: there are none on this machine."""
    name = f"/etc/jitsi/meet/{setup.host}-config.js"
    return None if plan.read(name) is None else name


def read_website(plan: PlannedChanges, setup: Setup) -> WebsiteConfig | None:
    """Returns the website's settings, or None: there are none on this machine.

    Raises:
        NotUnderstoodError: They hold something that the reader does not know.
    """
    name = config_file(plan, setup)
    return None if name is None else WebsiteConfig(name, plan.read(name) or "")


def edit_website(plan: PlannedChanges, setup: Setup, value: str, *path: str) -> None:
    """Plans that an option of the website has that JavaScript value.

    Raises:
        NotUnderstoodError: It is not certain what sets it.
    """
    name = config_file(plan, setup)
    if name is not None:
        change: Callable[[str], str] = lambda text: WebsiteConfig(name, text).put(value, *path)  # noqa: E731
        plan.edit(name, change)


def sends_conference_requests(plan: PlannedChanges, setup: Setup) -> bool:
    """Tells whether browsers send requests for a meeting to jicofo over HTTP, or could."""
    try:
        website = read_website(plan, setup)
        return website is not None and website.is_set("conferenceRequestUrl")
    except NotUnderstoodError:
        return True
