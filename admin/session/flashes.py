"""Messages for the next page, kept with the session; each is shown once, perhaps with a button to undo."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flask import g
from flask_login import current_user

from admin.panel import current_panel
from admin.session.sessions import current_session
from admin.stores.late_forms import Button
from authbridge.errors import StorageError
from authbridge.staff import sessions as staff_sessions


def flash(kind: str, text: str, undo: dict[str, Any] | None = None) -> None:
    """Shows the text on the next page; ``kind`` is done, warn or error, ``undo`` an :func:`undo_action`."""
    # The change itself is stored already: an outage now must not make the page say that it was not.
    with suppress(StorageError), current_panel().database.write_session() as session:
        staff_sessions.add_notice(session, current_session(), {"kind": kind, "text": text, "undo": undo})


def undo_action(
    label: str, endpoint: str, fields: Sequence[tuple[str, str]] = (), **values: str
) -> dict[str, Any]:
    """Returns the button of a flash: its label, the view that it calls, and its hidden fields."""
    says = f"{label}: {', '.join(values.values())}"
    return {"label": label, "says": says, "endpoint": endpoint, "values": values, "fields": list(fields)}


def again_action(button: Button) -> dict[str, Any]:
    """Returns the button of a flash that sends a late form again."""
    again = undo_action(button.label, button.endpoint, button.fields, **button.values)
    return again | {"says": button.label}


def flashes_of_page() -> list[dict[str, Any]]:
    """Returns the messages for this page, as often as it asks; no other page shows them."""
    if "flashes" not in g:
        g.flashes = _take()
    flashes: list[dict[str, Any]] = g.flashes
    return flashes


def _take() -> list[dict[str, Any]]:
    if current_user.session is None or not current_user.session.notices:
        return []
    try:
        with current_panel().database.write_session() as session:
            return staff_sessions.take_notices(session, current_user.session)
    except StorageError:  # they come later: the page at hand says what is wrong
        return []
