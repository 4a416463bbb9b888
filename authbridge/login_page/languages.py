"""Chooses between German and English for one request; nothing is remembered, for there is no cookie."""

import math
from datetime import timedelta

from flask import Flask, request
from flask_babel import Babel, format_timedelta

from authbridge.letters import Language

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400  # seconds
_ROUNDED_UP = ((2 * _DAY, _DAY), (2 * _HOUR, _HOUR), (_MINUTE, _MINUTE))
"""The units of a wait, each with the shortest wait that is told in it."""


def language() -> Language:
    """Returns the language that a link asks for, else the one that the browser prefers, else German."""
    preferred = (name.partition("-")[0].lower() for name in request.accept_languages.values())
    wanted = (request.args.get("language", ""), *preferred)
    return next((Language(each) for each in wanted if each in set(Language)), Language.GERMAN)


def in_so_long(seconds: int) -> str:
    """Returns words such as "in 40 seconds" or "in 4 minutes", never less than it takes."""
    unit = next((unit for least, unit in _ROUNDED_UP if seconds >= least), 1)
    shown = timedelta(seconds=math.ceil(seconds / unit) * unit)
    return str(format_timedelta(shown, threshold=2, add_direction=True))


def install(app: Flask) -> None:
    """Makes Flask speak both languages."""
    Babel(app, default_locale=str(Language.GERMAN), locale_selector=language)
