"""The filter and the page of a list, from the address; values that make no sense are ignored."""

from enum import StrEnum
from typing import TypeVar

from flask import request

from authbridge.typed_text import drop_invisible

_Choice = TypeVar("_Choice", bound=StrEnum)
_LONGEST_TEXT = 200  # characters
_LAST_PAGE = 1_000_000


def asked_text() -> str:
    """Returns the text to look for."""
    return drop_invisible(request.args.get("q", "")[:_LONGEST_TEXT]).strip()


def asked_page() -> int:
    """Returns the number of the page, from 1."""
    return min(max(request.args.get("page", 1, type=int), 1), _LAST_PAGE)


def asked_choice(name: str, choices: type[_Choice]) -> _Choice | None:
    """Returns one of the choices; None if the address has none of them."""
    return next((choice for choice in choices if choice == request.args.get(name)), None)
