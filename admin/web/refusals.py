"""Notes in the journal of the machine what the panel refuses for safety: once an hour, without names."""

import logging
from enum import StrEnum

from flask import Flask, current_app

from authbridge.clock import Clock
from authbridge.hourly_lines import HourlyLines

_log = logging.getLogger(__name__)

_EXTENSION = "authbridge-refusals"


class Refusal(StrEnum):
    """What was refused."""

    ROLE = "a page that is not for the role"
    FORM = "a form without a valid token"
    SITE = "a form that the browser calls foreign"
    HOST = "an address that is not the panel's"


def install(app: Flask, clock: Clock) -> None:
    """Makes the lines of this application."""
    app.extensions[_EXTENSION] = HourlyLines(_log), clock


def note_refusal(refusal: Refusal, where: str = "") -> None:
    """Notes it; ``where`` is one of few words of our own, and nothing that was sent."""
    lines, clock = current_app.extensions[_EXTENSION]
    lines.note(f"refused: {refusal}{where and f': {where}'}", now=clock())
