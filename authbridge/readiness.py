"""Tells whether the service can do its work right now, in words for the administrator."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from authbridge.clock import is_within
from authbridge.errors import StorageError
from authbridge.login import journal
from authbridge.storage.database import Database

PURGE_OVERDUE = timedelta(hours=2)  # the service deletes each hour
_FRESH = timedelta(seconds=3)
_LITTLE_ROOM = 100 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class ReadinessReport:
    """``words`` has "ok", or the fault, for each part."""

    words: dict[str, str]

    @property
    def ready(self) -> bool:
        """Tells whether all parts are in order."""
        return all(word == "ok" for word in self.words.values())


class Readiness:
    """The latest report, made anew after some seconds: it costs a write, and anybody may ask."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._latest: tuple[datetime, ReadinessReport] | None = None

    def report(self, *, now: datetime) -> ReadinessReport:
        """Returns the present report, or that of a few seconds ago."""
        with self._lock:
            if self._latest is None or not is_within(_FRESH, self._latest[0], now=now):
                self._latest = (now, examine(self._database, now=now))
            return self._latest[1]


def examine(database: Database, *, now: datetime) -> ReadinessReport:
    """Tries a write, and looks at the last purge and the room on the disk."""
    try:
        with database.write_session() as session:
            journal.touch(session, now=now)
            purged_at = journal.last_purge(session)
    except StorageError:
        return ReadinessReport({"storage": "cannot be written", "purge": "unknown", "disk": _disk(database)})
    return ReadinessReport({"storage": "ok", "purge": _purge(purged_at, now), "disk": _disk(database)})


def purge_is_overdue(purged_at: datetime | None, *, now: datetime) -> bool:
    """Tells whether the last deletion of old rows is too long ago; None: there was none."""
    return purged_at is None or now - purged_at > PURGE_OVERDUE


def _purge(purged_at: datetime | None, now: datetime) -> str:
    if purged_at is None:
        return "old rows were never deleted"
    if purge_is_overdue(purged_at, now=now):
        return f"old rows were last deleted at {purged_at:%Y-%m-%d %H:%M} UTC"
    return "ok"


def _disk(database: Database) -> str:
    try:
        free = database.free_bytes()
    except OSError:
        return "cannot be seen"
    if free is None or free >= _LITTLE_ROOM:
        return "ok"
    return f"only {free // 1024**2} MiB are free"
