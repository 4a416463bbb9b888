"""Who may open which page: closed unless a view says for whom it is open."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from admin.panel import the_panel
from admin.session import sessions
from admin.web.redirects import current_path, local_path
from authbridge import staffsessions
from authbridge.models import Stage
from authbridge.rights import RIGHTS, Right

_View = TypeVar("_View", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a view: whoever has the right, whoever is at that stage, or (both None) everybody.

    ``fresh``: only if the second factor was shown within the last ten minutes.
    """

    right: Right | None = None
    stage: Stage | None = None
    fresh: bool = False


_ATTRIBUTE = "panel_access"
_EVERYBODY = Access()


def open_to_everybody(view: _View) -> _View:
    """For the few pages before the sign-in."""
    setattr(view, _ATTRIBUTE, _EVERYBODY)
    return view


def open_at(stage: Stage) -> Callable[[_View], _View]:
    """For the pages half-way through the sign-in."""
    return _marked(Access(stage=stage))


def needs(right: Right, *, fresh: bool = False) -> Callable[[_View], _View]:
    """For everything else."""
    return _marked(Access(right=right, fresh=fresh))


def _marked(access: Access) -> Callable[[_View], _View]:
    def mark(view: _View) -> _View:
        setattr(view, _ATTRIBUTE, access)
        return view

    return mark


def access_of(endpoint: str) -> Access | None:
    """Who may use the view of that endpoint; None: nobody."""
    if endpoint == "static":
        return _EVERYBODY
    access: Access | None = getattr(current_app.view_functions[endpoint], _ATTRIBUTE, None)
    return access


def may(right: str) -> bool:
    """Whether whoever is signed in has that right; for templates."""
    return sessions.is_signed_in() and Right(right) in RIGHTS[sessions.the_visit().role]


def require_access() -> Response | None:
    """Before each request: lets it pass, or says where to go first."""
    if request.endpoint is None:  # no such page; but who is not signed in need not know which there are
        return None if sessions.is_signed_in() else _to_sign_in()
    access = access_of(request.endpoint)
    if access is None:
        abort(403)
    if access.right is not None:
        return _require_right(access.right, fresh=access.fresh)
    if access.stage is not None and (g.visit is None or g.visit.stage is not access.stage):
        return redirect(url_for("entry.sign_in"))
    return None


def _require_right(right: Right, *, fresh: bool) -> Response | None:
    if not sessions.is_signed_in():
        return _to_sign_in()
    if not may(right):
        abort(403)
    if fresh and not staffsessions.is_fresh(sessions.the_visit(), sessions.now()):
        _keep_draft(sessions.the_visit().staff_id)
        return redirect(url_for("entry.fresh", next=_page_of_form()), 303)
    return None


def _to_sign_in() -> Response:
    """To the sign-in; what somebody had typed when the time was over is kept for him."""
    panel = the_panel()
    owner = None
    if sessions.find_token():
        with panel.database.reading() as session:
            owner = staffsessions.expired_owner(session, sessions.find_token(), now=panel.clock())
    if owner is not None:
        _keep_draft(owner)
    note = "expired" if owner is not None else ("ended" if sessions.find_token() else None)
    wanted = current_path() if request.method == "GET" and request.path != "/" else None
    return redirect(url_for("entry.sign_in", note=note, next=wanted), 303)


def _page_of_form() -> str | None:
    """Where to go on after the detour: this page, or that on which the button stands."""
    return current_path() if _has_page() else local_path(request.form.get("back"))


def _has_page() -> bool:
    return request.url_rule is not None and "GET" in (request.url_rule.methods or ())


_NEVER_KEPT = ("csrf_token", "nonce")
_WITH_SECRETS = frozenset({"entry", "account"})  # blueprints whose forms hold passwords and codes


def _keep_draft(staff_id: int) -> None:
    """Only of pages with a form of their own: a button is pressed again sooner than explained."""
    if request.method != "POST" or not _has_page() or request.blueprint in _WITH_SECRETS:
        return
    fields = request.form.copy()
    for name in _NEVER_KEPT:
        fields.poplist(name)
    the_panel().drafts.keep(staff_id, request.path, fields, now=sessions.now())
