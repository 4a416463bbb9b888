"""Reads logrotate's configuration as logrotate does, tells how old a line can become, and shortens that.

The rules are those of ``findNeedRotating`` and ``prerotateSingleLog`` in logrotate 3.21 and 3.22; the
tests measure them with the real program over simulated weeks.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from authbridge.machine.files import Machine, PlannedChanges

MAIN = "/etc/logrotate.conf"
FOLDER = "/etc/logrotate.d"

_SLOTS = {  # directives that exclude each other share a slot: the last one holds
    **dict.fromkeys(("hourly", "daily", "weekly", "monthly", "yearly", "minutes", "size"), "period"),
    **dict.fromkeys(("ifempty", "notifempty"), "empty"),
    **dict.fromkeys(("copy", "nocopy"), "copy"),
    **dict.fromkeys(("copytruncate", "nocopytruncate"), "truncate"),
    **dict.fromkeys(("mail", "nomail"), "mail"),
    **{word: word for word in ("rotate", "maxage", "minage", "minsize", "su")},
}
_WITH_ARGUMENT = re.compile(
    "rotate|maxage|minage|minsize|maxsize|size|minutes|su|mail|create|createolddir|olddir|dateformat|start|"
    "shredcycles|extension|addextension|compresscmd|uncompresscmd|compressoptions|compressext|include|"
    "tabooext|taboopat|weekly|monthly"
)
_SCRIPTS = frozenset({"prerotate", "postrotate", "firstaction", "lastaction", "preremove"})
_DAYS = {"minutes": 1, "hourly": 1, "daily": 1, "weekly": 7, "monthly": 31, "yearly": 366}
_TABOO = re.findall(
    r"\S+",
    "*,v *.bak *.cfsaved *.disabled *.dpkg-bak *.dpkg-del *.dpkg-dist *.dpkg-new *.dpkg-old *.dpkg-tmp *.new "
    "*.old *.orig *.pacnew *.pacorig *.pacsave *.rhn-cfg-tmp-* *.rpmnew *.rpmorig *.rpmsave *.swp "
    "*.ucf-dist *.ucf-new *.ucf-old *~",
)
_MOST_NESTED = 16
_WORD = re.compile(r"[A-Za-z]+")
_END_OF_SCRIPT = re.compile(r"^[ \t]*endscript\b", re.MULTILINE)
_WRITABLE_BY_OTHERS, _WRITABLE_BY_GROUP = 0o002, 0o020


@dataclass(frozen=True, slots=True)
class Directive:
    """A word of a block with its argument, and where both stand in the file's text."""

    word: str
    argument: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """``PATTERNS { … }`` in a file.

    ``rules`` holds what is in force for its logs by slot, inherited or its own; ``own``, what it says itself,
    in order.  ``brace`` is where ``{`` stands in the text.
    """

    file: str
    line: int
    brace: int
    patterns: tuple[str, ...]
    rules: Mapping[str, Directive]
    own: tuple[tuple[str, Directive], ...]

    def covers(self, log: str) -> bool:
        """Tells whether one of its patterns matches that file; as glob, ``*`` does not match ``/``."""
        return any(PurePosixPath(log).match(pattern) for pattern in self.patterns)

    def names(self, log: str) -> bool:
        """Tells whether it names that file itself: logrotate knows it before it is there."""
        return log in self.patterns


class Cause(StrEnum):
    """Why the lines of a log can stay for any time."""

    SILENCE = "notifempty"
    SIZE = "size"
    LEAST_SIZE = "minsize"
    LEAST_AGE = "minage"
    COPY = "copy"
    MAIL = "mail"
    NO_LIMIT = "rotate"
    UNSAFE_FOLDER = "su"


def read_blocks(plan: PlannedChanges) -> list[Block]:
    """Returns all blocks, in the order in which logrotate meets them: the first that covers a log counts.

    Raises:
        UnreadableFileError: A file cannot be read.
    """
    reader = _Reader(plan)
    reader.read(MAIN, 0)
    return reader.blocks


def block_of(blocks: list[Block], log: str) -> Block | None:
    """Returns the block that logrotate uses for that log: it refuses a second one as a duplicate."""
    return next((block for block in blocks if block.covers(log)), None)


