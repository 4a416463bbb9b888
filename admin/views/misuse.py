"""Misuse reports: the list, one report, a new one with or without a suspension, the end of one."""

from enum import StrEnum

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin.forms.base import open_form
from admin.forms.misuse import CloseForm, MisuseForm, SchoolMisuseForm
from admin.panel import current_panel, now
from admin.session.access import needs
from admin.session.commands import run_command, submit_once
from admin.session.flashes import flash
from admin.views import suspensions
from admin.views.suspensions import SuspensionViews
from admin.web.query_params import asked_choice, asked_code, asked_extent
from admin.web.redirects import path_to
from admin.web.responses import form_page, page
from authbridge.errors import NotFoundError
from authbridge.misuse import commands, report_rows
from authbridge.misuse.report_rows import ReportOrder, ReportRow, ReportState, get_report
from authbridge.revocations.running import running_meetings
from authbridge.revocations.status import meetings_of, revocation_status_of
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.staff.permissions import Permission
from authbridge.storage.models import ReportResult, School

blueprint = Blueprint("misuse", __name__)


class _Suspend(StrEnum):
    """What the button that was pressed suspends besides reporting; without one, nothing."""

    ORGANISER = "organiser"
    SCHOOL = "school"


@blueprint.get("/misuse")
@needs(Permission.READ)
def index() -> ResponseReturnValue:
    """Lists the reports, filtered."""
    state, extent = asked_choice("state", ReportState), asked_extent(ReportOrder)
    with current_panel().database.read_session() as session:
        school = get_school(session, asked_code()) if asked_code() else None
        rows = report_rows.list_reports(
            session, state=state, code="" if school is None else school.code, extent=extent, now=now()
        )
    return page("misuse/index.html", page=rows, state=state or "", school=school, extent=extent)


@blueprint.route("/organisers/<username>/misuse", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def report_organiser(username: str) -> ResponseReturnValue:
    """Reports misuse of one access."""
    with current_panel().database.read_session() as session:
        organiser = get_organiser(session, username)
        running = running_meetings(session, now=now()).of([organiser.username])
    form = open_form(MisuseForm)
    if form.validate_on_submit() and (
        answer := submit_once(lambda: _file(form, suspensions.ORGANISER, organiser.username))
    ):
        return answer
    return form_page(
        "misuse/report.html",
        form,
        school=organiser.school,
        organiser=organiser,
        meetings=running.known,
        silent=running.silent,
    )


@blueprint.route("/schools/<code>/misuse", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def report_school(code: str) -> ResponseReturnValue:
    """Reports misuse at a school, of an access that may not be known."""
    with current_panel().database.read_session() as session:
        school = get_school(session, code)
        meetings = meetings_of(session, school, now=now())
        running = running_meetings(session, now=now())
    form = open_form(SchoolMisuseForm)
    if form.validate_on_submit() and (answer := submit_once(lambda: _file_at(form, school))):
        return answer
    return form_page(
        "misuse/report.html", form, school=school, organiser=None, meetings=meetings, silent=running.silent
    )


def _file_at(form: SchoolMisuseForm, school: School) -> str | None:
    """Files a report about the organiser that is named, or about the school."""
    if _pressed() is _Suspend.ORGANISER and form.name is None:
        form.username.errors = [
            _("Please type the login name. Without one you can only report, or suspend the whole school.")
        ]
        return None
    if form.name is None:
        return _file(form, suspensions.SCHOOL, school.code)
    if _pressed() is _Suspend.SCHOOL:
        form.username.errors = [
            _("Please choose: suspend this one access, or leave the field empty and suspend the school.")
        ]
        return None
    with form.show_errors({NotFoundError: "username"}):
        _require_of_school(form.name, school)
        return _file(form, suspensions.ORGANISER, form.name)
    return None


def _require_of_school(username: str, school: School) -> None:
    with current_panel().database.read_session() as session:
        if get_organiser(session, username).school_id != school.id:
            raise NotFoundError("The login name “%(name)s” is of another school.", name=username)


def _file(form: MisuseForm, views: SuspensionViews, name: str) -> str | None:
    """Files a report, with the suspension if that button was pressed; returns the path to its page."""
    suspends = _pressed() is not None
    command = commands.report_and_suspend if suspends else commands.report_misuse
    with form.show_errors():
        filed = run_command(command, views.kind, name, form.told)
        noted = _("The report is noted.")
        if filed.suspended:
            suspensions.flash_suspended(views, name, noted)
        elif suspends:
            flash("warn", f"{noted} {views.suspended_before % {'name': name}}")
        else:
            flash("done", noted)
        return path_to("misuse.show", report_id=filed.id)
    return None


def _pressed() -> _Suspend | None:
    return next((each for each in _Suspend if each == request.form.get("suspend")), None)


@blueprint.get("/misuse/<int:report_id>")
@needs(Permission.READ)
def show(report_id: int) -> ResponseReturnValue:
    """Shows one report."""
    return _detail(report_id)


def _detail(report_id: int, form: CloseForm | None = None) -> ResponseReturnValue:
    with current_panel().database.read_session() as session:
        row = get_report(session, report_id, now=now())
        views, name = _suspended(row)
        found = views.kind.find(session, name)
        revocation = revocation_status_of(session, found, now=now()) if row.is_suspended else None
    return form_page(
        "misuse/show.html",
        form or CloseForm(formdata=None),
        report=row,
        kind=views.blueprint,
        name=name,
        status=suspensions.status_of(views, found, revocation),
    )


def _suspended(row: ReportRow) -> tuple[SuspensionViews, str]:
    """Returns the kind and the name of what the report is about, or of what was suspended for it."""
    if row.username is None or row.suspends_school:
        return suspensions.SCHOOL, row.school_code
    return suspensions.ORGANISER, row.username


@blueprint.post("/misuse/<int:report_id>/close")
@needs(Permission.MANAGE)
def close(report_id: int) -> ResponseReturnValue:
    """Closes a report with its result."""
    form = CloseForm()
    if form.validate() and (answer := submit_once(lambda: _close(form, report_id))):
        return answer
    return _detail(report_id, form)


def _close(form: CloseForm, report_id: int) -> str | None:
    with form.show_errors():
        run_command(commands.close_report, report_id, ReportResult(form.result.data), form.note.data or "")
        flash("done", _("The report is closed."))
        return path_to("misuse.show", report_id=report_id)
    return None
