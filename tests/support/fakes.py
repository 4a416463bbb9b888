"""Stand-ins for what a test must steer: time, the work of hashing, and who meets whom."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from authbridge.login.limits import Limits
from authbridge.login.password_cache import PasswordCache
from authbridge.login.passwords import Hasher
from authbridge.login.typed_passwords import StoredPassword, TypedPassword

MORNING = datetime(2026, 11, 20, 7, 55, tzinfo=UTC)


class FakeClock:
    """A clock that stands until it is told to go on; ``now`` can be set, as people set a clock."""

    def __init__(self, now: datetime = MORNING) -> None:
        self.now = now
        self._since_boot = 0.0

    def __call__(self) -> datetime:
        """Returns the present moment."""
        return self.now

    def advance(self, **duration: float) -> None:
        """Goes on by ``timedelta(**duration)``."""
        self.now += timedelta(**duration)
        self._since_boot += timedelta(**duration).total_seconds()

    def since_boot(self) -> float:
        """Returns the seconds for which it has gone on, however it was set meanwhile."""
        return self._since_boot


@dataclass(frozen=True)
class CountingHasher(Hasher):
    """bcrypt at its least cost; keeps what it was asked to check, and lets something happen before."""

    cost: int = 4
    meanwhile: Callable[[], None] = lambda: None
    checked: list[str] = field(default_factory=list)

    def matches(self, typed: TypedPassword, stored: StoredPassword | None) -> bool:
        """Checks, once the other thing has happened."""
        self.checked.append(typed.text)
        self.meanwhile()
        return super().matches(typed, stored)

    @property
    def checks(self) -> int:
        """Returns how many passwords were hashed."""
        return len(self.checked)


class WatchedMark(bytes):
    """A mark that tells when an equal one is looked up beside it."""

    met: threading.Event

    def __new__(cls, cache_key: bytes, met: threading.Event) -> Self:
        """Returns the same bytes; ``met`` is set at the meeting."""
        watched = super().__new__(cls, cache_key)
        watched.met = met
        return watched

    def __eq__(self, other: object) -> bool:
        """Compares, as a dictionary does that holds the one and is asked for the other."""
        is_equal = super().__eq__(other) is True
        if is_equal:
            self.met.set()
        return is_equal

    __hash__ = bytes.__hash__


class WatchedMemory(PasswordCache):
    """A memory that tells when two attempts of one name with one password are under way."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits, remember=True)
        self.met = threading.Event()

    def cache_key(self, *parts: str) -> bytes:
        """Returns the key, watched."""
        return WatchedMark(super().cache_key(*parts), self.met)
