"""Copies whole tables from one database to another, of whichever kind, and proves that they are the same.

Both are of this program's version.  The caller's transactions decide what is read and whether it stays.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, func, insert, select, text

from authbridge.errors import StorageError
from authbridge.storage.models import Base

TABLES: tuple[Table, ...] = tuple(Base.metadata.sorted_tables)
"""All tables, each after those to which it refers."""

_BATCH = 1000  # rows a statement
_DIGEST_BITS = 256


@dataclass(frozen=True, slots=True)
class Content:
    """The number of rows of a table, and the sum of their digests: equal rows in whichever order."""

    rows: int = 0
    digest: int = 0

    def with_rows(self, rows: Sequence[Row[Any]]) -> "Content":
        """Returns the content with these rows added."""
        digest = self.digest + sum(map(_digest_of, rows))
        return Content(self.rows + len(rows), digest % 2**_DIGEST_BITS)

    def without_rows(self, rows: Sequence[Row[Any]]) -> "Content":
        """Returns the content with these rows, which it has, taken away."""
        digest = self.digest - sum(map(_digest_of, rows))
        return Content(self.rows - len(rows), digest % 2**_DIGEST_BITS)


def copy_tables(source: Connection, target: Connection, tables: Collection[Table]) -> Mapping[str, Content]:
    """Replaces the rows of these tables by those of the source; returns what they hold now, by their names.

    Raises:
        StorageError: The target holds something else than it was given.
    """
    ordered = [table for table in TABLES if table in tables]
    for table in reversed(ordered):
        target.execute(delete(table))
    copied = {table.name: _copy(source, target, table) for table in ordered}
    for table in ordered:
        if content_of(target, table) != copied[table.name]:
            raise StorageError(f"The table {table.name} was not copied as it is; nothing was changed.")
    if target.dialect.name == "postgresql":
        continue_numbering(target)
    return copied


def content_of(connection: Connection, table: Table) -> Content:
    """Returns what a table holds."""
    content = Content()
    for rows in _batches(connection, table):
        content = content.with_rows(rows)
    return content


def continue_numbering(target: Connection) -> None:
    """Lets PostgreSQL give new rows numbers above all that there are; SQLite does so by itself."""
    for table in TABLES:
        column = table.autoincrement_column
        if column is None or column.autoincrement is False:
            continue
        sequence = target.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
        if sequence is None:
            continue
        newest = target.scalar(select(func.max(column))) or 0
        # Never back: a number that was given out may still stand somewhere.
        target.execute(
            text("SELECT setval(:sequence, GREATEST(nextval(:sequence), :newest))"),
            {"sequence": sequence, "newest": newest},
        )


def _copy(source: Connection, target: Connection, table: Table) -> Content:
    content, names = Content(), [column.name for column in table.columns]
    for rows in _batches(source, table):
        target.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
        content = content.with_rows(rows)
    return content


def _batches(connection: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    # With yield_per PostgreSQL's rows come in portions as well, and not all into the memory.
    with connection.execute(select(table).execution_options(yield_per=_BATCH)) as result:
        yield from result.partitions()


def _digest_of(row: Row[Any]) -> int:
    # As Python has the values, which is the same for both kinds of database.
    return int.from_bytes(hashlib.sha256(repr(tuple(row)).encode("utf-8", "surrogatepass")).digest())
