"""Takes a backup: the rows of one moment, without what may not outlive it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from authbridge import retention
from authbridge.backup.contents import HORIZON, saved_tables
from authbridge.config import Config
from authbridge.storage import job_runs, schema
from authbridge.storage.database import Database, MemoryDatabase
from authbridge.storage.models import JobRun, table_of
from authbridge.storage.table_copy import copy_tables


@dataclass(frozen=True, slots=True)
class Taken:
    """A SQLite database, and the number of rows of each table in it."""

    content: bytes = field(repr=False)
    counts: Mapping[str, int]


def take(database: Database, config: Config, *, now: datetime) -> Taken:
    """Returns a SQLite database with all schools, accounts, staff and the audit; in memory alone.

    Logins go on meanwhile.  What will have to be gone while the backup is still kept is not in it.

    Raises:
        StorageError: The database does not answer.
    """
    saved = set(saved_tables(config))
    jobs = table_of(JobRun)
    copy = MemoryDatabase()
    try:
        schema.upgrade(copy)
        with database.snapshot() as source:
            with copy.write_connection() as target:
                copied = copy_tables(source, target, saved)
            later = now + HORIZON
            # No address at all, however long the operator keeps them.
            retention.purge(copy, clock=lambda: later, retention=timedelta(0), limits=config.limits)
            with copy.write_session() as session:
                # Once more, for the purge has noted a moment to come.
                copy_tables(source, session.connection(), [jobs])
                job_runs.note_done(session, job_runs.BACKUP, now=now)
        return Taken(copy.content(), {name: each.rows for name, each in copied.items()})
    finally:
        copy.close()
