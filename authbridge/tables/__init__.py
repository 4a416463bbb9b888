"""Answers what stands in a table as offices write it, and how cells survive a spreadsheet.

Bytes in, rows with their lines out; or faults, each with its line and what was found.  It knows neither
schools nor the database, and no fault of a table with secrets quotes anything but a heading.
"""

from authbridge.tables.cells import guard, is_guarded, require_value, unguard
from authbridge.tables.headings import TableColumn, column
from authbridge.tables.reading import MOST_BYTES, MOST_ROWS, TableFile, TableRow, read_table

__all__ = [
    "MOST_BYTES",
    "MOST_ROWS",
    "TableColumn",
    "TableFile",
    "TableRow",
    "column",
    "guard",
    "is_guarded",
    "read_table",
    "require_value",
    "unguard",
]
