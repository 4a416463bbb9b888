"""Who may open which page: a view is closed unless it says for whom it is open."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import abort, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from admin.panel import current_panel, now
from admin.session import lateness
from admin.session.sessions import current_session, is_signed_in
from admin.stores.late_forms import Lateness
from admin.web.redirects import current_path, local_path, page_of_form
from admin.web.refusals import Refusal, note_refusal
from authbridge.staff import sessions as staff_sessions
from authbridge.staff.permissions import PERMISSIONS, Permission
from authbridge.storage.models import SessionStage

_View = TypeVar("_View", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Access:
    """The permission that a view needs, or the stage of the sign-in; with neither it is open to everybody.

    ``fresh``: only if the second factor was shown within the last ten minutes.
    """

    permission: Permission | None = None
    stage: SessionStage | None = None
    fresh: bool = False


_ATTRIBUTE = "panel_access"
_EVERYBODY = Access()


def open_to_everybody(view: _View) -> _View:
    """Opens one of the few pages before the sign-in."""
    setattr(view, _ATTRIBUTE, _EVERYBODY)
    return view


def open_at(stage: SessionStage) -> Callable[[_View], _View]:
    """Opens a page half-way through the sign-in, at that stage only."""
    return _marked(Access(stage=stage))


def needs(permission: Permission, *, fresh: bool = False) -> Callable[[_View], _View]:
    """Opens a page to signed-in staff with that permission."""
    return _marked(Access(permission=permission, fresh=fresh))


def _marked(access: Access) -> Callable[[_View], _View]:
    def mark(view: _View) -> _View:
        setattr(view, _ATTRIBUTE, access)
        return view

    return mark


def access_of(endpoint: str) -> Access | None:
    """Returns what the view of that endpoint needs; None: it is closed to everybody."""
    return _EVERYBODY if endpoint == "static" else declared_access(current_app.view_functions[endpoint])


def declared_access(view: object) -> Access | None:
    """Returns what the view declares that it needs; None: nothing, or it is no view."""
    access: Access | None = getattr(view, _ATTRIBUTE, None)
    return access


def may(permission: str) -> bool:
    """Tells whether the person signed in has that permission; for templates too."""
    return is_signed_in() and Permission(permission) in PERMISSIONS[current_session().role]


def require_access() -> Response | None:
    """Lets the request pass, or returns the redirect to the page that comes first."""
    if request.endpoint is None:  # no such page; strangers must not learn which pages exist
        return None if is_signed_in() else _to_sign_in(is_grave=False)
    access = access_of(request.endpoint)
    if access is None:
        abort(403)
    if access.permission is not None:
        return _require_permission(access.permission, is_grave=access.fresh)
    session = current_user.session if access.stage is not None else None
    if access.stage is not None and (session is None or session.stage is not access.stage):
        return _to_first_step()
    return None


def _require_permission(permission: Permission, *, is_grave: bool) -> Response | None:
    if not is_signed_in():
        return _to_sign_in(is_grave=is_grave)
    if not may(permission):
        note_refusal(Refusal.ROLE, f"{current_session().role} at {request.endpoint}")
        abort(403)
    if is_grave and not staff_sessions.is_fresh(current_session(), now()):
        lateness.keep(current_session().name, Lateness.STALE_FACTOR, is_grave=True)
        return redirect(url_for("auth.reauthenticate", next=page_of_form()), 303)
    return None


def _to_first_step() -> Response:
    """Redirects to the beginning of the sign-in, and says so if a code was sent too late."""
    note = "again" if request.method == "POST" else None
    return redirect(url_for("auth.sign_in", note=note, next=local_path(request.args.get("next"))), 303)


def _to_sign_in(*, is_grave: bool) -> Response:
    """Redirects to the sign-in; what the owner of an expired session sent is kept for them."""
    owner = _owner_of_expired_session()
    comes_back = owner is not None and lateness.keep(owner, Lateness.SIGNED_OUT, is_grave=is_grave)
    note = (
        _note("ended" if owner is None else "expired", comes_back=comes_back) if current_user.token else None
    )
    wanted = page_of_form() if request.method == "POST" else current_path()
    return redirect(url_for("auth.sign_in", note=note, next=None if wanted == "/" else wanted), 303)


def _note(why: str, *, comes_back: bool) -> str:
    """Returns what the sign-in page says: why it is shown, and what became of a form."""
    if request.method != "POST":
        return why
    return f"{why}-form" if comes_back else f"{why}-button"


def _owner_of_expired_session() -> str | None:
    if not current_user.token:
        return None
    panel = current_panel()
    with panel.database.read_session() as session:
        return staff_sessions.expired_owner(
            session, current_user.token, idle=panel.config.panel_idle, now=now()
        )
