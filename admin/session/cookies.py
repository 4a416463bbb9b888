"""Flask's session over cookies of our own: of a session in the database, of a guest, of a device.

A cookie holds random bits and nothing else. Flask-Login keeps the token of a session as ``_user_id``;
this file carries it from the cookie to there and back. A guest has a token too, of another name, because the
CSRF secret of the sign-in form derives from it; the database knows nothing of a guest.
"""

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SessionInterface, SessionMixin

from admin.web import headers
from authbridge.staff import device_cookies
from authbridge.staff.sessions import id_of

SESSION_COOKIE = "__Host-authbridge"
GUEST_COOKIE = "__Host-authbridge-guest"
DEVICE_COOKIE = "__Host-authbridge-device"

CSRF_FIELD = "csrf_token"
_WITHOUT_COOKIES = frozenset({"report"})  # blueprints: strangers need none there, and get none

_TOKEN_FIELD = "_user_id"  # noqa: S105 - Flask-Login's name for it


class CookieSession(dict[str, Any], SessionMixin):
    """What Flask calls the session: the token for Flask-Login, and the CSRF secret that derives from it."""

    def __init__(self, token: str, guest: str, key: bytes) -> None:
        super().__init__({_TOKEN_FIELD: token} if token else {})
        self.guest = guest
        self.new_device: str | None = None
        self._key = key
        self.renew_csrf_secret()

    def __repr__(self) -> str:  # a dictionary's would show the token
        return f"<{type(self).__name__}>"

    @property
    def token(self) -> str:
        """Returns the token of the session, "" for a guest."""
        token: str = self.get(_TOKEN_FIELD, "")
        return token

    def renew_csrf_secret(self) -> None:
        """Derives the CSRF secret from the id of the session: no form outlives it, a new token voids none."""
        shown = (id_of(self.token) or self.guest).encode("utf-8", "replace")
        self[CSRF_FIELD] = hmac.digest(self._key, shown, hashlib.sha256).hex()


class CookieSessions(SessionInterface):
    """Reads the cookies before a request and writes the changed ones after it."""

    def open_session(self, app: Flask, request: Request) -> CookieSession:
        """Returns the session of the request's cookies; a guest without a cookie gets one."""
        token = request.cookies.get(SESSION_COOKIE, "")
        guest = request.cookies.get(GUEST_COOKIE, "") or secrets.token_urlsafe(32)
        secret_key: bytes = app.config["SECRET_KEY"]
        return CookieSession(token, guest, secret_key)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:  # noqa: ARG002
        """Sets the cookies that are new; none with what caches may share or strangers use."""
        if (
            request.endpoint == "static"
            or request.blueprint in _WITHOUT_COOKIES
            or headers.is_public_document()
        ):
            return
        assert isinstance(session, CookieSession)  # noqa: S101 - ours, from above
        if request.cookies.get(SESSION_COOKIE, "") != session.token:
            _set(response, SESSION_COOKIE, session.token)
        if not session.token and request.cookies.get(GUEST_COOKIE) != session.guest:
            _set(response, GUEST_COOKIE, session.guest)
        if session.new_device is not None:
            _set(response, DEVICE_COOKIE, session.new_device, max_age=device_cookies.LIFETIME)


def _set(response: Response, name: str, value: str, max_age: timedelta | None = None) -> None:
    if value:
        response.set_cookie(name, value, max_age=max_age, secure=True, httponly=True, samesite="Strict")
    else:
        response.delete_cookie(name, secure=True, httponly=True, samesite="Strict")
