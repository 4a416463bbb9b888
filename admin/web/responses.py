"""How pages are answered: templates with a status, notices for the next page."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from admin.panel import the_panel
from admin.session import sessions
from admin.web.redirects import see_path
from authbridge import staffsessions
from authbridge.errors import StorageError


def page(template: str, **context: object) -> ResponseReturnValue:
    """The page, 200."""
    return render_template(template, **context)


def form_page(template: str, form: FlaskForm | None, **context: object) -> ResponseReturnValue:
    """The page with its form; with what was typed and 422 where that has faults, 503 after an outage."""
    status = g.get("status", 422) if form is not None and form.errors else 200
    return render_template(template, form=form, **context), status


def done_once(deed: Callable[[], str | None]) -> Response | None:
    """Carries the form out, once however often it is sent; the place to go to, None where it has faults.

    ``deed`` returns the path of that place, or None.
    """
    key = (sessions.the_visit().id_hash, request.form.get("nonce", ""))
    place = the_panel().deeds.once(key, deed)
    return None if place is None else see_path(place)


def tell(kind: str, text: str, undo: dict[str, Any] | None = None) -> None:
    """Says it on the next page; ``undo`` is what :func:`deed` gives."""
    # What is told was done already: that it cannot be told is no reason to say that it was not.
    with suppress(StorageError), the_panel().database.writing() as session:
        staffsessions.add_notice(session, sessions.the_visit(), {"kind": kind, "text": text, "undo": undo})


def deed(label: str, endpoint: str, **values: str) -> dict[str, Any]:
    """What a button in a notice does."""
    return {"label": label, "endpoint": endpoint, "values": values}


def take_notices() -> list[dict[str, Any]]:
    """What this page is to say: once."""
    if g.visit is None or not g.visit.notices:
        return []
    try:
        with the_panel().database.writing() as session:
            return staffsessions.take_notices(session, g.visit)
    except StorageError:  # then they come later: the page at hand says what is wrong
        return []
