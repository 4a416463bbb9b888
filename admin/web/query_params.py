"""What an address asks for: the filter and the page of a list, a row; what makes no sense is ignored."""

import re
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from flask import request
from werkzeug.exceptions import BadRequest

from authbridge.schools.listings import MOST_AT_ONCE, PAGE_SIZE, Extent
from authbridge.typed_text import drop_invisible

_Choice = TypeVar("_Choice", bound=StrEnum)
_LONGEST_TEXT = 200  # characters
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")
_LAST_PAGE = 1_000_000
_LAST_ROW = 2**31 - 1  # in PostgreSQL


def asked_text() -> str:
    """Returns the text to look for."""
    return drop_invisible(request.args.get("q", "")[:_LONGEST_TEXT]).strip()


def asked_code() -> str:
    """Returns the short code of a school, "" for all schools."""
    return request.args.get("school", "").strip()


def asked_extent(orders: type[StrEnum], *, whole: bool = False) -> Extent:
    """Returns the page and the order of a list; ``whole``: all of its rows, whatever page is asked for."""
    size = MOST_AT_ONCE if request.args.get("rows") == "all" else PAGE_SIZE
    return Extent(
        page=1 if whole else min(max(request.args.get("page", 1, type=int), 1), _LAST_PAGE),
        size=None if whole else size,
        order=asked_choice("sort", orders),
        down=request.args.get("down") == "1",
    )


def asked_choice(name: str, choices: type[_Choice]) -> _Choice | None:
    """Returns one of the choices; None if the address has none of them."""
    return next((choice for choice in choices if choice == request.args.get(name)), None)


def asked_day(name: str) -> date | None:
    """Returns a day such as 2026-11-23; None if the address has none."""
    return _parse_day(request.args.get(name, ""))


def asked_month(name: str) -> date | None:
    """Returns the first day of a month such as 2026-11; None if the address has none."""
    return _parse_day(f"{request.args.get(name, '')}-01")


def parse_number(typed: str) -> int:
    """Returns the number of a row; 0, which no row has, for what cannot be one."""
    is_number = typed.isascii() and typed.isdecimal() and len(typed) <= len(str(_LAST_ROW))
    number = int(typed) if is_number else 0
    return number if number <= _LAST_ROW else 0


def parse_moment(sent: str | None) -> datetime | None:
    """Returns the moment that a page of ours has sent along; None if it has not.

    Raises:
        BadRequest: It is no moment.
    """
    if sent is None:
        return None
    try:
        moment = datetime.fromisoformat(sent)
    except ValueError:
        raise BadRequest from None
    if moment.tzinfo is None:
        raise BadRequest
    return moment


def _parse_day(typed: str) -> date | None:
    if not _DAY.fullmatch(typed):
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None
