"""How lists and credentials are written: tables for people, CSV and JSON for programs."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from authbridge.errors import InputError

Row = Mapping[str, Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")


def show_rows(rows: Sequence[Row], *, as_json: bool, nothing: str) -> None:
    """A table with one line a row; ``nothing`` is said where there are none."""
    if as_json:
        click.echo(json.dumps(list(rows), ensure_ascii=False, indent=2))
    elif not rows:
        click.echo(nothing)
    else:
        for line in _table(rows):
            click.echo(line)


def show_record(record: Row, *, as_json: bool) -> None:
    """One thing, a line a property."""
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


class CredentialSheet:
    """Where new credentials are written to: a new file of ours alone, or standard output.

    The file is made before anything is issued, so that a bad place loses no password.
    """

    def __init__(self, style: str, path: Path | None) -> None:
        self._style = style
        self._path = path
        self._file = None if path is None else _new_private_file(path)

    def write(self, rows: Sequence[Row]) -> None:
        """Writes the credentials, once."""
        text = _as_csv(rows) if self._style == "csv" else json.dumps(rows, indent=2) + "\n"
        if self._file is None:
            click.echo(text, nl=False)
            return
        with os.fdopen(self._file, "w", encoding="utf-8") as file:
            file.write(text)
        click.echo(f"{len(rows)} written to {self._path}, readable by you alone.", err=True)


def _new_private_file(path: Path) -> int:
    try:
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        message = f"{path} cannot be made: {error.strerror}. Nothing was issued."
        raise InputError(message) from error


def _as_csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
