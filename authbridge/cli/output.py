"""Writes what was asked: lists as tables for people, as JSON for programs; and what was done."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from authbridge.cli.streams import OutputError, UnsaidError

Row = Mapping[str, Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")


def show_rows(rows: Sequence[Row], *, as_json: bool, nothing: str) -> None:
    """Writes a table with a line for each row; writes ``nothing`` if there is none."""
    if as_json:
        show_json(list(rows))
    elif not rows:
        click.echo(nothing)
    else:
        for line in _table(rows):
            click.echo(line)


def show_record(record: Row, *, as_json: bool) -> None:
    """Writes one record, a line for each property."""
    if as_json:
        show_json(record)
    else:
        click.echo(record_in_words(record))


def record_in_words(record: Row) -> str:
    """Returns one record, a line for each property."""
    width = max(map(len, record))
    return "\n".join(f"{name:<{width}}  {_cell(value)}" for name, value in record.items())


def show_json(document: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    """Writes JSON, which is UTF-8 in every locale (RFC 8259, 8.1)."""
    click.echo(f"{json.dumps(document, ensure_ascii=False, indent=2)}\n".encode(), nl=False)


def say_done(words: str) -> None:
    """Says what a command has done, after its commit, so that a failure to say it is none of the command.

    Raises:
        UnsaidError: Standard output does not take it.
    """
    try:
        click.echo(words)
    except OutputError as error:
        raise UnsaidError(words, error) from error


def _table(rows: Sequence[Row]) -> list[str]:
    columns = list(rows[0])
    cells = [columns, *([_cell(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if value is None or value == []:
        return "-"
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(part)}" for name, part in value.items() if part is not None)
    return str(value)
