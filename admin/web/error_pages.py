"""Errors as readable pages with an id; the log has the id and the place, never what was typed."""

import logging
import secrets

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from admin.web.i18n import say
from admin.web.redirects import page_of_form
from admin.web.refusals import Refusal, note_refusal
from admin.web.uploads import is_for_file
from authbridge.errors import (
    AuthBridgeError,
    ConfigError,
    ConflictError,
    InputError,
    NotFoundError,
    StorageError,
    location_of,
)

_log = logging.getLogger(__name__)

_FRAMES = {"report": "report/frame.html"}
"""The frames of blueprints whose pages link to no page of the panel."""


def install(app: Flask) -> None:
    """Registers a page for each kind of error."""
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(NotFoundError, _not_there)
    app.register_error_handler(InputError, _not_there)  # an address that no name can have
    app.register_error_handler(ConflictError, _overtaken)
    app.register_error_handler(StorageError, _outage)
    app.register_error_handler(ConfigError, _misconfigured)
    app.register_error_handler(Exception, _bug)


def _refused(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:  # the router's redirect
        return error.response
    if isinstance(error, CSRFError):
        note_refusal(Refusal.FORM)
        sentence = _(
            "Nothing was done: this page is from before your last sign-in, or was open for too long."
            " Please open it again and try once more."
        )
        return _page(_("Please try once more"), sentence, 400, back=page_of_form())
    code = error.code or 500
    match code:
        case 403:
            title, sentence = (
                _("Not for you"),
                _("Your role does not include this. The management can change that."),
            )
        case 404:
            title, sentence = _("Not found"), _("There is no such page, or it is gone.")
        case 405:
            title, sentence = _("Not found"), _("This page cannot be opened that way.")
        case 413 if is_for_file():
            title, sentence = _("Too much"), _("What was sent is too large. A table may have 1 MiB at most.")
        case 413:
            title, sentence = _("Too much"), _("What was sent is too large.")
        case 500:
            title, sentence = _("Out of order"), _("Please tell the technician.")
        case _:
            title, sentence = _("That did not work"), _("The request could not be understood.")
    return *_page(title, sentence, code), _allowed(error)


def _allowed(error: HTTPException) -> dict[str, str]:
    """Returns the header that a 405 must have (RFC 9110, section 15.5.6)."""
    methods = error.valid_methods if isinstance(error, MethodNotAllowed) else None
    return {"Allow": ", ".join(sorted(methods))} if methods else {}


def _not_there(error: AuthBridgeError) -> ResponseReturnValue:
    return _page(_("Not found"), say(error), 404)


def _overtaken(error: ConflictError) -> ResponseReturnValue:
    return _page(_("That did not work"), say(error), 409)


def _outage(error: StorageError) -> ResponseReturnValue:
    return _page(_("Out of order"), say(error), 503, f"storage: {error}")


def _misconfigured(error: ConfigError) -> ResponseReturnValue:
    return _page(_("Out of order"), say(error), 500, f"setting: {error}")


def _bug(error: Exception) -> ResponseReturnValue:
    sentence = _("Something went wrong in the program itself. Please tell the technician this number.")
    return _page(
        _("Something went wrong"), sentence, 500, f"bug: {type(error).__name__} at {location_of(error)}"
    )


def _page(
    title: str, sentence: str, code: int, logged: str | None = None, *, back: str | None = None
) -> tuple[str, int]:
    error_id = secrets.token_hex(4)
    if logged is not None:
        _log.error("%s", logged, extra={"request_id": error_id})
    frame = _FRAMES.get(request.blueprint or "", "base.html")
    page = render_template(
        "errors/page.html", frame=frame, title=title, sentence=sentence, id=error_id, back=back
    )
    return page, code
