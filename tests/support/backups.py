"""Backups in the tests: settings, rows in every table, and what a taken one holds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, delete, func, insert, literal_column, select, update

from authbridge.config import Config, read_config
from authbridge.storage.database import MemoryDatabase
from authbridge.storage.models import Base, RevocationFeed, table_of
from authbridge.storage.table_copy import TABLES, Content, content_of
from tests.support.factories import HOST, SECRET_KEY
from tests.support.fakes import MORNING
from tests.support.filled_rows import values_for

_LAST_DAYS = ("expires_on", "previous_until")
_ROWID: ColumnElement[int] = literal_column("rowid")
_LASTING = timedelta(days=30)
_MODELS = {table_of(mapper.class_): mapper.class_ for mapper in Base.registry.mappers}


def make_config(url: str, folder: Path, **others: str) -> Config:
    """Returns the settings of an installation whose secret is that of the factories."""
    for name, secret in (("token", "t" * 32), ("secret-key", SECRET_KEY.decode())):
        (folder / name).write_text(secret)
    return read_config(
        {
            "AUTHBRIDGE_DATABASE_URL": url,
            "AUTHBRIDGE_API_TOKEN_FILE": str(folder / "token"),
            "AUTHBRIDGE_SECRET_KEY_FILE": str(folder / "secret-key"),
            "AUTHBRIDGE_XMPP_HOST": HOST,
            "AUTHBRIDGE_BCRYPT_COST": "4",
            "AUTHBRIDGE_BACKUP_FOLDER": str(folder / "backups"),
            **others,
        }
    )


def fill_all(connection: Connection, moment: datetime = MORNING) -> None:
    """Adds a row to each table, with something in every column; they refer to the newest rows."""
    for table in TABLES:
        if table is table_of(RevocationFeed):
            continue  # has its one row
        references = {
            column.name: connection.scalar(select(func.max(key.column)))
            for column in table.columns
            for key in column.foreign_keys
        }
        if table.name == "suspensions":
            references["school_id"] = None
        ends = dict.fromkeys(_LAST_DAYS, moment.date() + _LASTING) | {"kept_until": moment + _LASTING}
        lasting = {name: end for name, end in ends.items() if name in table.columns}
        connection.execute(insert(table), values_for(_MODELS[table], moment) | references | lasting)


def change_all(connection: Connection, moment: datetime) -> None:
    """Deletes, changes and adds a row in each table of a SQLite database that was filled for two days."""
    tables = [table for table in TABLES if table is not table_of(RevocationFeed)]
    for table in reversed(tables):
        newest = select(func.max(_ROWID)).select_from(table).scalar_subquery()
        connection.execute(delete(table).where(newest == _ROWID))
    for table in tables:
        oldest = select(func.min(_ROWID)).select_from(table).scalar_subquery()
        keys = {column.name for column in table.primary_key}
        values = {name: each for name, each in values_for(_MODELS[table], moment).items() if name not in keys}
        if values:
            connection.execute(update(table).where(oldest == _ROWID).values(values))
    fill_all(connection, moment)


def contents(connection: Connection) -> Mapping[str, Content]:
    """Returns what each table holds."""
    return {table.name: content_of(connection, table) for table in TABLES}


@contextmanager
def opened(content: bytes) -> Iterator[MemoryDatabase]:
    """Opens what a backup holds."""
    database = MemoryDatabase(content)
    yield database
    database.close()
