"""Credentials that were just made, in plain text: in memory, for ten minutes, for one session."""

import gc
import secrets
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from authbridge.commands.organisers import IssuedCredential
from authbridge.errors import AuthBridgeError
from authbridge.letters import Language

_KEPT = timedelta(minutes=10)


class Step(StrEnum):
    """How far the work on a slip has come."""

    HASHING = "hashing"
    PRINTING = "printing"
    READY = "ready"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Slip:
    """What is shown once; ``owner`` is the hash of the session's id.  Whoever works on it changes it.

    ``fault`` has the sentence for the person who waits: on FAILED nothing was issued, on READY only the
    letters are missing.
    """

    owner: str
    username: str | None  # whose new password it is; None for new organisers
    school_code: str
    school_name: str
    total: int
    language: Language
    valid_until: date | None
    ends_at: datetime
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    step: Step = Step.HASHING
    done: int = 0
    fault: AuthBridgeError | None = None
    print_job: str = ""
    credentials: list[IssuedCredential] = field(default_factory=list, repr=False)
    pdf: bytes | None = field(default=None, repr=False)

    @property
    def is_under_way(self) -> bool:
        """Whether its work goes on: its ten minutes begin when it is ready."""
        return self.step in {Step.HASHING, Step.PRINTING}


class Slips:
    """All slips of this process."""

    def __init__(self) -> None:
        self._slips: dict[str, Slip] = {}
        self._lock = threading.Lock()

    @staticmethod
    def end_of(now: datetime) -> datetime:
        """When a slip that is ready now is wiped."""
        return now + _KEPT

    def add(self, slip: Slip) -> None:
        """From now on its owner can look at it."""
        with self._lock:
            self._slips[slip.id] = slip

    def holds(self, slip: Slip) -> bool:
        """Whether somebody still waits for it."""
        with self._lock:
            return slip.id in self._slips

    def find(self, slip_id: str, owner: str, *, now: datetime) -> Slip | None:
        """The slip, for its own session and in time; else None, be it another's, over or never there."""
        with self._lock:
            slip = self._slips.get(slip_id)
        if slip is None or slip.owner != owner:
            return None
        return slip if slip.is_under_way or now < slip.ends_at else None

    def wipe(self, slip_id: str, owner: str) -> None:
        """Its owner is done with it."""
        self._keep(lambda slip: not (slip.id == slip_id and slip.owner == owner))

    def wipe_all_of(self, owner: str) -> None:
        """The session is over."""
        self._keep(lambda slip: slip.owner != owner)

    def owners(self) -> set[str]:
        """Whose slips there are."""
        with self._lock:
            return {slip.owner for slip in self._slips.values()}

    def sweep(self, alive: Collection[str], *, now: datetime) -> None:
        """Wipes what is over, and what belongs to sessions that are not alive."""
        self._keep(lambda slip: slip.owner in alive and (slip.is_under_way or now < slip.ends_at))

    def _keep(self, is_kept: Callable[[Slip], bool]) -> None:
        with self._lock:
            gone = [slip for slip in self._slips.values() if not is_kept(slip)]
            for slip in gone:
                del self._slips[slip.id]
        for slip in gone:
            slip.credentials.clear()
            slip.pdf = None
        if gone:
            gc.collect()  # what printing left behind refers to itself, and would stay for a while
