"""Organisers: list, detail, end of sessions, validity, delete."""

from datetime import date, timedelta

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin.forms.base import open_form
from admin.forms.deletion import DeletionForm
from admin.forms.organisers import ValidityForm
from admin.forms.suspensions import DescribeForm
from admin.panel import current_panel, now, today
from admin.session.access import needs
from admin.session.commands import run_command
from admin.session.flashes import flash
from admin.status.login_week import read_login_week
from admin.status.organiser_queries import as_parameters, asked_query
from admin.status.revocation_status import wait_for_nodes
from admin.status.running_meetings import ends_in_words
from admin.status.shown_credentials import still_shown
from admin.views import suspensions
from admin.web.i18n import day
from admin.web.query_params import asked_extent
from admin.web.redirects import path_to, redirect_back, redirect_to
from admin.web.responses import form_page, page
from authbridge.misuse.report_rows import open_reports
from authbridge.revocations.running import running_meetings
from authbridge.revocations.status import revocation_status_of
from authbridge.schools import listings
from authbridge.schools.commands import organisers
from authbridge.schools.history import suspension_rows
from authbridge.schools.listings import OrganiserOrder
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.schools.organiser_rows import OrganiserRow, organiser_row
from authbridge.staff.permissions import Permission
from authbridge.storage.models import Organiser

blueprint = Blueprint("organisers", __name__, url_prefix="/organisers")


@blueprint.get("")
@needs(Permission.READ)
def index() -> ResponseReturnValue:
    """Lists the organisers, filtered."""
    asked, extent = asked_query(), asked_extent(OrganiserOrder)
    with current_panel().database.read_session() as session:
        rows = listings.list_organiser_rows(session, asked, today=today(), extent=extent)
        running = running_meetings(session, now=now())
        school = get_school(session, asked.code) if asked.code else None
    return page(
        "organisers/index.html",
        page=rows,
        running=running,
        school=school,
        q=asked.text,
        state=asked.show or "",
        asked=as_parameters(asked),
        extent=extent,
    )


@blueprint.get("/<username>")
@needs(Permission.READ)
def show(username: str) -> ResponseReturnValue:
    """Shows one organiser."""
    return _detail(username)


def _detail(username: str, sent: DescribeForm | None = None) -> ResponseReturnValue:
    with current_panel().database.read_session() as session:
        organiser = get_organiser(session, username)
        history = suspension_rows(session, organiser, now=now())
        revocation = revocation_status_of(session, organiser, now=now())
        reports = open_reports(session, organiser, now=now())
        running = running_meetings(session, now=now()).of([organiser.username])
    return form_page(
        "organisers/show.html",
        sent,
        organiser=organiser_row(organiser, today()),
        created_at=organiser.created_at,
        former_until=_former_until(organiser),
        history=history,
        reports=reports,
        describe=sent or DescribeForm.of(history, path_to("organisers.describe", name=username)),
        login_week=read_login_week(organiser, history),
        status=suspensions.status_of(suspensions.ORGANISER, organiser, revocation),
        running=running,
        handout=still_shown(lambda handout: handout.has(organiser.username)),
    )


suspensions.add_views(blueprint, suspensions.ORGANISER, "/<name>", _detail)


@blueprint.post("/<username>/end-sessions")
@needs(Permission.MANAGE)
def end_sessions(username: str) -> ResponseReturnValue:
    """Logs an organiser out everywhere; the access itself stays."""
    if run_command(organisers.end_sessions, username):
        _wait_for_nodes(username)
        flash("done", _("%(name)s is being logged out everywhere.", name=username))
    else:
        flash("warn", _("%(name)s is suspended, and logged out already.", name=username))
    return redirect_back("organisers.show", username=username)


@blueprint.post("/<username>/void-former")
@needs(Permission.MANAGE)
def void_former(username: str) -> ResponseReturnValue:
    """Ends the former password before its day; the present one stays."""
    if run_command(organisers.void_former_password, username):
        _wait_for_nodes(username)
        flash("done", _("Only the new password of %(name)s counts now.", name=username))
    else:
        flash("warn", _("The former password of %(name)s counts no more already.", name=username))
    return redirect_back("organisers.show", username=username)


@blueprint.route("/<username>/validity", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def validity(username: str) -> ResponseReturnValue:
    """Sets the last day of validity, or takes the end away."""
    row = _row(username)
    form = open_form(ValidityForm, valid_until=row.valid_until, no_end=row.valid_until is None)
    form.stored_end = row.valid_until
    if form.validate_on_submit():
        with form.show_errors():
            _change_validity(row.username, form.end)
            flash("done", _new_end(row.username, form.end))
            return redirect_to("organisers.show", username=row.username)
    with current_panel().database.read_session() as session:
        running = running_meetings(session, now=now()).of([row.username])
    return form_page(
        "organisers/validity.html", form, organiser=row, yesterday=_yesterday(), ends=ends_in_words(running)
    )


@blueprint.post("/<username>/expire")
@needs(Permission.MANAGE)
def expire(username: str) -> ResponseReturnValue:
    """Ends the access now."""
    _change_validity(username, _yesterday())
    flash("done", _new_end(username, _yesterday()))
    return redirect_to("organisers.show", username=username)


def _change_validity(username: str, last_day: date | None) -> None:
    run_command(organisers.change_validity, username, last_day, today=today())
    _wait_for_nodes(username)


def _new_end(username: str, last_day: date | None) -> str:
    """Returns the sentence of the flash, with the day that holds now."""
    if last_day is None:
        return _("%(name)s is valid without an end.", name=username)
    if last_day < today():
        return _("The access of %(name)s has expired.", name=username)
    return _("%(name)s is valid until %(day)s.", name=username, day=day(last_day))


def _former_until(organiser: Organiser) -> date | None:
    """Returns the last day on which the former password counts, None if it counts no more."""
    day_ = organiser.previous_until
    return day_ if day_ is not None and day_ >= today() else None


def _wait_for_nodes(username: str) -> None:
    wait_for_nodes(lambda session: get_organiser(session, username))


def _yesterday() -> date:
    return today() - timedelta(days=1)


@blueprint.route("/<username>/delete", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def delete(username: str) -> ResponseReturnValue:
    """Deletes an organiser for good, once the name was typed again."""
    row = _row(username)
    form = open_form(DeletionForm)
    if form.validate_on_submit() and form.require(row.username):
        with form.show_errors():
            run_command(organisers.delete_organiser, row.username, keyed_hashes=current_panel().keyed_hashes)
            flash("done", _("%(name)s is deleted.", name=row.username))
            return redirect_to("schools.show", code=row.school_code)
    return form_page("organisers/delete.html", form, organiser=row)


def _row(username: str) -> OrganiserRow:
    with current_panel().database.read_session() as session:
        return organiser_row(get_organiser(session, username), today())
