"""Runs statements of the hot path by the driver: SQLAlchemy writes their text once per dialect.

A login has a millisecond and a half, and the feed's position is read after every commit.  SQLAlchemy knows
the dialect, the columns and the types; the pool and the transaction stay its own.  Everywhere else,
SQLAlchemy runs its statements itself.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Select, UpdateBase
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

_Convert = Callable[[Any], Any]


class Prepared:
    """One statement with named parameters, which :meth:`run` and :meth:`all` take by name."""

    def __init__(self, statement: Executable) -> None:
        self.statement = statement
        self._written: dict[str, _Written] = {}

    def run(self, connection: Connection, **values: object) -> tuple[Any, ...] | None:
        """Runs the statement; returns the first row as Python values, None if there is none."""
        rows = self.all(connection, **values)
        return rows[0] if rows else None

    def all(self, connection: Connection, **values: object) -> list[tuple[Any, ...]]:
        """Runs the statement; returns the rows as Python values."""
        dialect = connection.dialect
        written = self._written.get(dialect.name)
        if written is None:
            written = self._written[dialect.name] = _Written(self.statement, dialect)
        return written.run(connection, values)


class _Written:
    """The statement as one dialect writes it, with the conversions of its parameters and columns."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # every DML and SELECT has it
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - the other kind is DDL
        self._text = str(compiled)
        self._constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._inward = {
            name: convert
            for name, bind in compiled.binds.items()
            if (convert := _converter(bind.type, dialect, inward=True))
        }
        self._outward = [_converter(column.type, dialect, inward=False) for column in _columns_of(statement)]

    def run(self, connection: Connection, values: dict[str, object]) -> list[tuple[Any, ...]]:
        parameters = {**self._constants, **values}
        for name, convert in self._inward.items():
            parameters[name] = convert(parameters[name])
        cursor = connection.connection.cursor()
        cursor.execute(self._text, parameters)
        rows = cursor.fetchall() if self._outward else []
        cursor.close()
        return [
            tuple(
                value if convert is None else convert(value)
                for value, convert in zip(row, self._outward, strict=True)
            )
            for row in rows
        ]


def _columns_of(statement: Executable) -> list[ColumnElement[Any]]:
    match statement:
        case Select():
            return list(statement.selected_columns)
        case UpdateBase():
            return list(statement.exported_columns or ())
        case _:
            return []


def _converter(type_: TypeEngine[Any], dialect: Dialect, *, inward: bool) -> _Convert | None:
    implementation = type_.dialect_impl(dialect)
    return (
        implementation.bind_processor(dialect) if inward else implementation.result_processor(dialect, None)
    )
