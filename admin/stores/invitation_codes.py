"""Codes of invitations that were just made: in memory, for the session that made them, for two minutes.

Long enough for the second click of a double click and for a reload; what is lost is made anew.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_KEPT = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class _Code:
    plain: str = field(repr=False)
    until: datetime


class Codes:
    """All codes of this process, by the session that made them and the name of whom they invite."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], _Code] = {}
        self._lock = threading.Lock()

    def add(self, owner: str, name: str, plain: str, *, now: datetime) -> None:
        """From now on its owner can see it."""
        with self._lock:
            self._codes[owner, name] = _Code(plain, now + _KEPT)

    def find(self, owner: str, name: str, *, now: datetime) -> str | None:
        """The code, for its own session and in time; else None."""
        with self._lock:
            code = self._codes.get((owner, name))
        return code.plain if code is not None and now < code.until else None

    def sweep(self, *, now: datetime) -> None:
        """Forgets what is over."""
        with self._lock:
            self._codes = {key: code for key, code in self._codes.items() if now < code.until}
