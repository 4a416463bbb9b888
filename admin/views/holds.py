"""Entries of the journal held for an incident: the list, a request, its confirmation, the end."""

from datetime import timedelta

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin.forms.base import open_form
from admin.forms.holds import HoldForm, held_days
from admin.panel import current_panel, now
from admin.session.access import needs
from admin.session.commands import run_command, submit_once
from admin.session.flashes import flash
from admin.session.sessions import current_actor
from admin.status.spans import last_day, local_day, start_of
from admin.web.i18n import say
from admin.web.redirects import path_to, redirect_to
from admin.web.responses import form_page, page
from authbridge.errors import ConflictError
from authbridge.holds import commands
from authbridge.holds.hold_rows import list_holds
from authbridge.schools.lookup import get_organiser
from authbridge.staff.permissions import Permission

blueprint = Blueprint("holds", __name__)

_USUAL_DAYS = 30


@blueprint.get("/holds")
@needs(Permission.INSPECT)
def index() -> ResponseReturnValue:
    """Lists what is held, and what waits for a second person."""
    with current_panel().database.read_session() as session:
        rows = list_holds(session, now=now())
    return page("holds/index.html", rows=rows, local_day=local_day, last_day=last_day, actor=current_actor())


@blueprint.route("/organisers/<username>/hold", methods=["GET", "POST"])
@needs(Permission.INSPECT, fresh=True)
def ask(username: str) -> ResponseReturnValue:
    """Asks for a hold of one organiser's entries."""
    with current_panel().database.read_session() as session:
        organiser = get_organiser(session, username)
    days = held_days()
    form = open_form(HoldForm, first=days[-1].isoformat(), last=days[0].isoformat(), days=_USUAL_DAYS)
    if form.validate_on_submit() and (answer := submit_once(lambda: _ask(form, organiser.username))):
        return answer
    return form_page("holds/ask.html", form, organiser=organiser)


def _ask(form: HoldForm, username: str) -> str | None:
    first, last = form.span
    wanted = commands.HoldRequest(
        since=start_of(first),
        before=start_of(last + timedelta(days=1)),
        reason=form.reason.data or "",
        days=form.days.data or 0,
        network=form.network.data or "",
    )
    retention = timedelta(days=current_panel().config.retention_days)
    with form.show_errors():
        run_command(commands.request_hold, username, wanted, retention=retention)
        flash("done", _("The entries are held for now. Somebody else has to confirm it within three days."))
        return path_to("holds.index")
    return None


@blueprint.post("/holds/<int:hold_id>/confirm")
@needs(Permission.INSPECT, fresh=True)
def confirm(hold_id: int) -> ResponseReturnValue:
    """Confirms what somebody else has asked for."""
    try:
        run_command(commands.confirm_hold, hold_id)
    except ConflictError as error:
        flash("error", say(error))
    else:
        flash("done", _("The entries are held."))
    return redirect_to("holds.index")


@blueprint.post("/holds/<int:hold_id>/end")
@needs(Permission.INSPECT, fresh=True)
def end(hold_id: int) -> ResponseReturnValue:
    """Ends a hold, or rejects a request."""
    run_command(commands.end_hold, hold_id)
    flash("done", _("Nothing is held by it any more. What is too old is deleted within an hour."))
    return redirect_to("holds.index")
