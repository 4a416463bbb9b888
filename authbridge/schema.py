"""Brings the database to the version of this program, with Alembic, and tells whether it is there."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from authbridge.database import Database
from authbridge.errors import StorageError


def upgrade(database: Database) -> None:
    """Makes the tables, or changes them to this version; a second call does nothing."""
    database.create_file()
    with _known_versions_only(), database.writing() as session:
        command.upgrade(_alembic(session.connection()), "head")


def downgrade(database: Database) -> None:
    """Goes one version back."""
    with _known_versions_only(), database.writing() as session:
        command.downgrade(_alembic(session.connection()), "-1")


def version(database: Database) -> str | None:
    """The version of the tables, None if there are none yet."""
    with database.reading() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


def require_current(database: Database) -> None:
    """Raises :class:`StorageError` unless the tables are those of this program."""
    if not database.exists():
        message = f"{database.file} does not exist yet. Please run: authbridge db upgrade"
        raise StorageError(message)
    if version(database) != ScriptDirectory.from_config(_alembic()).get_current_head():
        message = "The database is of another version. Please run: authbridge db upgrade"
        raise StorageError(message)


@contextmanager
def _known_versions_only() -> Iterator[None]:
    try:
        yield
    except CommandError:
        message = "The database is at a version that this program cannot change; nothing was done."
        raise StorageError(message) from None


def _alembic(connection: Connection | None = None) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", "authbridge:migrations")
    config.attributes["connection"] = connection
    return config