def longest_life(block: Block, log: str, machine: Machine) -> int | Cause:
    """Returns how many days a line of that log can be kept at most, or why there is no such number.

    Logrotate runs once a day (its timer may be late by an hour).  The oldest line is the one that was
    written right after a rotation.  With ``rotate N`` it is gone with the rotation N + 1; ``maxage M``
    deletes a file when it was last written more than M whole days ago, at a rotation and not before.  A log
    that is found by a pattern is not rotated when it is first seen: its first lines stay a day longer.
    """
    rules = block.rules
    if (cause := _never_rotated(rules)) is not None:
        return cause
    if "su" not in rules and _is_unsafe(machine, str(PurePosixPath(log).parent)):
        return Cause.UNSAFE_FOLDER
    count = _number(rules, "rotate")
    oldest = _number(rules, "maxage")
    period = _DAYS[rules["period"].word]
    unknown = 0 if block.names(log) else 1
    if count == 0:
        return period + unknown
    # A line gets into the first old file in any case; that one stays while no rotation follows.
    if rules.get("empty", _ABSENT).word == "notifempty":
        return Cause.SILENCE
    if count < 0 and not oldest:
        return Cause.NO_LIMIT
    kept = [count] if count > 0 else []
    if oldest:
        kept.append(oldest // period + 1)
    return period * (1 + min(kept)) + unknown


def shorten(text: str, block: Block, log: str, machine: Machine, days: int) -> str:
    """Returns the file's text with the block changed so far that no line of its logs outlives ``days``.

    What the block says otherwise stays, and so do comments, order and indentation.
    """
    rules, wanted = block.rules, {}
    if "period" not in rules or rules["period"].word == "size" or _DAYS[rules["period"].word] > 1:
        wanted["period"] = "daily"
    if not 0 <= _number(rules, "rotate") <= most_files(block, log, days):
        wanted["rotate"] = f"rotate {most_files(block, log, days)}"
    for slot, words in _REPAIRS.items():
        if rules.get(slot, _ABSENT).word in words:
            wanted[slot] = words[rules[slot].word]
    folder = str(PurePosixPath(log).parent)
    if "su" not in rules and _is_unsafe(machine, folder):
        path = machine.real(folder)
        wanted["su"] = f"su {path.owner()} {path.group()}"
    return _rewrite(text, block, wanted)


def most_files(block: Block, log: str, days: int) -> int:
    """Returns how many old files may be kept of a log that is rotated every day."""
    return max(0, days - (1 if block.names(log) else 2))


def block_for(log: str, days: int, *more: str) -> str:
    """Returns a block of our own for a log that none covers; no line outlives ``days``."""
    directives = ("daily", f"rotate {days - 1}", "ifempty", "missingok", "copytruncate", *more)
    return f"{log} {{\n" + "".join(f"\t{directive}\n" for directive in directives) + "}\n"


_ABSENT = Directive("", "", 0, 0)
_REPAIRS: Mapping[str, Mapping[str, str]] = {
    "empty": {"notifempty": "ifempty"},
    "minsize": {"minsize": "minsize 0"},
    "minage": {"minage": "minage 0"},
    "copy": {"copy": "nocopy"},
    "mail": {"mail": "nomail"},
}


def _never_rotated(rules: Mapping[str, Directive]) -> Cause | None:
    if "period" not in rules or rules["period"].word == "size":  # without any: when it has 1 MiB
        return Cause.SIZE
    if _number(rules, "minsize") > 0:
        return Cause.LEAST_SIZE
    if _number(rules, "minage") > 0:
        return Cause.LEAST_AGE
    if rules.get("copy", _ABSENT).word == "copy" and rules.get("truncate", _ABSENT).word != "copytruncate":
        return Cause.COPY
    if rules.get("mail", _ABSENT).word == "mail":
        return Cause.MAIL
    return None


def _number(rules: Mapping[str, Directive], slot: str) -> int:
    digits = re.match(r"-?\d+", rules.get(slot, _ABSENT).argument)
    return int(digits[0]) if digits else 0


def _is_unsafe(machine: Machine, folder: str) -> bool:
    # Logrotate skips logs in a folder that others may write to, unless "su" names a user.
    try:
        status = machine.real(folder).stat()
    except OSError:
        return False
    by_group = status.st_mode & _WRITABLE_BY_GROUP and status.st_gid != 0
    return bool(status.st_mode & _WRITABLE_BY_OTHERS or by_group)


def _rewrite(text: str, block: Block, wanted: dict[str, str]) -> str:
    changes = []
    missing = dict(wanted)
    for slot, directive in block.own:
        if slot in wanted:
            changes.append((directive, missing.pop(slot, "")))
    for directive, line in reversed(changes):
        start, end = directive.start, directive.end
        if not line:
            start, end = _whole_line(text, start, end)
        text = text[:start] + line + text[end:]
    return _insert(text, block, list(missing.values()))


def _whole_line(text: str, start: int, end: int) -> tuple[int, int]:
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    alone = text[first:start].strip() == "" and last >= 0 and text[end:last].strip() == ""
    return (first, last + 1) if alone else (start, end)


def _insert(text: str, block: Block, lines: list[str]) -> str:
    if not lines:
        return text
    end = text.find("\n", block.brace)
    if text[block.brace + 1 : end].strip():  # something stands behind the brace
        own = "".join(f"\n\t{line}" for line in lines)
        return f"{text[: block.brace + 1]}{own}\n{text[block.brace + 1 :]}"
    next_line = re.compile(r"[ \t]*").match(text, end + 1)
    indent = (next_line and next_line[0]) or "\t"
    return text[: end + 1] + "".join(f"{indent}{line}\n" for line in lines) + text[end + 1 :]


class _Reader:
    """Goes through the files as logrotate does: what stands outside of blocks holds from there on."""

    def __init__(self, plan: PlannedChanges) -> None:
        self.blocks: list[Block] = []
        self._plan = plan
        self._rules: dict[str, Directive] = {}
        self._taboo = _TABOO

    def read(self, name: str, depth: int) -> None:
        if depth > _MOST_NESTED:
            return
        if self._plan.machine.real(name).is_dir():
            for each in self._plan.names(f"{name.rstrip('/')}/*"):
                # A taboo pattern does not match a name that begins with a point.
                if each.rpartition("/")[2].startswith(".") or not self._is_taboo(each):
                    self._read_file(each, depth)
        else:
            self._read_file(name, depth)

    def _is_taboo(self, name: str) -> bool:
        return any(fnmatchcase(name.rpartition("/")[2], pattern) for pattern in self._taboo)

    def _read_file(self, name: str, depth: int) -> None:
        text = self._plan.read(name) or ""
        position = 0
        while (position := _next(text, position)) < len(text):
            if text[position] in "/\"'~":
                position = self._read_block(name, text, position, depth)
            elif (directive := _directive(text, position)) is not None:
                self._obey(directive, self._rules, depth)
                position = directive.end
            else:
                position = _end_of_line(text, position)

    def _read_block(self, name: str, text: str, position: int, depth: int) -> int:
        brace = text.find("{", position)
        if brace < 0:
            return len(text)
        lines = (line for line in text[position:brace].splitlines() if not line.lstrip().startswith("#"))
        rules, own = dict(self._rules), []
        line = text.count("\n", 0, position) + 1
        position = _next(text, brace + 1)
        while position < len(text) and text[position] != "}":
            if (directive := _directive(text, position)) is not None:
                if (slot := self._obey(directive, rules, depth)) is not None:
                    own.append((slot, directive))
                position = directive.end
            else:
                position = _end_of_line(text, position)
            position = _next(text, position)
        self.blocks.append(Block(name, line, brace, _patterns(lines), rules, tuple(own)))
        return position + 1

    def _obey(self, directive: Directive, rules: dict[str, Directive], depth: int) -> str | None:
        word, argument = directive.word, directive.argument
        if word == "include":
            self.read(argument, depth + 1)
        elif word in {"tabooext", "taboopat"}:
            added = argument.startswith("+")
            star = "*" if word == "tabooext" else ""
            patterns = [star + each for each in re.split(r"[\s,]+", argument.lstrip("+")) if each]
            self._taboo = [*(self._taboo if added else ()), *patterns]
        slot = _SLOTS.get(word)
        if slot is not None:
            rules[slot] = directive
        return slot


def _next(text: str, position: int) -> int:
    """Returns where the next word stands, past blanks, line ends and comments."""
    while position < len(text):
        if text[position] == "#":
            position = _end_of_line(text, position)
        elif text[position].isspace():
            position += 1
        else:
            break
    return position


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1


def _directive(text: str, position: int) -> Directive | None:
    word = _WORD.match(text, position)
    if word is None:
        return None
    end = word.end()
    if word[0] in _SCRIPTS:
        ended = _END_OF_SCRIPT.search(text, end)
        return Directive(word[0], "", position, ended.end() if ended else len(text))
    if _WITH_ARGUMENT.fullmatch(word[0]):
        rest = text[end : _end_of_line(text, end)]
        argument = rest.strip().removeprefix("=").strip()
        return Directive(word[0], argument, position, end + len(rest.rstrip()))
    return Directive(word[0], "", position, end)


def _patterns(lines: Iterator[str]) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(" ".join(lines)))
    except ValueError:  # a quotation mark is missing: logrotate refuses the block
        return ()
