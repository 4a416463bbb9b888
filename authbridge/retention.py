"""Deletes everything that is older than it may be: hourly by the service, and when an administrator asks.

Each room purges its own tables; this module calls them.
"""

import threading
from datetime import timedelta
from functools import partial

from authbridge import audit, background, deletion_records
from authbridge.clock import Clock
from authbridge.doctor import reports as machine_reports
from authbridge.holds import commands as holds
from authbridge.login import failures, journal
from authbridge.login.limits import Limits
from authbridge.misuse import commands as misuse
from authbridge.revocations import feed, reports, rule_counts
from authbridge.schools.commands import organisers, print_jobs, report_codes, suspensions
from authbridge.staff import sessions
from authbridge.statistics import counting
from authbridge.storage.database import Database
from authbridge.synthetic_login import records as synthetic_logins

_INTERVAL = 3600  # seconds
_RETRY = 60  # seconds after a failure


def purge(database: Database, *, clock: Clock, retention: timedelta, limits: Limits) -> None:
    """Deletes everything older than it may be, in short transactions, from SQLite's second file too.

    Raises:
        StorageError: The database does not answer.
    """
    for purge_batch in (
        partial(journal.purge_batch, retention=retention),
        partial(failures.purge_batch, limits=limits),
        sessions.purge_batch,
        feed.purge_batch,
    ):
        more = True
        while more:
            with database.write_session() as session:
                more = purge_batch(session, now=clock())
    with database.write_session() as session:
        for purge_rows in (
            partial(audit.purge, retention=retention),
            misuse.purge,
            holds.purge,
            suspensions.purge,
            organisers.purge,
            report_codes.purge,
            print_jobs.purge,
            reports.purge,
            rule_counts.purge,
            machine_reports.purge,
            deletion_records.purge,
            synthetic_logins.purge,
            counting.purge,
        ):
            purge_rows(session, now=clock())
    database.empty_write_ahead_log()
    with database.write_session() as session:
        journal.mark_purged(session, now=clock())


def start(database: Database, *, clock: Clock, retention: timedelta, limits: Limits) -> threading.Thread:
    """Starts a thread that purges now and every hour, for as long as the process lives."""
    job = partial(purge, database, clock=clock, retention=retention, limits=limits)
    return background.run_periodically("purge", job, every=_INTERVAL, after_failure=_RETRY)
