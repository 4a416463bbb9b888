"""Reads nginx' configuration as nginx does, with each directive's place; never runs nginx.

After ngx_conf_file.c: words are ended by blanks, ``;`` or ``{``; quotes count at the beginning of a word
only; ``#`` begins a comment where a word could begin.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from authbridge.machine.files import PlannedChanges
from authbridge.machine.places import NotUnderstoodError, line_of

MAIN_FILE = "/etc/nginx/nginx.conf"
_TOKEN = re.compile(
    r"""(?P<blank>\s+|\#[^\n]*)
      | (?P<end>;) | (?P<open>\{) | (?P<close>\})
      | "(?P<double>(?:\\.|[^"\\])*)" (?=[\s;{)])
      | '(?P<single>(?:\\.|[^'\\])*)' (?=[\s;{)])
      | (?P<word>(?:\\.|\$\{|[^\s;{\\"'\#}]) (?:\\.|\$\{|[^\s;{\\])*)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"""\\(["'\\])""")


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive of nginx, with those in its block, or None where it has no block.

    ``start`` is where its name begins in the text of ``file``; ``end`` is behind its ``;`` or ``}``.
    """

    name: str
    arguments: tuple[str, ...]
    file: str
    line: int
    start: int
    end: int
    block: "tuple[Directive, ...] | None" = None

    @property
    def where(self) -> str:
        """Returns the file and the line."""
        return f"{self.file}:{self.line}"


Levels = Sequence[Sequence[Directive]]
"""The directives beside one, then those beside the block that holds it, and so on to the outermost."""


def read_nginx(plan: PlannedChanges) -> Sequence[Directive] | None:
    """Returns all of nginx' configuration, included files in their places; None: there is no nginx here.

    Raises:
        NotUnderstoodError: A file is not as nginx wants it, or holds a program (Lua).
        UnreadableFileError: A file cannot be read.
    """
    if plan.read(MAIN_FILE) is None:
        return None
    return _Reader(plan).read(MAIN_FILE)


def walk(directives: Sequence[Directive], around: Levels = ()) -> Iterator[tuple[Directive, Levels]]:
    """Yields each directive, at any depth, with the levels that it stands in, the innermost first."""
    levels = (directives, *around)
    for each in directives:
        yield each, levels
        if each.block is not None:
            yield from walk(each.block, levels)


def named(directives: Sequence[Directive], name: str) -> list[Directive]:
    """Returns those of that name, not those in their blocks."""
    return [each for each in directives if each.name == name]


class _Reader:
    def __init__(self, plan: PlannedChanges) -> None:
        self._plan = plan
        self._open: list[str] = []

    def read(self, name: str) -> tuple[Directive, ...]:
        if name in self._open:
            raise NotUnderstoodError("%(file)s includes itself.", file=name)
        self._open.append(name)
        text = self._plan.read(name) or ""
        tokens = list(_tokens(text, name))
        directives, rest = self._block(text, name, tokens, 0)
        if rest != len(tokens):
            raise _fault(text, name, tokens[rest][2])
        self._open.pop()
        return directives

    def _block(
        self, text: str, file: str, tokens: "list[_Token]", at: int
    ) -> tuple[tuple[Directive, ...], int]:
        found: list[Directive] = []
        while at < len(tokens) and tokens[at][0] != "close":
            words = []
            start = tokens[at][2]
            while at < len(tokens) and tokens[at][0] == "word":
                words.append(tokens[at][1])
                at += 1
            if at == len(tokens) or not words or words[0].endswith("_by_lua_block"):
                raise _fault(text, file, start)
            kind, _, _, end = tokens[at]
            at += 1
            block = None
            if kind == "open":
                block, at = self._block(text, file, tokens, at)
                if at == len(tokens):
                    raise _fault(text, file, start)
                end = tokens[at][3]
                at += 1
            elif kind != "end":
                raise _fault(text, file, start)
            if words[0] == "include" and len(words) == 2:  # noqa: PLR2004 - the word and the pattern
                found += self._included(words[1])
            else:
                line = line_of(text, start)
                found.append(Directive(words[0], tuple(words[1:]), file, line, start, end, block))
        return tuple(found), at

    def _included(self, pattern: str) -> Iterator[Directive]:
        # A link counts as the file to which it leads: otherwise one file would be changed under two names.
        machine = self._plan.machine
        # Hidden files are none of nginx'.
        for name in self._plan.names(posixpath.normpath(posixpath.join("/etc/nginx", pattern))):
            if posixpath.basename(name).startswith("."):
                continue
            yield from self.read(f"/{machine.real(name).relative_to(machine.root)}")


_Token = tuple[str, str, int, int]  # kind, its text, where it begins, where it ends


def _tokens(text: str, file: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _fault(text, file, at)
        kind, at = match.lastgroup or "", match.end()
        if kind in {"double", "single", "word"}:
            yield "word", _ESCAPED.sub(r"\1", match[kind]), match.start(), at
        elif kind != "blank":
            yield kind, match[kind], match.start(), at


def _fault(text: str, file: str, at: int) -> NotUnderstoodError:
    return NotUnderstoodError(
        "%(file)s, line %(line)s: nginx' configuration is not understood here.",
        file=file,
        line=line_of(text, at),
    )
