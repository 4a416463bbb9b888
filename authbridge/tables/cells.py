"""Guards the cells of a table against what spreadsheets make of them, and takes the guard away again; pure.

Source: OWASP, CSV Injection.
"""

import re

from authbridge.errors import InputError

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
# What a spreadsheet takes for a number, a day or a time, and writes in another way: 0123, 1e5, 1/2, 12:30.
_RECKONED = re.compile(r"[0-9][0-9.,/:%-]*|[0-9.,]+[eE][0-9+-]+")
_PLAIN_NUMBER = re.compile(r"0|[1-9][0-9]{0,14}")
# What LibreOffice and Excel write for a formula that fails, or a number that its column has no room for.
_ERROR_VALUE = re.compile(
    r"#(?:NAME\?|N/A|NV|(?:REF|BEZUG|VALUE|WERT|DIV/0|NUM|ZAHL|NULL|SPILL|ÜBERLAUF)!)|(?:Err|Fehler):[0-9]{3}|##+"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}\.[0-9]{2}\.[0-9]{4}")


def guard(cell: str) -> str:
    """Returns the text of a cell so that no spreadsheet runs it as a formula or takes it for a number.

    An apostrophe before it makes it text.  Numbers and days that spreadsheets write as we do stay.
    """
    is_reckoned = _RECKONED.fullmatch(cell.lstrip("'")) and not (
        _PLAIN_NUMBER.fullmatch(cell) or _DAY.fullmatch(cell)
    )
    return f"'{cell}" if is_reckoned or _FORMULA.match(cell) else cell


def unguard(cell: str) -> str:
    """Returns the text that was guarded; other texts as they are."""
    return cell[1:] if is_guarded(cell) else cell


def is_guarded(cell: str) -> bool:
    """Tells whether :func:`guard` may have put the apostrophe before the text."""
    return cell.startswith("'") and guard(cell[1:]) == cell


def require_value(cell: str) -> None:
    """Refuses what a spreadsheet writes where it could not work a cell out, or show it.

    Raises:
        InputError: It is such an error.
    """
    if _ERROR_VALUE.fullmatch(cell.strip()):
        raise InputError(
            "There is an error of the spreadsheet in this line, such as #NAME? or ###. Please type there what"
            " is meant."
        )
