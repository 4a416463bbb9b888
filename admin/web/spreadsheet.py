"""A table as a CSV file that German and English spreadsheet programs open with a double click."""

import csv
import io
from collections.abc import Iterable


def as_csv(rows: Iterable[Iterable[str]]) -> bytes:
    """Returns the rows, the first of them the headings, in UTF-8 with a byte order mark."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerows(map(_guarded, row) for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _guarded(cell: str) -> str:
    # A spreadsheet would run "=…" as a formula (OWASP: CSV Injection).
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
