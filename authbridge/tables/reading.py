"""Reads a table as offices write it; pure.

A table is CSV: separated by semicolons, commas or tabs, in one of three encodings, with any line ends, and
with the empty columns and rows that spreadsheets add.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from authbridge.errors import ImportFileError, InputError
from authbridge.tables.decoding import decode
from authbridge.tables.headings import (
    TableColumn,
    count_known,
    match_columns,
    require_few_fields,
    require_heading,
    require_quotation_marks,
    require_whole_records,
)
from authbridge.tables.records import TableText

MOST_BYTES = 1024 * 1024
MOST_ROWS = 2000


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: its first line in the file, and its cells by the names of the columns that the table has."""

    line: int
    cells: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table, how it was read, and the headings of the columns that were not."""

    rows: tuple[TableRow, ...]
    encoding: str
    separator: str
    unread: tuple[str, ...]


def read_table(content: bytes, columns: Sequence[TableColumn], *, holds_secrets: bool = False) -> TableFile:
    """Reads a table with some of these columns, in any order.

    ``holds_secrets``: a first line that lacks a heading is not quoted, for it may be no heading.

    Raises:
        ImportFileError: It cannot be read, has no row, or its heading is not understood.
    """
    if len(content) > MOST_BYTES:
        raise _too_long(1)
    text, encoding = decode(content)
    table = TableText(text)
    separator = _choose_separator(table, columns)
    records = list(islice(table.records(separator), MOST_ROWS + 2))
    if len(records) > MOST_ROWS + 1:
        raise _too_long(records[-1].line)
    if not records:
        raise ImportFileError([(1, InputError("The file is empty: there is not even a heading."))])
    heading, *body = records
    require_few_fields(heading)
    require_quotation_marks(heading)
    if holds_secrets:
        require_heading(heading, columns)
    matched = match_columns(heading, body, columns)
    if not body:
        raise ImportFileError([(heading.line, InputError("There is nothing below the heading."))])
    require_whole_records(heading, body, matched)
    read = {each.name: place for place, each in matched.items() if each.is_read}
    rows = (TableRow(each.line, {name: each.at(place) for name, place in read.items()}) for each in body)
    unread = (heading.fields[place].strip() for place, each in matched.items() if not each.is_read)
    return TableFile(tuple(rows), encoding, separator, tuple(unread))


def _choose_separator(table: TableText, columns: Sequence[TableColumn]) -> str:
    """Returns the separator with which most headings are known; among those, the one of most fields."""

    def fit(separator: str) -> tuple[int, int]:
        heading = table.heading(separator)
        return count_known(heading, columns), len(heading)

    return max(table.separators, key=fit)


def _too_long(line: int) -> ImportFileError:
    sentence = InputError(
        "The file is too long: at most %(rows)s lines and 1 MiB. Please split it.", rows=MOST_ROWS
    )
    return ImportFileError([(line, sentence)])
