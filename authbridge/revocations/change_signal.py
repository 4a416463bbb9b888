"""Signals within milliseconds, across processes, that a transaction was committed.

SQLite counts the commits of other connections, and reading that count reads shared memory; PostgreSQL
notifies the connections that listen.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from authbridge.storage.database import Database

Wait = Callable[[float], bool]
"""Waits that many seconds at most; returns whether something may have changed since the last call."""

_CHANNEL = "authbridge_revocations"
_TICK = 0.015  # seconds between two looks at SQLite's count: 25 ms are allowed, and a look takes microseconds


def notify(session: Session) -> None:
    """Notifies the listeners of other processes, once this transaction is committed."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite's count changes by itself
        session.execute(text(f"NOTIFY {_CHANNEL}"))


@contextmanager
def listen(database: Database) -> Iterator[Wait]:
    """Listens on a connection of its own.

    Raises:
        StorageError: The database does not answer; the :data:`Wait` raises it, too.
    """
    with database.own_connection() as driver:
        yield _listen_to_sqlite(driver) if database.is_sqlite else _listen_to_postgresql(driver)


def _listen_to_sqlite(driver: Any) -> Wait:  # noqa: ANN401 - either driver's connection
    def count() -> int:
        (number,) = driver.execute("PRAGMA data_version").fetchone()
        return int(number)

    seen = count()

    def wait(seconds: float) -> bool:
        nonlocal seen
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # Before the first look: while hundreds log in, every look finds a commit, and a wait that never
            # sleeps would take a core.
            time.sleep(_TICK)
            if (now_seen := count()) != seen:
                seen = now_seen
                return True
        return False

    return wait


def _listen_to_postgresql(driver: Any) -> Wait:  # noqa: ANN401 - either driver's connection
    driver.execute(f"LISTEN {_CHANNEL}")

    def wait(seconds: float) -> bool:
        return any(True for _ in driver.notifies(timeout=seconds, stop_after=1))

    return wait
