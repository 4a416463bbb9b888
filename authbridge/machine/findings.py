"""Names what a check finds: how bad, what, why it matters, the exact line, and what mends it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from authbridge.machine.files import PlannedChanges


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Returns 0 where all is well, and more the worse it is."""
        return list(Level).index(self)


class Remark:
    """An English sentence with places such as ``%(host)s`` and what stands there; the panel translates it."""

    def __init__(self, sentence: str, **values: object) -> None:
        self.sentence = sentence
        self.values: Mapping[str, object] = values

    def __str__(self) -> str:
        return self.sentence % self.values if self.values else self.sentence

    def __repr__(self) -> str:
        return f"Remark({str(self)!r})"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; each check finds one thing, also where all is well.

    ``id`` stays the same for monitoring, for example ``nginx-address``.  ``where`` is a file, with ``:`` and
    the line where there is one; ``line``, what has to stand there, or the command to give.  ``fix`` writes
    the change into the planned changes; None: a person has to decide.
    """

    id: str
    level: Level
    what: Remark
    why: Remark | None = None
    where: str = ""
    line: str = ""
    fix: Callable[[PlannedChanges], None] | None = None
