"""Finds the columns of a table by its heading, in any order, case and language; pure."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from authbridge.errors import ImportFileError, InputError
from authbridge.tables.records import TableRecord
from authbridge.typed_text import drop_invisible

MOST_FIELDS = 100

_MOST_QUOTED = 12  # headings that a fault names
_LONGEST_QUOTED = 40  # characters of each
_OTHER_MARKS = ("'", "’", "‘", "‚", "“", "”", "„", "«", "»", "`")


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column that a table may have; ``label`` names it in faults, ``headings`` are those it is found by.

    ``is_read`` is False for one that our own lists have, and that says nothing to an import.
    """

    name: str
    label: str
    headings: frozenset[str]
    required: bool = False
    is_read: bool = True


def column(
    name: str, label: str, *headings: str, required: bool = False, is_read: bool = True
) -> TableColumn:
    """Returns a column that is found by its name, too."""
    return TableColumn(name, label, frozenset(map(_fold, (name, *headings))), required, is_read)


def count_known(heading: Iterable[str], columns: Iterable[TableColumn]) -> int:
    """Counts the headings that are known."""
    known = frozenset[str]().union(*(each.headings for each in columns))
    return sum(_fold(each) in known for each in heading)


def require_few_fields(heading: TableRecord) -> None:
    """Refuses a heading of so many fields that comparing them would take long; empty ones do not count.

    Raises:
        ImportFileError: There are too many.
    """
    count = sum(bool(title.strip()) for title in heading.fields)
    if count > MOST_FIELDS:
        fault = InputError(
            "The heading has %(count)s fields, and at most %(most)s are read. Please delete the columns that"
            " are not needed.",
            count=count,
            most=MOST_FIELDS,
        )
        raise ImportFileError([(heading.line, fault)])


def require_quotation_marks(heading: TableRecord) -> None:
    """Refuses a table whose fields stand between other marks: they would become part of each password.

    Raises:
        ImportFileError: A heading begins with such a mark.
    """
    if any(title.lstrip().startswith(_OTHER_MARKS) for title in heading.fields):
        fault = InputError(
            "The fields stand between apostrophes or typographic quotation marks. Please save the table with"
            ' the text delimiter ".'
        )
        raise ImportFileError([(heading.line, fault)])


def require_heading(heading: TableRecord, columns: Sequence[TableColumn]) -> None:
    """Refuses a first line that may be anything, without quoting it.

    One known heading may be chance: the word "user" is a login name, too.

    Raises:
        ImportFileError: A column that is required is not among its fields.
    """
    required = [each for each in columns if each.required]
    found = {_fold(each) for each in heading.fields}
    missing = [each for each in required if not each.headings & found]
    if not missing:
        return
    if count_known(heading.fields, columns):
        fault = InputError(
            "The first line lacks headings: %(missing)s (fields found: %(count)s).",
            missing=_labels(missing),
            count=len(heading.fields),
        )
    else:
        fault = InputError(
            "The first line holds no heading that is known here (fields found: %(count)s)."
            " Needed: %(needed)s, separated by semicolons, commas or tabs.",
            count=len(heading.fields),
            needed=_labels(required),
        )
    raise ImportFileError([(heading.line, fault)])


def match_columns(
    heading: TableRecord, body: Sequence[TableRecord], columns: Sequence[TableColumn]
) -> dict[int, TableColumn]:
    """Returns the columns that the table has, by their places.

    A column that is not known is forgiven if it is empty below its heading.

    Raises:
        ImportFileError: The heading lacks a column, or has one twice, or one that is not known.
    """
    filled = {place for record in body for place, text in enumerate(record.fields) if text.strip()}
    by_heading = {each: found for found in columns for each in found.headings}
    matched: dict[int, TableColumn] = {}
    titles: dict[str, str] = {}
    faults: list[InputError] = []
    for place, title in enumerate(heading.fields):
        found = by_heading.get(_fold(title))
        if found is None:
            if title.strip() and place in filled:
                faults.append(_unknown(title, columns))
        elif found.name in titles:
            faults.append(_twice(titles[found.name], title))
        else:
            matched[place], titles[found.name] = found, title
    if missing := [each for each in columns if each.required and each.name not in titles]:
        faults.insert(0, _missing(missing, heading))
    if faults:
        raise ImportFileError([(heading.line, fault) for fault in faults])
    return matched


def require_whole_records(
    heading: TableRecord, body: Sequence[TableRecord], matched: Mapping[int, TableColumn]
) -> None:
    """Refuses records that end before a required column, or hold something where the heading names none.

    Raises:
        ImportFileError: There are such records; all are named.
    """
    named = {place for place, title in enumerate(heading.fields) if title.strip()}
    least = max((place for place, each in matched.items() if each.required), default=-1) + 1
    faults = []
    for record in body:
        filled = [place for place, text in enumerate(record.fields) if text.strip()]
        if not named.issuperset(filled):
            fault = InputError(
                "There is something in this line beyond the %(count)s fields that have a heading.",
                count=len(named),
            )
            faults.append((record.line, fault))
        elif len(record.fields) < least:
            fault = InputError(
                "This line has only %(found)s of the %(count)s fields.",
                found=len(record.fields),
                count=len(named),
            )
            faults.append((record.line, fault))
    if faults:
        raise ImportFileError(faults)


def _missing(missing: Iterable[TableColumn], heading: TableRecord) -> InputError:
    titles = [_quotable(each) for each in heading.fields if each.strip()]
    return InputError(
        "The heading lacks: %(missing)s. Found in it: %(found)s.",
        missing=_labels(missing),
        found=", ".join(f"“{each}”" for each in titles[:_MOST_QUOTED]),
    )


def _unknown(title: str, columns: Iterable[TableColumn]) -> InputError:
    return InputError(
        "The heading “%(heading)s” is not known here. Please delete the column, or name it as one of these:"
        " %(known)s.",
        heading=_quotable(title),
        known=_labels(each for each in columns if each.is_read),
    )


def _twice(first: str, second: str) -> InputError:
    return InputError(
        "Two columns mean the same: “%(first)s” and “%(second)s”. Please delete one of them.",
        first=_quotable(first),
        second=_quotable(second),
    )


def _labels(columns: Iterable[TableColumn]) -> str:
    return ", ".join(each.label for each in columns)


def _fold(heading: str) -> str:
    """Returns a heading without capitals, blanks and signs: "E-Mail " is "email"."""
    # Macs write an umlaut as two characters; NFC makes it one.
    even = unicodedata.normalize("NFC", drop_invisible(heading)).casefold()
    return "".join(char for char in even if char.isalnum())


def _quotable(heading: str) -> str:
    """Returns a heading on one line, short, and without what a terminal would carry out."""
    shown = "".join(char for char in " ".join(heading.split()) if char.isprintable())
    return shown if len(shown) <= _LONGEST_QUOTED else f"{shown[:_LONGEST_QUOTED]}…"
