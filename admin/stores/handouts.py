"""Credentials that were just made, in plain text: in memory, for ten minutes, for one session."""

import gc
import secrets
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from authbridge.errors import AuthBridgeError
from authbridge.letters import Language
from authbridge.schools.commands.organisers import IssuedCredential

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

    ``owner`` is the hash of the session's id. ``error`` is for the person who waits: on FAILED nothing was
    issued, on READY only the letters are missing.
    """

    owner: str
    username: str | None  # the organiser with the new password; None for new organisers
    school_code: str
    school_name: str
    total: int
    language: Language
    valid_until: date | None
    ends_at: datetime
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    step: Step = Step.HASHING
    done: int = 0
    error: AuthBridgeError | None = None
    print_job: str = ""
    credentials: list[IssuedCredential] = field(default_factory=list, repr=False)
    pdf: bytes | None = field(default=None, repr=False)

    @property
    def is_under_way(self) -> bool:
        """Whether the work goes on: the ten minutes begin when it has ended."""
        return self.step in {Step.HASHING, Step.PRINTING}

    def is_open(self, now: datetime) -> bool:
        """Tells whether its owner may look at it."""
        return self.is_under_way or now < self.ends_at


class Handouts:
    """All handouts of this process."""

    def __init__(self) -> None:
        self._handouts: dict[str, Handout] = {}
        self._lock = threading.Lock()

    @staticmethod
    def end_of(now: datetime) -> datetime:
        """Returns when a handout that is ready now is wiped."""
        return now + _LIFETIME

    def add(self, handout: Handout) -> None:
        """Lets its owner look at it from now on."""
        with self._lock:
            self._handouts[handout.id] = handout

    def holds(self, handout: Handout) -> bool:
        """Tells whether it has not been wiped, so that somebody may still wait for it."""
        with self._lock:
            return handout.id in self._handouts

    def find(self, handout_id: str, owner: str, *, now: datetime) -> Handout | None:
        """Returns the handout; None if it is another session's, over, or was never there."""
        with self._lock:
            handout = self._handouts.get(handout_id)
        is_shown = handout is not None and handout.owner == owner and handout.is_open(now)
        return handout if is_shown else None

    def wipe(self, handout_id: str, owner: str) -> None:
        """Wipes one that its owner is done with."""
        self._keep(lambda handout: not (handout.id == handout_id and handout.owner == owner))

    def wipe_all_of(self, owner: str) -> None:
        """Wipes all of a session that is over."""
        self._keep(lambda handout: handout.owner != owner)

    def owners(self) -> set[str]:
        """Returns the sessions that have a handout."""
        with self._lock:
            return {handout.owner for handout in self._handouts.values()}

    def sweep(self, alive: Collection[str], *, now: datetime) -> None:
        """Wipes those that are over, and those of sessions that are not alive."""
        self._keep(lambda handout: handout.owner in alive and handout.is_open(now))

    def _keep(self, is_kept: Callable[[Handout], bool]) -> None:
        with self._lock:
            gone = [handout for handout in self._handouts.values() if not is_kept(handout)]
            for handout in gone:
                del self._handouts[handout.id]
        for handout in gone:
            handout.credentials.clear()
            handout.pdf = None
        if gone:
            gc.collect()  # printing leaves cycles behind, and passwords would stay in them for a while
