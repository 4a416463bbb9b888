"""Who may open which page: a view is closed unless it says for whom it is open."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import abort, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from admin.panel import current_panel, now
from admin.session.sessions import current_session, is_signed_in
from admin.web.redirects import current_path, local_path
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
    if endpoint == "static":
        return _EVERYBODY
    access: Access | None = getattr(current_app.view_functions[endpoint], _ATTRIBUTE, None)
    return access


def may(permission: str) -> bool:
    """Tells whether the person signed in has that permission; for templates too."""
    return is_signed_in() and Permission(permission) in PERMISSIONS[current_session().role]


def require_access() -> Response | None:
    """Lets the request pass, or returns the redirect to the page that comes first."""
    if request.endpoint is None:  # no such page; strangers must not learn which pages exist
        return None if is_signed_in() else _to_sign_in()
    access = access_of(request.endpoint)
    if access is None:
        abort(403)
    if access.permission is not None:
        return _require_permission(access.permission, fresh=access.fresh)
    session = current_user.session if access.stage is not None else None
    if access.stage is not None and (session is None or session.stage is not access.stage):
        return redirect(url_for("auth.sign_in"))
    return None


def _require_permission(permission: Permission, *, fresh: bool) -> Response | None:
    if not is_signed_in():
        return _to_sign_in()
    if not may(permission):
        abort(403)
    if fresh and not staff_sessions.is_fresh(current_session(), now()):
        _keep_draft(current_session().staff_id)
        return redirect(url_for("auth.reauthenticate", next=_path_after_code()), 303)
    return None


def _to_sign_in() -> Response:
    """Redirects to the sign-in, and keeps what the owner of an expired session had typed."""
    owner = _owner_of_expired_session()
    if owner is not None:
        _keep_draft(owner)
    note = "expired" if owner is not None else ("ended" if current_user.token else None)
    wanted = current_path() if request.method == "GET" and request.path != "/" else None
    return redirect(url_for("auth.sign_in", note=note, next=wanted), 303)


def _owner_of_expired_session() -> int | None:
    if not current_user.token:
        return None
    with current_panel().database.read_session() as session:
        return staff_sessions.expired_owner(session, current_user.token, now=now())


def _path_after_code() -> str | None:
    """Returns this page, or for a button without a page of its own the page on which it stands."""
    return current_path() if _has_page() else local_path(request.form.get("back"))


def _has_page() -> bool:
    return request.url_rule is not None and "GET" in (request.url_rule.methods or ())


_NEVER_KEPT = ("csrf_token", "idempotency_key")
_WITH_SECRETS = frozenset({"auth", "account"})  # blueprints whose forms hold passwords and codes


def _keep_draft(staff_id: int) -> None:
    """Keeps the typed form for its writer; not for a mere button, which is quickly pressed again."""
    if request.method != "POST" or not _has_page() or request.blueprint in _WITH_SECRETS:
        return
    fields = request.form.copy()
    for name in _NEVER_KEPT:
        fields.poplist(name)
    current_panel().drafts.keep(staff_id, request.path, fields, now=now())
