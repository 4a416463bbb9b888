"""Writes lists: tables for people, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

Row = Mapping[str, Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")


def show_rows(rows: Sequence[Row], *, as_json: bool, nothing: str) -> None:
    """Writes a table with a line for each row; writes ``nothing`` if there is none."""
    if as_json:
        click.echo(json.dumps(list(rows), ensure_ascii=False, indent=2))
    elif not rows:
        click.echo(nothing)
    else:
        for line in _table(rows):
            click.echo(line)


def show_record(record: Row, *, as_json: bool) -> None:
    """Writes one record, a line for each property."""
    if as_json:
        click.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    width = max(map(len, record))
    for name, value in record.items():
        click.echo(f"{name:<{width}}  {_cell(value)}")


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
