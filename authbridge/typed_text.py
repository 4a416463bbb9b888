"""Reads what people type or paste: lines without their invisible characters, and days; pure."""

import re
from datetime import date

from authbridge.errors import InputError

# Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt): soft hyphens, zero-width blanks and
# joiners, marks of direction, variation selectors, the byte-order mark, tags.  They come along with a paste.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_DAY = re.compile(
    r"(?P<d>[0-9]{1,2})\.\s*(?P<m>[0-9]{1,2})\.\s*(?P<y>[0-9]{4})"
    r"|(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
)


def drop_invisible(typed: str) -> str:
    """Returns the text without the characters that nobody sees and that mean nothing in a name."""
    return _INVISIBLE.sub("", typed)


def parse_line(typed: str) -> str:
    """Returns the text on one line, with single blanks and without invisible characters.

    Raises:
        InputError: A character of it cannot be shown or printed.
    """
    line = " ".join(drop_invisible(typed).split())
    if not line.isprintable():
        raise InputError("There is a character in it that cannot be printed. Please type it by hand.")
    return line


def parse_day(typed: str) -> date:
    """Returns the day typed as 31.07.2028, 31.7.2028 or 2028-07-31.

    A year of two digits is refused: half a year, such as 31.07.20, would be a day of the past.

    Raises:
        InputError: It is written in another way, or there is no such day.
    """
    found = _DAY.fullmatch(drop_invisible(typed).strip())
    if found is None:
        raise InputError("Please give a day such as 31.07.2028 or 2028-07-31.")
    year, month, day = found.group("y", "m", "d") if found["y"] else found.group("year", "month", "day")
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise InputError("There is no %(day)s in the calendar.", day=found.group()) from None
