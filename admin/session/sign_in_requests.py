"""What is typed to prove who one is: where it comes from, and how a refusal is said."""

import ipaddress

from flask import g, request
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from admin.session.sessions import DEVICE_COOKIE
from authbridge import signin
from authbridge.policy import Decision, Verdict

_MINUTE = 60


def caller() -> signin.Caller:
    """Where a sign-in comes from."""
    return signin.Caller(
        ip=_address(),
        user_agent=request.headers.get("User-Agent"),
        device=request.cookies.get(DEVICE_COOKIE),
    )


def _address() -> str | None:
    # A local user can reach the panel past nginx, and then this is whatever that user likes.
    try:
        return str(ipaddress.ip_address(request.remote_addr or ""))
    except ValueError:
        return None


def refuse(form: FlaskForm, decision: Decision, words_if_wrong: str) -> None:
    """Says in the form why it was not granted."""
    match decision.verdict:
        case Verdict.LOCKED:
            g.status = 429
            form.form_errors.append(_wait(decision.retry_after or 0))
        case Verdict.UNAVAILABLE:
            g.status = 503
            form.form_errors.append(_("Too many sign-ins at once. Please try again in a moment."))
        case Verdict.SUSPENDED:
            form.form_errors.append(_("This access is suspended. Please ask the management."))
        case _:
            form.form_errors.append(words_if_wrong)


def _wait(seconds: int) -> str:
    if seconds < _MINUTE:
        return _("Too many failed attempts. Please wait %(seconds)s seconds.", seconds=seconds)
    minutes = -(-seconds // _MINUTE)
    return _("Too many failed attempts. Please wait %(minutes)s minutes.", minutes=minutes)
