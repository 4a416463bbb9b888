"""Who is visiting: the cookie, the session in the database behind it, and the token against forged forms.

The cookie holds 256 random bits and nothing else.  Whoever is not signed in gets one too, of another name,
for the token of the sign-in form derives from it; behind that one there is nothing in the database.
"""

import hashlib
import hmac
import secrets
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from flask import Flask, Request, Response, current_app, g, request
from flask import session as cookie_session
from flask.sessions import SessionInterface, SessionMixin
from flask_login import UserMixin, current_user

from admin.panel import the_panel
from authbridge import devices, staffsessions
from authbridge.audit import Actor
from authbridge.errors import StorageError
from authbridge.models import Stage
from authbridge.staffnames import staff_actor
from authbridge.staffsessions import Visit

COOKIE = "__Host-authbridge"
GUEST_COOKIE = "__Host-authbridge-guest"
DEVICE_COOKIE = "__Host-authbridge-device"

_TOKEN_FIELD = "csrf_token"  # noqa: S105 - Flask-WTF's name for it


_View = TypeVar("_View")

_UNATTENDED = "panel_unattended"


def unattended(view: _View) -> _View:
    """For what a page asks for by itself: that is no sign that somebody sits before it."""
    setattr(view, _UNATTENDED, True)
    return view


def is_unattended() -> bool:
    """Whether a page asks by itself, not a person."""
    return hasattr(current_app.view_functions.get(request.endpoint or ""), _UNATTENDED)


class CookieSession(dict[str, Any], SessionMixin):
    """What Flask calls the session: here only the secret from which the tokens of forms derive."""

    def __init__(self, token: str, guest: str, key: bytes) -> None:
        super().__init__()
        self.guest = guest
        self._key = key
        self.begin(token)

    def begin(self, token: str) -> None:
        """From now on it is that session's, or with "" the guest's."""
        self.token = token
        shown = (token or self.guest).encode("utf-8", "replace")
        self[_TOKEN_FIELD] = hmac.digest(self._key, shown, hashlib.sha256).hex()


class CookieSessions(SessionInterface):
    """Reads the cookies and writes them; what they stand for is looked up by :func:`load_visit`."""

    def open_session(self, app: Flask, request: Request) -> CookieSession:
        """From the request's cookies; a guest without one gets one."""
        token = request.cookies.get(COOKIE, "")
        guest = request.cookies.get(GUEST_COOKIE, "") or secrets.token_urlsafe(32)
        secret_key: bytes = app.config["SECRET_KEY"]
        return CookieSession(token, guest, secret_key)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:  # noqa: ARG002
        """Sets the cookies that are new; none with a static file, which others may keep."""
        if request.endpoint == "static":
            return
        assert isinstance(session, CookieSession)  # noqa: S101 - ours, from above
        if request.cookies.get(COOKIE, "") != session.token:
            _set(response, COOKIE, session.token)
        if not session.token and request.cookies.get(GUEST_COOKIE) != session.guest:
            _set(response, GUEST_COOKIE, session.guest)
        if "new_device" in g:
            _set(response, DEVICE_COOKIE, g.new_device, max_age=devices.LIFETIME)


def _set(response: Response, name: str, value: str, max_age: timedelta | None = None) -> None:
    if value:
        response.set_cookie(name, value, max_age=max_age, secure=True, httponly=True, samesite="Strict")
    else:
        response.delete_cookie(name, secure=True, httponly=True, samesite="Strict")


class Member(UserMixin):
    """A member of staff who is signed in, as Flask-Login wants to see one."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit

    def get_id(self) -> str:
        """Whoever asks gets the name; nothing is looked up by it."""
        return self.visit.name


def find_token() -> str:
    """What the browser showed."""
    return request.cookies.get(COOKIE, "")


def load_visit() -> None:
    """Looks the session up, as it is now: whoever was suspended or demoted is out at this request."""
    g.visit = None
    if request.endpoint == "static":
        return
    visit = _find(find_token())
    panel = the_panel()
    if visit is not None and not is_unattended() and staffsessions.needs_touch(visit, panel.clock()):
        # Where nothing can be written now, pages can still be read, and forms say it themselves.
        with suppress(StorageError), panel.database.writing() as transaction:
            visit = staffsessions.touch(transaction, visit, now=panel.clock())
    g.visit = visit


def _find(token: str) -> Visit | None:
    if not token:
        return None
    panel = the_panel()
    with panel.database.reading() as transaction:
        return staffsessions.find(transaction, token, now=panel.clock())


def member_of(_request: Request) -> Member | None:
    """For Flask-Login: whoever is signed in, all the way."""
    visit: Visit | None = g.get("visit")
    return Member(visit) if visit is not None and visit.stage is Stage.SIGNED_IN else None


def begin(token: str) -> None:
    """From now on, this is the browser's session; "" for none."""
    ours: CookieSession = cookie_session  # type: ignore[assignment]  # ours, behind Flask's proxy
    ours.begin(token)
    g.pop(_TOKEN_FIELD, None)  # Flask-WTF and Flask-Login keep what they made of the former
    g.pop("_login_user", None)
    g.visit = _find(token)


def replace(token: str) -> None:
    """Likewise; the session that the browser had is ended, however far it had come."""
    if g.visit is not None:
        with the_panel().database.writing() as transaction:
            staffsessions.end(transaction, g.visit)
    begin(token)


def keep_device(token: str | None) -> None:
    """From the answer on, the browser shows that its owner has come in with it; None: nothing new."""
    if token is not None:
        g.new_device = token


def end() -> None:
    """The browser has no session any more."""
    begin("")


def is_signed_in() -> bool:
    """Whether somebody is signed in, all the way."""
    return bool(current_user.is_authenticated)


def the_visit() -> Visit:
    """The session of this request; only for views that are closed to whoever has none."""
    visit: Visit = g.visit
    return visit


def the_actor() -> Actor:
    """Who does it, for the audit."""
    return Actor(staff_actor(the_visit().name))


def now() -> datetime:
    """The present moment."""
    return the_panel().clock()


def today() -> date:
    """The present day where the schools are."""
    panel = the_panel()
    return panel.clock().astimezone(panel.config.timezone).date()
