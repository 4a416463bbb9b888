"""Notices within milliseconds that something was committed, by whichever process, and tells the others.

SQLite counts the commits of others, and asking for the count reads shared memory; PostgreSQL tells whoever
listens.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from authbridge.storage.database import Database

Wait = Callable[[float], bool]
"""Waits so many seconds at most; returns whether something may have changed since the last call."""

_CHANNEL = "authbridge_revocations"
_TICK = 0.015  # seconds between two looks at SQLite's count: 25 ms are allowed, and a look takes microseconds


def notify(session: Session) -> None:
    """Tells the watchers of other processes, once this transaction is committed."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite's count changes by itself
        session.execute(text(f"NOTIFY {_CHANNEL}"))


@contextmanager
def watching(database: Database) -> Iterator[Wait]:
    """A connection that watches; ``wait`` and this raise :class:`authbridge.errors.StorageError`."""
    with database.own_connection() as driver:
        yield _watch_sqlite(driver) if database.is_sqlite else _listen(driver)


def _watch_sqlite(driver: Any) -> Wait:  # noqa: ANN401 - either driver's connection
    def count() -> int:
        (number,) = driver.execute("PRAGMA data_version").fetchone()
        return int(number)

    seen = count()

    def wait(seconds: float) -> bool:
        nonlocal seen
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(_TICK)  # first of all: while hundreds log in, every look finds something
            if (now_seen := count()) != seen:
                seen = now_seen
                return True
        return False

    return wait


def _listen(driver: Any) -> Wait:  # noqa: ANN401 - either driver's connection
    driver.execute(f"LISTEN {_CHANNEL}")

    def wait(seconds: float) -> bool:
        return any(True for _ in driver.notifies(timeout=seconds, stop_after=1))

    return wait
