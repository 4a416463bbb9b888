"""Deletes what is too old: hourly by the service itself, and whenever an administrator asks."""

import threading
from datetime import timedelta
from functools import partial

from authbridge import background
from authbridge.clock import Clock
from authbridge.login import failures, journal
from authbridge.login.policy import Limits
from authbridge.revocations import feed
from authbridge.staff import sessions
from authbridge.storage.database import Database

_INTERVAL = 3600  # seconds
_RETRY = 60  # seconds after a failure


def purge(database: Database, *, clock: Clock, retention: timedelta, limits: Limits) -> None:
    """Deletes everything older than it may be, in short transactions, from SQLite's second file too."""
    for batch in (
        partial(journal.purge_batch, retention=retention),
        partial(failures.purge_batch, limits=limits),
        sessions.purge_batch,
        feed.purge_batch,
    ):
        more = True
        while more:
            with database.write_session() as session:
                more = batch(session, now=clock())
    with database.write_session() as session:
        journal.forget(session, now=clock(), retention=retention)
    database.empty_write_ahead_log()
    with database.write_session() as session:
        journal.mark_purged(session, now=clock())


def start(database: Database, *, clock: Clock, retention: timedelta, limits: Limits) -> threading.Thread:
    """Purges now and every hour, for as long as the process lives."""
    duty = partial(purge, database, clock=clock, retention=retention, limits=limits)
    return background.repeat("purge", duty, every=_INTERVAL, after_failure=_RETRY)
