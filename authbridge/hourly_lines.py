"""Logs what may happen thousands of times at most once an hour, and then how often it happened.

Security events leave a trace that way, and nobody fills the log with them.
"""

import logging
import threading
from datetime import datetime, timedelta

from authbridge.clock import is_within

_PAUSE = timedelta(hours=1)


class HourlyLines:
    """The lines of one process, with the moment of the last time that each was logged, and a count since."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._logged: dict[str, tuple[datetime, int]] = {}

    def note(self, line: str, *, now: datetime) -> None:
        """Logs the line as a warning, unless it was logged within the last hour; then it is counted.

        ``line`` is one of few: nothing that was sent stands in it.
        """
        with self._lock:
            logged_at, count = self._logged.get(line, (None, 0))
            is_due = logged_at is None or not is_within(_PAUSE, logged_at, now=now)
            self._logged[line] = (now, 0) if is_due or logged_at is None else (logged_at, count + 1)
        if is_due:
            self._log.warning("%s%s", line, f" ({count} more since the last such line)" if count else "")
