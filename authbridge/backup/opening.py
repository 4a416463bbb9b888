"""Opens a backup, and proves that it is whole and of a version that this program knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from authbridge.backup.files import BackupError
from authbridge.errors import StorageError
from authbridge.storage import job_runs, schema
from authbridge.storage.database import MemoryDatabase
from authbridge.storage.table_copy import TABLES


@dataclass(frozen=True, slots=True)
class Backup:
    """An open backup, at this program's version; ``counts`` has the number of rows by table."""

    database: MemoryDatabase
    taken_at: datetime | None
    counts: dict[str, int]


@contextmanager
def open_backup(content: bytes) -> Iterator[Backup]:
    """Opens a SQLite database of ours; one of an earlier version is brought to this one, in memory.

    Raises:
        BackupError: It is damaged, or of a later version.
    """
    database = _open(content)
    try:
        with database.read_session() as session:
            counts = {
                table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES
            }
            taken_at = job_runs.last_done(session, job_runs.BACKUP)
        yield Backup(database, taken_at, counts)
    finally:
        database.close()


def _open(content: bytes) -> MemoryDatabase:
    try:
        database = MemoryDatabase(content)
        _require_whole(database)
        version = schema.version(database)
    except StorageError as error:
        raise BackupError("The backup is damaged: %(reason)s", reason=error) from error
    if version is None:
        raise BackupError("The file is a database, but none of AuthBridge.")
    try:
        schema.upgrade(database)
    except StorageError as error:
        words = "The backup is of version %(version)s, which this program does not know: it is too old."
        raise BackupError(words, version=version) from error
    return database


def _require_whole(database: MemoryDatabase) -> None:
    with database.read_connection() as connection:
        for question in ("PRAGMA integrity_check", "PRAGMA foreign_key_check"):
            faults = [row[0] for row in connection.exec_driver_sql(question) if row[0] != "ok"]
            if faults:
                raise BackupError("The backup is damaged: %(reason)s.", reason=faults[0])
