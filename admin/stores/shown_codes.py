"""Codes that were just made, for the session that made them: of invitations, and for heads of schools."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from authbridge.expiring_store import ExpiringStore

LIFETIME = timedelta(minutes=2)  # for a double click, a reload and the printer; a lost code is made anew


class ShownCodes(ExpiringStore[tuple[str, str], str]):
    """All codes of one kind, by the hash of the session's id and the school or the person they are for."""

    def __init__(self) -> None:
        super().__init__(LIFETIME)

    def owners(self, *, now: datetime) -> set[str]:
        """Returns the hashes of the ids of the sessions that have any."""
        return {owner for (owner, _subject), _code in self.items(now=now)}

    def wipe_all_of(self, owner: str, *, now: datetime) -> None:
        """Wipes all of a session that is over."""
        self._wipe_where(lambda each: each == owner, now)

    def sweep_sessions(self, alive: Collection[str], *, now: datetime) -> None:
        """Wipes those of sessions that are not alive."""
        self._wipe_where(lambda each: each not in alive, now)

    def _wipe_where(self, is_over: Callable[[str], bool], now: datetime) -> None:
        over = [key for key, _code in self.items(now=now) if is_over(key[0])]
        for key in over:
            self.take(key, now=now)
