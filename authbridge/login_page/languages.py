"""Chooses between German and English for one request; nothing is remembered, for there is no cookie."""

import math
from datetime import timedelta

from flask import Flask, request
from flask_babel import Babel, format_timedelta

from authbridge.letters import Language

_MINUTE = 60  # seconds


def language() -> Language:
    """Returns the language that a link asks for, else the one that the browser prefers, else German."""
    preferred = (name.partition("-")[0].lower() for name in request.accept_languages.values())
    wanted = (request.args.get("language", ""), *preferred)
    return next((Language(each) for each in wanted if each in set(Language)), Language.GERMAN)


def in_so_long(seconds: int) -> str:
    """Returns words such as "in 40 seconds" or "in 4 minutes", never less than it takes."""
    exact = timedelta(seconds=seconds)
    shown = exact if seconds < _MINUTE else timedelta(minutes=math.ceil(seconds / _MINUTE))
    return str(format_timedelta(shown, add_direction=True))


def install(app: Flask) -> None:
    """Makes Flask speak both languages."""
    Babel(app, default_locale=str(Language.GERMAN), locale_selector=language)
