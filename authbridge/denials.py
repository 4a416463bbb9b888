"""The journal of attempts that were turned away without a check: counted per pair and minute.

A flood must neither fill the disk nor keep the writer busy, so the counts are collected in memory and
written down once a second.
"""

import logging
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects import postgresql

from authbridge.database import Database
from authbridge.errors import ConflictError, StorageError
from authbridge.models import DeniedAttempts, table_of

_INTERVAL = 1.0  # seconds
_MOST = 10_000  # pairs held while the database does not answer

_log = logging.getLogger(__name__)

_denied = table_of(DeniedAttempts)


@dataclass(frozen=True, slots=True)
class Denied:
    """Whom to count; ``organiser_id`` None for all names that are nobody's, ``network`` for unknown ones."""

    organiser_id: int | None
    network: str | None


class Denials:
    """What was turned away since it was last written down."""

    def __init__(self) -> None:
        self._counts: dict[tuple[datetime, Denied], Counter[str]] = {}
        self._lock = threading.Lock()

    def count(self, who: Denied, kind: str, at: datetime) -> None:
        """One more of that kind: ``repeated``, ``locked`` or ``unavailable``."""
        key = (at.replace(second=0, microsecond=0), who)
        with self._lock:
            if key in self._counts or len(self._counts) < _MOST:
                self._counts.setdefault(key, Counter())[kind] += 1

    def write_down(self, database: Database) -> None:
        """Adds the counts to the database's; what cannot be written is kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, {}
        if not counts:
            return
        try:
            with database.writing() as session:
                for (minute, who), kinds in sorted(counts.items(), key=lambda item: str(item[0])):
                    session.execute(_added(minute, who, kinds))
        except ConflictError:
            pass  # an organiser was deleted meanwhile; one second of counts is not worth more
        except StorageError:
            self._put_back(counts)
            raise

    def _put_back(self, counts: dict[tuple[datetime, Denied], Counter[str]]) -> None:
        with self._lock:
            for key, kinds in counts.items():
                if key in self._counts or len(self._counts) < _MOST:
                    self._counts.setdefault(key, Counter()).update(kinds)


def _added(minute: datetime, who: Denied, kinds: Counter[str]) -> postgresql.Insert:
    numbers = {kind: kinds[kind] for kind in ("repeated", "locked", "unavailable")}
    # PostgreSQL's upsert; SQLAlchemy writes it for SQLite in the same words.
    new = postgresql.insert(_denied).values(
        minute=minute,
        organiser_id=who.organiser_id,
        pair=f"{who.organiser_id or ''}@{who.network or ''}",
        network=who.network or "",
        **numbers,
    )
    return new.on_conflict_do_update(
        index_elements=["minute", "pair"],
        set_={kind: _denied.c[kind] + new.excluded[kind] for kind in numbers},
    )


def start(denials: Denials, database: Database) -> threading.Thread:
    """Writes the counts down every second, for as long as the process lives."""

    def run() -> None:
        pause = threading.Event()
        while True:
            pause.wait(_INTERVAL)
            try:
                denials.write_down(database)
            except StorageError as error:
                _log.error("journal of denials: %s", error)

    thread = threading.Thread(target=run, name="denials", daemon=True)
    thread.start()
    return thread
