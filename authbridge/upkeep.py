"""Deletes what is too old: hourly by the service itself, and whenever an administrator asks."""

import logging
import threading
from datetime import timedelta

from authbridge import journal, ledger
from authbridge.clock import Clock
from authbridge.database import Database
from authbridge.errors import StorageError
from authbridge.policy import Limits

_INTERVAL = 3600  # seconds
_RETRY = 60  # seconds after a failure

_log = logging.getLogger(__name__)


def purge(database: Database, *, clock: Clock, retention: timedelta, limits: Limits) -> None:
    """Deletes everything older than it may be, in short transactions, from SQLite's second file too."""
    more = True
    while more:
        with database.writing() as session:
            more = journal.purge_batch(session, now=clock(), retention=retention)
    with database.writing() as session:
        ledger.purge(session, now=clock(), limits=limits)
    database.empty_write_ahead_log()
    with database.writing() as session:
        journal.mark_purged(session, now=clock())


def start(database: Database, *, clock: Clock, retention: timedelta, limits: Limits) -> threading.Thread:
    """Purges now and every hour, for as long as the process lives."""

    def run() -> None:
        pause = threading.Event()
        while True:
            try:
                purge(database, clock=clock, retention=retention, limits=limits)
            except StorageError as error:
                _log.error("purge: %s", error)
                pause.wait(_RETRY)
            else:
                pause.wait(_INTERVAL)

    thread = threading.Thread(target=run, name="upkeep", daemon=True)
    thread.start()
    return thread
