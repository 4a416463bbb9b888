"""Credentials that were just made, in plain text: in memory, for ten minutes, for one session."""

import gc
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from authbridge.errors import AuthBridgeError
from authbridge.expiring_store import ExpiringStore
from authbridge.letters import Envelope, Letter, LetterBatch
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.year_plans import YearPlan

_LIFETIME = timedelta(minutes=10)


class Step(StrEnum):
    """How far the work on a handout has come."""

    HASHING = "hashing"
    PRINTING = "printing"
    READY = "ready"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Handout:
    """Credentials that are shown once; the thread that makes them changes the handout meanwhile.

    ``owner`` is the hash of the session's id. ``taken`` are the organisers whose letters were fetched.
    ``error`` is for the person who waits: on FAILED nothing was issued, on READY only the letters are
    missing. ``usernames`` are the organisers with new passwords, none for new organisers. ``envelope`` is
    None if the letters travel alone; the code in it is wiped like a password. ``year`` is the change of a
    school year of which they are a part.
    """

    owner: str
    usernames: tuple[str, ...]
    school_code: str
    school_name: str
    total: int
    ends_at: datetime
    batch: LetterBatch
    envelope: Envelope | None = None
    year: YearPlan | None = None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    step: Step = Step.HASHING
    done: int = 0
    taken: set[str] = field(default_factory=set)
    error: AuthBridgeError | None = None
    credentials: list[IssuedCredential] = field(default_factory=list, repr=False)
    letters: list[Letter] = field(default_factory=list, repr=False)
    pdf: bytes | None = field(default=None, repr=False)

    @property
    def print_job(self) -> str:
        """Returns the id that stands on the letters."""
        return self.batch.id

    def place_of(self, username: str) -> int | None:
        """Returns the place of that organiser's letter, None if there is none."""
        places = (place for place, letter in enumerate(self.letters) if letter.username == username)
        return next(places, None)

    @property
    def is_under_way(self) -> bool:
        """Tells whether the work goes on: the ten minutes begin when it has ended."""
        return self.step in {Step.HASHING, Step.PRINTING}

    @property
    def left(self) -> int:
        """Returns how many passwords nobody has fetched: they would be lost."""
        return sum(each.username not in self.taken for each in self.credentials)

    def has(self, username: str) -> bool:
        """Tells whether the credentials of that organiser are among them."""
        return any(each.username == username for each in self.credentials)

    def is_shown(self, now: datetime) -> bool:
        """Tells whether there is something to look at, and still time for it."""
        return self.step is Step.READY and now < self.ends_at

    def is_open(self, now: datetime) -> bool:
        """Tells whether its owner may look at it."""
        return self.is_under_way or now < self.ends_at


class Handouts:
    """All handouts of this process; each says itself when it is over, so the store never ends one."""

    def __init__(self) -> None:
        self._handouts = ExpiringStore[str, Handout](_LIFETIME, wipe=_wipe)

    @staticmethod
    def end_of(now: datetime) -> datetime:
        """Returns when a handout that is ready now is wiped."""
        return now + _LIFETIME

    def add(self, handout: Handout, *, now: datetime) -> None:
        """Lets its owner look at it from now on."""
        self._handouts.put(handout.id, handout, now=now, is_held=True)

    def holds(self, handout: Handout, *, now: datetime) -> bool:
        """Tells whether it has not been wiped, so that somebody may still wait for it."""
        return self._handouts.find(handout.id, now=now) is not None

    def find(self, handout_id: str, owner: str, *, now: datetime) -> Handout | None:
        """Returns the handout; None if it is another session's, over, or was never there."""
        handout = self._handouts.find(handout_id, now=now)
        is_shown = handout is not None and handout.owner == owner and handout.is_open(now)
        return handout if is_shown else None

    def shown_to(self, owner: str, *, now: datetime) -> list[Handout]:
        """Returns the credentials that are ready, and that their owner may still look at, oldest first."""
        handouts = self.all(now=now)
        return [each for each in handouts if each.owner == owner and each.is_shown(now)]

    def wipe(self, handout_id: str, owner: str, *, now: datetime) -> None:
        """Wipes one that its owner is done with."""
        self._sweep(lambda handout: handout.id == handout_id and handout.owner == owner, now)

    def wipe_all_of(self, owner: str, *, now: datetime) -> None:
        """Wipes all of a session that is over."""
        self._sweep(lambda handout: handout.owner == owner, now)

    def all(self, *, now: datetime) -> list[Handout]:
        """Returns the handouts that have not been wiped."""
        return self._handouts.values(now=now)

    def sweep(self, alive: Collection[str], *, now: datetime) -> None:
        """Wipes those that are over, and those of sessions that are not alive."""
        self._sweep(lambda handout: not (handout.owner in alive and handout.is_open(now)), now)

    def _sweep(self, is_unwanted: Callable[[Handout], bool], now: datetime) -> None:
        if self._handouts.sweep(is_unwanted, now=now):
            gc.collect()  # printing leaves cycles behind, and passwords would stay in them for a while


def _wipe(handout: Handout) -> None:
    handout.credentials.clear()
    handout.letters.clear()
    handout.envelope = None
    handout.pdf = None
