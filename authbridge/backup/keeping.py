"""Keeps what a backup lacks, such as logins and invitations, while their owners are replaced."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, ForeignKey, Table, text

from authbridge.storage.models import Organiser, Staff, table_of
from authbridge.storage.table_copy import TABLES

# With its id, the moment at which a row was made says that it is the same: SQLite gives an id again.
_MADE = {table_of(Organiser): "created_at", table_of(Staff): "created_at"}


@contextmanager
def kept_beside(connection: Connection, replaced: Collection[Table]) -> Iterator[None]:
    """Lets rows be replaced in the block; what they own in other tables stays if they are the same then."""
    kept = {table: keys for table in TABLES if table not in replaced and (keys := _owners(table, replaced))}
    owners = {key.column.table for keys in kept.values() for key in keys}
    for table in (*owners, *kept):
        # Both databases delete what such a row owns together with it.
        connection.execute(text(f"CREATE TEMPORARY TABLE kept_{table.name} AS SELECT * FROM {table.name}"))  # noqa: S608 - our own names
    for table in owners:  # else each row of the journal would be looked up by reading all of them
        connection.execute(text(f"CREATE INDEX kept_{table.name}_id ON kept_{table.name} (id)"))
    yield
    for table, keys in kept.items():
        columns = ", ".join(column.name for column in table.columns)
        conditions = " AND ".join(map(_has_same_owner, keys))
        connection.execute(
            text(
                f"INSERT INTO {table.name} ({columns})"  # noqa: S608 - our own names
                f" SELECT {columns} FROM kept_{table.name} AS child WHERE {conditions}"
            )
        )
    for table in (*owners, *kept):
        connection.execute(text(f"DROP TABLE kept_{table.name}"))


def _owners(table: Table, replaced: Collection[Table]) -> list[ForeignKey]:
    keys = (key for key in table.foreign_keys if key.ondelete == "CASCADE")
    return [key for key in keys if key.column.table in replaced]


def _has_same_owner(key: ForeignKey) -> str:
    owner, made, column = key.column.table.name, _MADE[key.column.table], key.parent.name
    same = (
        f"SELECT 1 FROM kept_{owner} AS former JOIN {owner} AS present"  # noqa: S608 - our own names
        f" ON present.id = former.id AND present.{made} = former.{made} WHERE former.id = child.{column}"
    )
    return f"(child.{column} IS NULL OR EXISTS ({same}))"
