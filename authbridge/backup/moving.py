"""Moves a running installation from SQLite to another database; nothing that was acknowledged is lost.

At each moment at most one of the two lets services in.  Killed in between, the same command does the rest.
"""

from collections.abc import Mapping

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from authbridge.backup.contents import saved_tables
from authbridge.backup.files import BackupError
from authbridge.config import Config
from authbridge.storage import schema
from authbridge.storage.database import Database
from authbridge.storage.migrations import NEWEST
from authbridge.storage.models import RevocationFeed, table_of
from authbridge.storage.table_changes import catch_up
from authbridge.storage.table_copy import TABLES, Content, content_of, copy_tables

_feed = table_of(RevocationFeed)


def move(source: Database, target: Database, config: Config) -> Mapping[str, Content]:
    """Copies all rows, compares them, and closes the source; returns what the target holds, by table.

    Services go on while the rows are copied.  Then nobody writes to the source any more, and what has changed
    meanwhile is copied: seconds.  Its tables are renamed in the end, so that a service that still uses it
    finds none and refuses; logins and addresses are deleted from it.

    Raises:
        BackupError: The source is not SQLite, the target is in use, or not the one to which it was moved.
        StorageError: One of them does not answer.  If this was not the end, the source goes on.
    """
    if not source.is_sqlite:
        raise BackupError("The data are in PostgreSQL already; pg_dump and pg_restore move them from there.")
    if schema.version(source) == schema.MOVED:
        return _finish(source, target)
    schema.require_current(source)
    _prepare(source, target)
    with source.snapshot() as snapshot:
        with target.exclusive_session() as written:
            schema.set_version(written, schema.BEING_COPIED)
            copied = copy_tables(snapshot, written.connection(), TABLES)
        with source.exclusive_session() as session:
            with target.exclusive_session() as written:
                copied = catch_up(snapshot, session.connection(), written.connection(), copied)
            _close(session, config)
    source.empty_write_ahead_log()
    with target.write_session() as session:
        schema.set_version(session, NEWEST)
    return copied


def _prepare(source: Database, target: Database) -> None:
    """Makes the tables of the target; one that holds rows must be a copy of ours that was cut off."""
    if not target.exists() or schema.version(target) is None:
        schema.upgrade(target)
    with target.read_session() as session:
        if schema.version(target) == schema.BEING_COPIED and _epoch(session, _feed.name) == _epoch_of(source):
            return
        if schema.version(target) != NEWEST or any(_has_rows(session, table.name) for table in TABLES):
            raise BackupError(
                "The other database is not empty, and holds no copy of this one that was cut off. Nothing was"
                " changed."
            )


def _has_rows(session: Session, table: str) -> bool:
    # The feed's one row comes with its table.
    least = 1 if table == _feed.name else 0
    return (session.scalar(select(func.count()).select_from(text(table))) or 0) > least


def _epoch_of(source: Database) -> str | None:
    with source.read_session() as session:
        return _epoch(session, _feed.name)


def _epoch(session: Session, table: str) -> str | None:
    epoch: str | None = session.scalar(text(f"SELECT epoch FROM {table}"))  # noqa: S608 - our own names
    return epoch


def _close(session: Session, config: Config) -> None:
    saved = saved_tables(config)
    for table in reversed(TABLES):
        if table not in saved:  # nobody purges it any more
            session.execute(delete(table))
    for table in TABLES:
        session.execute(text(f"ALTER TABLE {table.name} RENAME TO {_moved(table.name)}"))
    schema.set_version(session, schema.MOVED)


def _moved(table: str) -> str:
    return f"moved_{table}"


def _finish(source: Database, target: Database) -> Mapping[str, Content]:
    with source.read_session() as session:
        epoch = _epoch(session, _moved(_feed.name))
    if schema.version(target) not in {NEWEST, schema.BEING_COPIED}:
        raise BackupError("The data were moved already, but not to that database.")
    with target.write_session() as session:
        if schema.version_in(session) == schema.BEING_COPIED:
            if _epoch(session, _feed.name) != epoch:
                raise BackupError("The data were moved already, but not to that database.")
            schema.set_version(session, NEWEST)
        connection = session.connection()
        return {table.name: content_of(connection, table) for table in TABLES}
