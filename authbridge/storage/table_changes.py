"""Brings a copy of a SQLite database up to date: writes only the rows that have changed since it was made.

The copy was made from a snapshot: a transaction that is still open and reads what was there when it began.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)

from authbridge.errors import StorageError
from authbridge.storage.table_copy import TABLES, Content, continue_numbering

_ROWID: ColumnElement[int] = literal_column(
    "rowid"
)  # SQLite's own number of a row, in the order of which it reads fastest
_END: tuple[Any, ...] = (float("inf"),)  # after the last row
_BATCH = 500  # rows a statement that names them one by one

_Key = tuple[Any, ...]  # the values of the columns of the primary key
_Rows = Mapping[_Key, Row[Any]]


@dataclass(frozen=True, slots=True)
class _Changes:
    """The rows of a table that are not as they were: ``former`` as they were, ``present`` as they are."""

    former: _Rows
    present: _Rows
    count: int  # of all rows that there are


def catch_up(
    snapshot: Connection, source: Connection, target: Connection, copied: Mapping[str, Content]
) -> Mapping[str, Content]:
    """Makes a copy of ``snapshot`` one of ``source``; returns what the tables hold now, by their names.

    ``copied`` is what they held, as it was proved then; nobody else has written to the target since.  What is
    written is read again and compared, and the rows of each table are counted.

    Raises:
        StorageError: The target holds something else than it was given.
    """
    changes = {table: _changes_of(snapshot, source, table) for table in TABLES}
    for table, changed in reversed(changes.items()):
        _execute(target, delete(table).where(_has_key(table)), _gone(table, changed))
    for table, changed in changes.items():
        _write(target, table, changed)
    held = {table.name: _proved(target, table, changed, copied) for table, changed in changes.items()}
    if target.dialect.name == "postgresql":
        continue_numbering(target)
    return held


def _changes_of(snapshot: Connection, source: Connection, table: Table) -> _Changes:
    former: list[int] = []
    present: list[int] = []
    count = 0
    rows, others = _raw_rows(snapshot, table), _raw_rows(source, table)
    row, other = next(rows, _END), next(others, _END)
    while (row, other) != (_END, _END):
        if row == other:
            row, other, count = next(rows, _END), next(others, _END), count + 1
        elif row[0] <= other[0]:
            former.append(row[0])
            row = next(rows, _END)
        else:
            present.append(other[0])
            other, count = next(others, _END), count + 1
    return _Changes(_rows(snapshot, table, former), _rows(source, table, present), count)


def _raw_rows(connection: Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    """Yields each row as SQLite has it, its number first, in the order of the numbers."""
    # Below SQLAlchemy: to make its values of all rows takes three times as long, while nobody gets in.
    columns = ", ".join(column.name for column in table.columns)
    cursor = connection.connection.cursor()
    cursor.execute(f"SELECT rowid, {columns} FROM {table.name} ORDER BY rowid")  # noqa: S608 - our own names
    yield from cursor  # type: ignore[misc]  # sqlite3's is iterable


def _rows(connection: Connection, table: Table, numbers: Sequence[int]) -> _Rows:
    # By key, not by number: VACUUM may have given rows other numbers in the meantime.
    return {
        _key_of(table, row): row
        for batch in _batches(numbers)
        for row in connection.execute(select(table).where(_ROWID.in_(batch)))
    }


def _gone(table: Table, changes: _Changes) -> list[dict[str, Any]]:
    return [_key_values(table, key) for key in changes.former.keys() - changes.present.keys()]


def _write(target: Connection, table: Table, changes: _Changes) -> None:
    """Changes rows in their place: to delete one would delete what it owns in other tables."""
    names = [column.name for column in table.columns]
    values = {key: dict(zip(names, row, strict=True)) for key, row in changes.present.items()}
    changed = changes.present.keys() & changes.former.keys()
    _execute(
        target,
        update(table).where(_has_key(table)),
        [values[key] | _key_values(table, key) for key in changed],
    )
    _execute(target, insert(table), [values[key] for key in changes.present.keys() - changed])


def _proved(target: Connection, table: Table, changes: _Changes, copied: Mapping[str, Content]) -> Content:
    present = list(changes.present.values())
    content = copied[table.name].without_rows(list(changes.former.values())).with_rows(present)
    written = Content()
    for keys in _batches(list(changes.present)):
        written = written.with_rows(
            target.execute(select(table).where(tuple_(*table.primary_key).in_(keys))).all()
        )
    count = target.scalar(select(func.count()).select_from(table))
    if written != Content().with_rows(present) or not count == content.rows == changes.count:
        raise StorageError(f"The table {table.name} was not copied as it is; nothing was changed.")
    return content


def _execute(target: Connection, statement: Any, rows: list[dict[str, Any]]) -> None:  # noqa: ANN401
    if rows:  # without any, SQLAlchemy would execute it once
        target.execute(statement, rows)


def _has_key(table: Table) -> Any:  # noqa: ANN401
    return and_(*(column == bindparam(f"key_{column.name}") for column in table.primary_key))


def _key_values(table: Table, key: _Key) -> dict[str, Any]:
    return {f"key_{column.name}": value for column, value in zip(table.primary_key, key, strict=True)}


def _key_of(table: Table, row: Row[Any]) -> _Key:
    return tuple(row._mapping[column] for column in table.primary_key)  # noqa: SLF001 - public by its documentation


def _batches(each: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(each), _BATCH):
        yield each[first : first + _BATCH]
