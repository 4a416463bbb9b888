"""Errors as small readable pages; the log has the type of a bug and its place, never what was sent."""

import logging

from flask import Flask, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from authbridge.errors import location_of

_log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Registers a page for each kind of error."""
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _bug)


def show_message(title: str, sentence: str, status: int) -> tuple[str, int]:
    """Returns a page that only says something, and leads to the server's first page."""
    return render_template("message.html", title=title, sentence=sentence), status


def _refused(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:  # the router's redirect
        return error.response
    status = error.code or 500
    match status:
        case 404:
            title, sentence = _("Not found"), _("There is no such page.")
        case 405:
            title, sentence = _("Not found"), _("This page cannot be opened that way.")
        case 413:
            title, sentence = _("Too much"), _("What was sent is too large.")
        case _:
            title, sentence = _("That did not work"), _("The request could not be understood.")
    allowed = error.valid_methods if isinstance(error, MethodNotAllowed) else None
    headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
    return *show_message(title, sentence, status), headers


def _bug(error: Exception) -> ResponseReturnValue:
    _log.error("bug: %s at %s", type(error).__name__, location_of(error))
    sentence = _("Something went wrong in the program itself. Please try again in a moment.")
    return show_message(_("Something went wrong"), sentence, 500)
