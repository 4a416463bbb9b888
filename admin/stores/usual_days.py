"""The usual logins of a school day, counted once a day: the earlier days do not change any more."""

import threading
from datetime import date, tzinfo

from authbridge.login.bell import Usual, usual_logins
from authbridge.storage.database import Database


class UsualDays:
    """Holds what is usual as of the latest day that was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: tuple[date, Usual] | None = None

    def of(self, database: Database, *, today: date, timezone: tzinfo) -> Usual:
        """Returns what was usual before that day."""
        with self._lock:
            if self._latest is None or self._latest[0] != today:
                with database.read_session() as session:
                    self._latest = (today, usual_logins(session, today=today, timezone=timezone))
            return self._latest[1]
