"""Counts attempts that were rejected without a check, per pair and minute.

A flood must neither fill the disk nor keep the writer busy, so the counts are collected in memory and
written down once a second, and only so many pairs of a minute are kept apart.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from authbridge import background
from authbridge.errors import ConflictError, StorageError
from authbridge.storage.database import Database
from authbridge.storage.models import RejectedAttempts, table_of
from authbridge.storage.statements import upsert

_INTERVAL = 1.0  # seconds
_MOST_PAIRS = 500  # of one minute; attempts of further pairs are counted together
_MOST_MINUTES = 60  # held while the database does not answer

_KINDS = ("repeated", "locked", "unavailable")
_ADD = upsert(table_of(RejectedAttempts), key=("minute", "pair"), changed=_KINDS, add=True)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A pair to count; ``organiser_id`` is None for all unknown usernames, ``network`` for unknown ones."""

    organiser_id: int | None
    network: str | None


_ANYBODY = Rejected(None, None)

_Counts = dict[Rejected, Counter[str]]


class Rejections:
    """The counts since they were last written to the database."""

    def __init__(self) -> None:
        self._counts: dict[datetime, _Counts] = {}
        self._minute: datetime | None = None
        self._pairs: set[Rejected] = set()  # of this minute, also those that are written already
        self._lock = threading.Lock()

    def count(self, who: Rejected, kind: str, at: datetime) -> None:
        """Counts one more of that kind: ``repeated``, ``locked`` or ``unavailable``."""
        minute = at.replace(second=0, microsecond=0)
        with self._lock:
            if minute != self._minute:
                self._minute, self._pairs = minute, set()
            if len(self._pairs) < _MOST_PAIRS:
                self._pairs.add(who)
            counted = who if who in self._pairs else _ANYBODY
            self._counts.setdefault(minute, {}).setdefault(counted, Counter())[kind] += 1

    def write_down(self, database: Database) -> None:
        """Adds the counts to those in the database; if it does not answer, they stay for the next time."""
        while (taken := self._take_oldest()) is not None:
            minute, counts = taken
            try:
                _write(database, minute, counts)
            except ConflictError:
                pass  # an organiser was deleted meanwhile; one second of counts is not worth more
            except StorageError:
                self._put_back(minute, counts)
                raise

    def _take_oldest(self) -> tuple[datetime, _Counts] | None:
        with self._lock:
            if not self._counts:
                return None
            minute = min(self._counts)
            return minute, self._counts.pop(minute)

    def _put_back(self, minute: datetime, counts: _Counts) -> None:
        with self._lock:
            for who, kinds in counts.items():
                self._counts.setdefault(minute, {}).setdefault(who, Counter()).update(kinds)
            while len(self._counts) > _MOST_MINUTES:
                del self._counts[min(self._counts)]


def _write(database: Database, minute: datetime, counts: _Counts) -> None:
    with database.write_connection() as connection:
        # Always in one order: in two orders two services could wait for each other's rows (deadlock).
        for row in sorted(_rows(counts), key=lambda row: str(row["pair"])):
            connection.execute(_ADD, {"minute": minute, **row})


def _rows(counts: _Counts) -> Iterator[dict[str, object]]:
    for who, kinds in counts.items():
        yield {
            "organiser_id": who.organiser_id,
            "pair": f"{who.organiser_id or ''}@{who.network or ''}",
            "network": who.network or "",
            **{kind: kinds[kind] for kind in _KINDS},
        }


def start(rejections: Rejections, database: Database) -> threading.Thread:
    """Writes the counts down every second, for as long as the process lives."""
    return background.run_periodically(
        "rejections",
        lambda: rejections.write_down(database),
        every=_INTERVAL,
        after_failure=_INTERVAL,
    )
