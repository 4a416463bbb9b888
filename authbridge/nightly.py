"""Once a night: deletes, writes the tables anew, and records what is left.

A row that is deleted during the day can still be read in the files of the database; after the night it
cannot.  So the bytes of a login are gone a day after their limit at the latest.
"""

import threading
from datetime import datetime, time, timedelta
from functools import partial

from sqlalchemy.orm import Session

from authbridge import background, deletion_records, retention
from authbridge.clock import Clock
from authbridge.config import Config
from authbridge.data_protection.descriptions import KeptFor, beginning_of
from authbridge.data_protection.live import TableState, count_rows, table_states
from authbridge.deletion_records import DeletionRecord, LogRecord, TableLeft
from authbridge.doctor.reports import kept_reports
from authbridge.storage.database import Database
from authbridge.storage.rewriting import rewrite

_NIGHT = time(3)  # by the operator's clock: nobody logs in, and backups of the night are made
_INTERVAL = 1800  # seconds
_RETRY = 600  # seconds after a failure: a try may have filled a disk of which nothing is seen here
_OF_LOGS = "log"  # with which the ids of machine.checks.logs begin


def start(database: Database, config: Config, *, clock: Clock) -> threading.Thread:
    """Starts a thread that does it every night, or as soon as it can after a night in which nobody ran."""
    job = partial(_run_if_due, database, config, clock=clock)
    return background.run_periodically("nightly", job, every=_INTERVAL, after_failure=_RETRY)


def run(database: Database, config: Config, *, clock: Clock) -> DeletionRecord:
    """Deletes everything older than it may be, from the files too; keeps and returns the record.

    Raises:
        StorageError: The database does not answer, or somebody holds a table for too long.
    """
    retention.purge(
        database, clock=clock, retention=timedelta(days=config.retention_days), limits=config.limits
    )
    log_emptied = rewrite(database)
    with database.write_session() as session:
        record = _record(session, config, log_emptied=log_emptied, now=clock())
        deletion_records.keep(session, record)
    return record


def is_due(made_at: datetime | None, config: Config, *, now: datetime) -> bool:
    """Tells whether nobody has done it since the latest night; a run later than now was by a wrong clock."""
    local = now.astimezone(config.timezone)
    night = datetime.combine(local.date(), _NIGHT, config.timezone)
    if local < night:
        night -= timedelta(days=1)
    return made_at is None or not night <= made_at <= now


def _run_if_due(database: Database, config: Config, *, clock: Clock) -> None:
    with database.read_session() as session:
        made_at = deletion_records.last_made_at(session)
    if is_due(made_at, config, now=clock()):
        run(database, config, clock=clock)


def _record(session: Session, config: Config, *, log_emptied: bool, now: datetime) -> DeletionRecord:
    return DeletionRecord(
        now.astimezone(config.timezone).date(),
        now,
        log_emptied,
        [_table_record(session, state, config, now) for state in table_states(session, config, now)],
        [
            LogRecord(
                report.machine,
                report.examined_at,
                [each for each in report.findings if each.id.startswith(_OF_LOGS)],
            )
            for report in kept_reports(session)
        ],
    )


def _table_record(session: Session, state: TableState, config: Config, now: datetime) -> TableLeft:
    kept = state.described.kept
    return TableLeft(
        state.described.table.name,
        count_rows(session, state.described),
        state.oldest,
        beginning_of(kept.period(config), now) if isinstance(kept, KeptFor) else None,
        state.is_overdue,
        state.held,
        state.held_until,
    )
