"""Runs a command of the domain for the person signed in, and a form that is sent twice only once."""

from collections.abc import Callable
from typing import TypeVar

from flask import request
from werkzeug.wrappers import Response

from admin.panel import current_panel, now
from admin.session.sessions import current_actor, current_session
from admin.web.redirects import redirect_to_path

_Result = TypeVar("_Result")


def run_command(command: Callable[..., _Result], *values: object, **options: object) -> _Result:
    """Runs the command in one transaction, with the member of staff as actor and the present moment.

    Raises:
        AuthBridgeError: Whatever the command raises; nothing is changed then.
    """
    with current_panel().database.write_session() as session:
        return command(session, *values, actor=current_actor(), now=now(), **options)


def submit_once(submit: Callable[[], str | None]) -> Response | None:
    """Calls ``submit`` once, however often the form is sent, and redirects to the path that it returned.

    Returns None where ``submit`` did: the form has errors, and may be sent again.
    """
    key = (current_session().id_hash, request.form.get("idempotency_key", ""))
    path = current_panel().idempotent_forms.submit_once(key, submit)
    return None if path is None else redirect_to_path(path)
