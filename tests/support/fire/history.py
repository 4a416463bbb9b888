"""What happened in one run: commands and logins with their times, sessions, faults, and moments of calm.

All times are seconds since the run began, by one clock.  Accounts have numbers, never names, and passwords
have generations: 1 is the first, each reset makes the next, and 0 is one that was never right.
"""

import dataclasses
import enum
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


class Command(enum.StrEnum):
    """What staff do to an account."""

    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    SUSPEND_SCHOOL = "suspend school"
    REINSTATE_SCHOOL = "reinstate school"
    RESET = "reset"
    END_SESSIONS = "log out everywhere"


class Verdict(enum.StrEnum):
    """What somebody who logs in is told; whoever is told to wait, or nothing, learns nothing."""

    GRANTED = "granted"
    SUSPENDED = "suspended"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Change:
    """A command, from the click to its acknowledgement.

    One that was not acknowledged may have happened or not, up to ``ended``.  ``generation``: of the password
    that a reset makes.
    """

    account: int
    command: Command
    began: float
    ended: float
    is_acknowledged: bool
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Login:
    """A login with the password of that generation, over that Prosody; ``is_calm``: nothing was broken."""

    account: int
    node: str
    generation: int
    began: float
    ended: float
    verdict: Verdict
    is_calm: bool = False


@dataclass(frozen=True, slots=True)
class SessionSpan:
    """A session, from the begin of its login to its end; ``cut``: not its owner ended it."""

    account: int
    node: str
    began: float
    granted: float
    ended: float
    cut: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """Something was broken from then to then; ``node``: the Prosody whose sessions it ended, or ""."""

    what: str
    began: float
    ended: float
    node: str = ""


@dataclass(frozen=True, slots=True)
class Calm:
    """Nothing is broken, and each Prosody has carried out all that was acknowledged before ``began``."""

    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The resident memory of each part at a moment, in bytes; and for how many seconds it had run then.

    Runs that were kept before this was noted do not say how long.
    """

    at: float
    parts: dict[str, int]
    ages: dict[str, float] = field(default_factory=dict)


Entry = Change | Login | SessionSpan | Fault | Calm | Memory
_KINDS = {kind.__name__: kind for kind in (Change, Login, SessionSpan, Fault, Calm, Memory)}


@dataclass
class History:
    """One run."""

    changes: list[Change] = field(default_factory=list)
    logins: list[Login] = field(default_factory=list)
    sessions: list[SessionSpan] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    calms: list[Calm] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Adds what has happened."""
        match entry:
            case Change():
                self.changes.append(entry)
            case Login():
                self.logins.append(entry)
            case SessionSpan():
                self.sessions.append(entry)
            case Fault():
                self.faults.append(entry)
            case Calm():
                self.calms.append(entry)
            case Memory():
                self.memory.append(entry)

    def lines(self) -> Iterator[str]:
        """Yields each entry as a line of JSON."""
        for entries in (self.changes, self.logins, self.sessions, self.faults, self.calms, self.memory):
            for entry in entries:
                yield json.dumps({"kind": type(entry).__name__, **dataclasses.asdict(entry)})


def read(lines: Iterable[str]) -> History:
    """Reads a history from the lines that :meth:`History.lines` yields."""
    history = History()
    for line in lines:
        fields = json.loads(line)
        kind = _KINDS[fields.pop("kind")]
        if kind is Change:
            fields["command"] = Command(fields["command"])
        if kind is Login:
            fields["verdict"] = Verdict(fields["verdict"])
        history.add(kind(**fields))
    return history
