"""A table as a CSV file that German and English spreadsheet programs open with a double click."""

import csv
import io
from collections.abc import Iterable

from authbridge.tables import guard


def as_csv(rows: Iterable[Iterable[str]]) -> bytes:
    """Returns the rows, the first of them the headings, in UTF-8 with a byte order mark.

    What a spreadsheet would run or rewrite is guarded; an import of ours takes the guard away.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerows(map(guard, row) for row in rows)
    return text.getvalue().encode("utf-8-sig")
