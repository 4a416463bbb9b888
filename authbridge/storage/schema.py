"""Brings the database to the version of this program, with Alembic, and tells whether it is there."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from authbridge.errors import StorageError
from authbridge.storage.database import Database
from authbridge.storage.migrations import NEWEST

MOVED = "moved"
"""The version of a database whose data stand in another one now."""

BEING_COPIED = "being-copied"
"""The version of a database into which another one is being copied."""

_UNUSABLE = {
    MOVED: "The data of this database were moved to another one, which AUTHBRIDGE_DATABASE_URL must name.",
    BEING_COPIED: "A copy into this database was cut off. Please give the command again: authbridge db copy",
}


def upgrade(database: Database) -> None:
    """Creates the tables, or changes them to this version; a second call does nothing.

    Raises:
        StorageError: The tables are of a version that this program does not know.
    """
    database.create_file()
    _migrate(database, lambda alembic, config: alembic.upgrade(config, "head"))


def downgrade(database: Database) -> None:
    """Takes the tables one version back.

    Raises:
        StorageError: There is no earlier version.
    """
    _migrate(database, lambda alembic, config: alembic.downgrade(config, "-1"))


def version(database: Database) -> str | None:
    """Returns the version of the tables, None if there are none yet."""
    with database.read_session() as session:
        return version_in(session)


def version_in(session: Session) -> str | None:
    """Returns likewise the version as a transaction sees it."""
    if not inspect(session.connection()).has_table("alembic_version"):
        return None
    found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def set_version(session: Session, version: str) -> None:
    """Notes another version, without a change of any table."""
    session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def require_current(database: Database) -> None:
    """Checks that the tables are those of this program.

    Raises:
        StorageError: They are not, or there are none.
    """
    if not database.exists():
        raise StorageError(f"{database.file} does not exist yet. Please run: authbridge db upgrade")
    found = version(database)
    if found in _UNUSABLE:
        raise StorageError(_UNUSABLE[found])
    if found != NEWEST:
        raise StorageError("The database is of another version. Please run: authbridge db upgrade")


def _migrate(database: Database, step: Callable[[Any, Any], None]) -> None:
    # A seventh of the time in which the service starts, and it never migrates.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "authbridge.storage:migrations")
    try:
        with database.write_session() as session:
            if not database.is_sqlite:
                # Ours is a login's; a change of large tables takes as long as it takes.
                session.execute(text("SET LOCAL statement_timeout = 0"))
            config.attributes["connection"] = session.connection()
            step(command, config)
    except CommandError:
        raise StorageError(
            "The database is at a version that this program cannot change; nothing was done."
        ) from None
