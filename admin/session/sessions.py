"""The session of this request: Flask-Login holds it, the database behind it is asked once a request.

``current_user`` is a :class:`PanelUser`. It is authenticated once both factors were shown; half-way through
the sign-in it has a session that is not authenticated yet; a guest has none.
"""

from contextlib import suppress

from flask import Flask, g, request
from flask import session as flask_session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from admin.panel import current_panel, now
from admin.session.cookies import CSRF_FIELD, CookieSession
from admin.web.unattended import is_unattended
from authbridge.audit import Actor
from authbridge.errors import StorageError
from authbridge.login.staff_names import staff_actor
from authbridge.staff import sessions as staff_sessions
from authbridge.staff.sessions import PanelSession
from authbridge.storage.models import SessionStage


class PanelUser(UserMixin):
    """The browser's user, as Flask-Login wants one: a token, and the session that the database has for it.

    ``failure`` is the error with which the lookup ended; then there is no session.
    """

    def __init__(
        self, token: str = "", session: PanelSession | None = None, failure: Exception | None = None
    ) -> None:
        self.token = token
        self.session = session
        self.failure = failure

    @property
    def is_authenticated(self) -> bool:
        """Tells whether both factors were shown."""
        return self.session is not None and self.session.stage is SessionStage.SIGNED_IN

    def get_id(self) -> str:
        """Returns the token, by which Flask-Login asks :func:`_load_user`."""
        return self.token


def install(app: Flask) -> None:
    """Makes Flask-Login find the session of each request, before anything else needs it."""
    logins = LoginManager(app)
    logins.session_protection = None  # the token is bound to nothing that a browser says of itself
    logins.anonymous_user = PanelUser
    logins.user_loader(_load_user)
    app.before_request(_raise_failure)


def _load_user(token: str) -> PanelUser:
    """Looks the session up as it is now: a person who was suspended or demoted is out at this request."""
    if request.endpoint == "static":
        return PanelUser(token)
    try:
        return PanelUser(token, _touched(_find(token)))
    except Exception as error:  # noqa: BLE001 - raised below; the page that reports it needs a user again
        return PanelUser(token, failure=error)


def _raise_failure() -> None:
    if current_user.failure is not None:
        raise current_user.failure


def _find(token: str) -> PanelSession | None:
    panel = current_panel()
    with panel.database.read_session() as session:
        return staff_sessions.find(session, token, idle=panel.config.panel_idle, now=now())


def _touched(found: PanelSession | None) -> PanelSession | None:
    if found is None or is_unattended() or not staff_sessions.needs_touch(found, now()):
        return found
    # Where nothing can be written now, pages can still be read, and forms report it themselves.
    with suppress(StorageError), current_panel().database.write_session() as session:
        return staff_sessions.touch(session, found, now=now())
    return found


def begin(token: str) -> None:
    """Gives the browser that token of a session, from the answer on."""
    login_user(PanelUser(token, _find(token)))
    _renew_csrf_token()


def replace(token: str) -> None:
    """Gives the browser that session, and ends the one that it had, however far that had come."""
    _end_in_database()
    begin(token)


def end() -> None:
    """Ends the session, on the server too: a copy of its cookie opens nothing any more."""
    _end_in_database()
    logout_user()
    _renew_csrf_token()


def _end_in_database() -> None:
    if current_user.session is not None:
        with current_panel().database.write_session() as session:
            staff_sessions.end(session, current_user.session)


def keep_device(token: str | None) -> None:
    """Sets the cookie of a device on which its owner has signed in; None leaves it as it is."""
    _cookies().new_device = token


def _renew_csrf_token() -> None:
    _cookies().renew_csrf_secret()
    g.pop(CSRF_FIELD, None)  # Flask-WTF keeps the token that it derived from the former secret


def _cookies() -> CookieSession:
    ours: CookieSession = flask_session  # type: ignore[assignment]  # ours, behind Flask's proxy
    return ours


def is_signed_in() -> bool:
    """Tells whether both factors were shown in this session."""
    return bool(current_user.is_authenticated)


def current_session() -> PanelSession:
    """Returns the session of this request; only for views that are closed to guests."""
    session: PanelSession = current_user.session
    return session


def current_actor() -> Actor:
    """Returns the member of staff who acts, for the audit."""
    return Actor(staff_actor(current_session().name))
