"""Parses the text of a table into records, by its own line ends; pure.

Source: RFC 4180; the line "sep=;" is Excel's.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from authbridge.errors import ImportFileError, InputError

_SEPARATORS = (";", ",", "\t")
_SEP_LINE = re.compile(r'"?sep=(?P<sep>\t|[^"\w\s])"?[;,\t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TableRecord:
    """The fields that stand together, and the first line on which they stand."""

    line: int
    fields: list[str] = field(repr=False)

    def at(self, place: int) -> str:
        """Returns the field there; spreadsheets leave out empty ones at the end of a line."""
        return self.fields[place] if place < len(self.fields) else ""


class TableText:
    """The text of a table, with or without a first line that names the separator."""

    def __init__(self, text: str) -> None:
        named = _SEP_LINE.match(text)
        self.separators = _SEPARATORS if named is None else (named["sep"], *_SEPARATORS)
        self._text = text if named is None else text[named.end() :]
        self._first_line = 1 if named is None else 2

    def records(self, separator: str) -> Iterator[TableRecord]:
        """Yields the records that are not empty, the heading first.

        Raises:
            ImportFileError: Quotation marks do not match; the records before were yielded.
        """
        reader = csv.reader(io.StringIO(self._text, newline=""), delimiter=separator, strict=True)
        while True:
            line = self._first_line + reader.line_num
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error:
                break
            if any(each.strip() for each in fields):
                yield TableRecord(line, fields)
        # Not in the handler: the cause would quote the file.
        raise ImportFileError([(line, InputError("The quotation marks of this line do not match."))])

    def heading(self, separator: str) -> list[str]:
        """Returns the fields of the first record; none if there is none, or it cannot be parsed."""
        try:
            return next(self.records(separator)).fields
        except (StopIteration, ImportFileError):
            return []
