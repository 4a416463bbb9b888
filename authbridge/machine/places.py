"""Finds and changes places in a file's text without touching anything around them."""

import re
from collections.abc import Callable

from authbridge.errors import AuthBridgeError
from authbridge.machine.files import PlannedChanges

Fix = Callable[[PlannedChanges], None]


class NotUnderstoodError(AuthBridgeError):
    """Raised when a file holds something that its reader does not know: nothing is guessed then."""


def line_of(text: str, offset: int) -> int:
    """Returns the number of the line, from 1, in which that place is."""
    return text.count("\n", 0, offset) + 1


def replace(text: str, start: int, end: int, new: str) -> str:
    """Returns the text with ``new`` in place of what stands from ``start`` to ``end``."""
    return text[:start] + new + text[end:]


def indentation(text: str, offset: int) -> str | None:
    """Returns the blanks before that place, or None: something else stands before it in its line."""
    before = text[text.rfind("\n", 0, offset) + 1 : offset]
    return before if not before.strip() else None


def insert_after(text: str, start: int, end: int, new: str, *, comment: str) -> str:
    """Returns the text with ``new`` behind what stands from ``start`` to ``end``: on a line of its own.

    In the same line, if that is how the file is written.  ``comment`` is a pattern of the file's comments:
    one at the end of the line stays with its line.
    """
    indent = indentation(text, start)
    rest = re.compile(rf"[ \t]*({comment})?\r?$", re.MULTILINE).match(text, end)
    if indent is None or rest is None:
        return replace(text, end, end, f" {new}")
    at = rest.end()
    newline = "\r\n" if text[at - 1] == "\r" else "\n"
    at -= len(newline) - 1
    return replace(text, at, at, f"{newline}{indent}{new}")


def if_possible(plan: PlannedChanges, fix: Fix) -> Fix | None:
    """Returns the fix, or None if it does not understand the file that it would have to change."""
    trial = PlannedChanges(plan.machine)
    for change in plan.changes():
        trial.write(change.name, change.after, mode=change.mode, owner=change.owner)
    try:
        fix(trial)
    except NotUnderstoodError:
        return None
    return fix
