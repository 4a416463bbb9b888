"""What can be suspended, an organiser or a school: one click to suspend, one to undo, a note, the status."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from admin.forms.suspensions import DescribeForm
from admin.panel import current_panel, now
from admin.session.access import needs
from admin.session.commands import run_command
from admin.session.flashes import flash, undo_action
from admin.status.revocation_status import LiveStatus, in_words, live_status, wait_for_nodes
from admin.web.query_params import parse_moment
from admin.web.redirects import path_of_button, path_to, redirect_to_path
from admin.web.responses import page
from admin.web.unattended import unattended
from authbridge.errors import NotFoundError, StorageError
from authbridge.revocations.status import RevocationStatus, revocation_status_of
from authbridge.schools import suspendable
from authbridge.schools.commands import suspensions
from authbridge.schools.suspendable import SuspendableKind, name_of
from authbridge.staff.permissions import Permission
from authbridge.storage.models import Suspendable


@dataclass(frozen=True, slots=True)
class SuspensionViews:
    """The panel's side of one kind of what can be suspended: its pages and its sentences.

    ``blueprint`` is the name of the blueprint with its views.
    """

    kind: SuspendableKind
    page_of: Callable[[str], str]
    blueprint: str
    suspended: Any
    suspended_before: Any
    reinstated: Any
    not_suspended: Any


ORGANISER = SuspensionViews(
    kind=suspendable.ORGANISER,
    page_of=lambda username: path_to("organisers.show", username=username),
    blueprint="organisers",
    suspended=_l("%(name)s is suspended."),
    suspended_before=_l("%(name)s was suspended already."),
    reinstated=_l("The suspension of %(name)s is lifted."),
    not_suspended=_l("%(name)s was not suspended."),
)
SCHOOL = SuspensionViews(
    kind=suspendable.SCHOOL,
    page_of=lambda code: path_to("schools.show", code=code),
    blueprint="schools",
    suspended=_l("The school %(name)s is suspended."),
    suspended_before=_l("The school %(name)s was suspended already."),
    reinstated=_l("The suspension of the school %(name)s is lifted."),
    not_suspended=_l("The school %(name)s was not suspended."),
)

ShowDetail = Callable[[str, DescribeForm | None], ResponseReturnValue]
"""Returns the page of one organiser or school, with the form if that has errors."""


def add_views(blueprint: Blueprint, views: SuspensionViews, path: str, show: ShowDetail) -> None:
    """Adds the views of a kind to its blueprint; ``path`` is the address of one, with ``<name>`` in it."""

    @blueprint.post(f"{path}/suspend")
    @needs(Permission.MANAGE)
    def suspend(name: str) -> ResponseReturnValue:
        return _suspend(views, name)

    @blueprint.post(f"{path}/reinstate")
    @needs(Permission.MANAGE)
    def reinstate(name: str) -> ResponseReturnValue:
        return _reinstate(views, name)

    @blueprint.post(f"{path}/suspension")
    @needs(Permission.MANAGE)
    def describe(name: str) -> ResponseReturnValue:
        form = DescribeForm()
        return _describe(views, name, form) or show(name, form)

    @blueprint.get(f"{path}/revocation-status")
    @needs(Permission.READ)
    @unattended
    def revocation_status(name: str) -> ResponseReturnValue:
        with current_panel().database.read_session() as session:
            found = views.kind.find(session, name)
            revocation = revocation_status_of(session, found, now=now())
        return page("_revocation_status.html", status=status_of(views, found, revocation))


def status_of(
    views: SuspensionViews, found: Suspendable, status: RevocationStatus | None
) -> LiveStatus | None:
    """Returns that revocation as the page of an organiser or school shows it; None if there was none."""
    return live_status(status, path_to(f"{views.blueprint}.revocation_status", name=name_of(found)))


def _suspend(views: SuspensionViews, name: str) -> ResponseReturnValue:
    """Suspends at once, without a question; the flash has the way back."""
    if run_command(suspensions.suspend, views.kind, name, reason=None):
        flash_suspended(views, name)
    else:
        flash("warn", views.suspended_before % {"name": name})
    return _redirect_back(views, name)


def flash_suspended(views: SuspensionViews, name: str, *said: str) -> None:
    """Says on the next page that it is suspended, with the way back; the servers get a moment before.

    ``said`` are sentences that stand before that.
    """
    undo = undo_action(_("Undo"), f"{views.blueprint}.reinstate", _since(views, name), name=name)
    flash("done", " ".join([*said, *_result_of(views, name)]), undo)


def _since(views: SuspensionViews, name: str) -> list[tuple[str, str]]:
    """Returns which suspension is meant: "Undo" lifts none that a colleague has made since."""
    # The suspension is stored already: an outage now must not make the page say that it was not.
    with suppress(StorageError, NotFoundError), current_panel().database.read_session() as session:
        moment = views.kind.find(session, name).suspended_at
        return [] if moment is None else [("since", moment.isoformat())]
    return []


def _result_of(views: SuspensionViews, name: str) -> Iterator[str]:
    """Yields that it is suspended, and its status where the next page is not the one that shows it."""
    yield views.suspended % {"name": name}
    status = wait_for_nodes(lambda session: views.kind.find(session, name))
    if status is not None and path_of_button() not in {None, views.page_of(name)}:
        yield in_words(status)


def _reinstate(views: SuspensionViews, name: str) -> ResponseReturnValue:
    """Gives the access back; a meeting that was ended stays ended."""
    if run_command(suspensions.reinstate, views.kind, name, since=parse_moment(request.form.get("since"))):
        flash("done", views.reinstated % {"name": name})
    else:
        flash("warn", views.not_suspended % {"name": name})
    return _redirect_back(views, name)


def _describe(views: SuspensionViews, name: str, form: DescribeForm) -> ResponseReturnValue | None:
    """Notes the reason of the suspension in force; returns None where the form has errors."""
    if form.validate():
        with form.show_errors():
            run_command(suspensions.describe, views.kind, name, form.description)
            flash("done", _("Noted."))
            return redirect_to_path(views.page_of(name))
    return None


def _redirect_back(views: SuspensionViews, name: str) -> ResponseReturnValue:
    return redirect_to_path(path_of_button() or views.page_of(name))
