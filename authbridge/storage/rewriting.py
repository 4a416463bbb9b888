"""Writes the tables anew, so that the bytes of deleted rows are gone from the files, too.

A database that deletes a row only notes that its place is free.  SQLite wipes the place (``secure_delete``),
but leaves copies in the gap of a page that was split; PostgreSQL wipes nothing until another row needs the
place, and keeps what was written in its write-ahead log until it uses that file again.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from authbridge.errors import StorageError
from authbridge.storage.database import Database
from authbridge.storage.models import Base

_ONE_AT_A_TIME = 0x61757468  # the key of PostgreSQL's advisory lock
_OWNS_STATISTICS = "SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()"
_COPIES = 3  # of what is written at once: a temporary one, the log, and as much again for others
_MEBIBYTE = 1024**2
_LARGEST = "SELECT coalesce(max(pg_total_relation_size(relid)), 0) FROM pg_stat_user_tables"
_TRIES = 10  # at the log of SQLite, which somebody may be reading
_PAUSE = 1  # seconds
_LOCK_PATIENCE = 3000  # milliseconds; logins that come meanwhile wait behind us


def rewrite(database: Database) -> bool:
    """Writes every table into a new file, and empties the write-ahead log; returns whether that was possible.

    PostgreSQL lets a role empty the log that has the rights of ``deploy/README.md``; in replicas and archives
    it stays for as long as the operator wants.  Logins wait while a table that they need is written: moments,
    and seconds for 100,000 organisers.

    Raises:
        StorageError: The database does not answer, somebody holds a table for too long, or there is too
            little room on the disk.
    """
    with database.own_connection() as connection:
        _require_room(database, connection)
        if not database.is_sqlite:
            return _rewrite_postgresql(connection)
        connection.execute("VACUUM")
        return _empty_log_of_sqlite(connection)


def _require_room(database: Database, connection: Any) -> None:  # noqa: ANN401 - of either driver
    """Checks that the copies fit: of SQLite's file, of the largest table of a PostgreSQL whose disk we see.

    Else logins would find the disk full meanwhile.  Without room for its log PostgreSQL panics, and does not
    start again: the half copy still fills the disk.
    """
    free = database.free_bytes()
    if free is None:
        return
    if database.file is not None:
        size = database.file.stat().st_size
    else:
        [size] = connection.execute(_LARGEST).fetchone()
    needed = _COPIES * size
    if free < needed:
        raise StorageError(
            f"To wipe what was deleted, {needed // _MEBIBYTE} MiB are needed in {database.folder}, and"
            f" {free // _MEBIBYTE} are free."
        )


def _empty_log_of_sqlite(connection: Any) -> bool:  # noqa: ANN401
    """Empties the log as soon as nobody reads from it."""
    for _ in range(_TRIES):
        is_busy, _pages, _copied = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not is_busy:
            return True
        time.sleep(_PAUSE)
    return False


def _rewrite_postgresql(connection: Any) -> bool:  # noqa: ANN401 - the driver's, which may not be installed
    connection.execute("SET statement_timeout = 0")
    connection.execute(f"SET lock_timeout = {_LOCK_PATIENCE}")
    with _alone(connection):
        for table in Base.metadata.sorted_tables:
            connection.execute(f"VACUUM (FULL, ANALYZE) {table.name}")
        # The planner's statistics hold values of rows: of those before ANALYZE, in rows that it has deleted.
        connection.execute("VACUUM (FULL) pg_catalog.pg_statistic")
        (owns_statistics,) = connection.execute(_OWNS_STATISTICS).fetchone()
        return _empty_log(connection) and owns_statistics


@contextmanager
def _alone(connection: Any) -> Iterator[None]:  # noqa: ANN401
    (is_ours,) = connection.execute("SELECT pg_try_advisory_lock(%s)", (_ONE_AT_A_TIME,)).fetchone()
    if not is_ours:
        raise StorageError("Another service writes the tables anew at this moment.")
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", (_ONE_AT_A_TIME,))


def _empty_log(connection: Any) -> bool:  # noqa: ANN401
    """Lets the log begin a new file, and those before it be deleted."""
    psycopg: Any = sys.modules["psycopg"]
    try:
        (begun,) = connection.execute("SELECT clock_timestamp()").fetchone()
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")
        (oldest,) = connection.execute("SELECT min(modification) FROM pg_ls_waldir()").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return False
    is_emptied: bool = oldest >= begun.replace(microsecond=0)
    return is_emptied
