"""Reads what the operator says on the login page: name, telephone and logo, out of the folder of the letters.

Whatever cannot be read is left out, because teachers log in all the same; the log says once why.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from markupsafe import Markup

from authbridge.errors import ConfigError
from authbridge.jitsi import read_help
from authbridge.letters import Language, read_logo, read_own_sender
from authbridge.letters.paper import Picture

_log = logging.getLogger(__name__)

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class OperatorTexts:
    """The operator's own words; ``help_line`` is the one that Jitsi's page shows too, ``contact`` HTML."""

    name: str | None
    help_line: str | None
    contact: Markup | None


def read_operator_texts(folder: Path | None, language: Language) -> OperatorTexts:
    """Reads the texts in that language, the name in German where there is no other."""
    sender = _or_none(lambda: read_own_sender(folder, language) or read_own_sender(folder, Language.GERMAN))
    return OperatorTexts(
        name=None if sender is None else sender.name,
        help_line=_or_none(lambda: read_help(folder, language)),
        contact=None if sender is None else sender.contact,
    )


def read_operator_logo(folder: Path | None) -> Picture | None:
    """Reads the logo; None if there is none."""
    return _or_none(lambda: read_logo(folder))


def _or_none(read: Callable[[], _Read]) -> _Read | None:
    try:
        return read()
    except ConfigError as error:
        _warn_once(str(error))  # not to everybody: the sentence names a folder of this machine
        return None


@cache
def _warn_once(sentence: str) -> None:
    _log.warning("%s", sentence)
