"""Counts of logins that do not change any more, so that no page counts them anew."""

import threading
from datetime import date, datetime, timedelta, tzinfo

from authbridge.login.bell import STEP, Count, Usual, count_logins, usual_logins
from authbridge.storage.database import Database

_SETTLES = timedelta(minutes=10)  # a login is answered, and in the journal, within seconds


class LoginCounts:
    """Holds the counts of this morning, and what is usual as of the latest day that was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settled: tuple[Count, ...] = ()
        self._usual: tuple[date, Usual] | None = None

    def today(self, database: Database, *, now: datetime, timezone: tzinfo) -> tuple[Count, ...]:
        """Returns the counts of today so far, each five minutes."""
        with self._lock:
            with database.read_session() as session:
                counts = count_logins(session, now=now, timezone=timezone, known=self._settled)
            self._settled = tuple(each for each in counts if each.at + STEP + _SETTLES <= now)
            return counts

    def usual(self, database: Database, *, today: date, timezone: tzinfo) -> Usual:
        """Returns what was usual before that day."""
        with self._lock:
            if self._usual is None or self._usual[0] != today:
                with database.read_session() as session:
                    self._usual = (today, usual_logins(session, today=today, timezone=timezone))
            return self._usual[1]
