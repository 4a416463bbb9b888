"""Report codes of a school: when they were made and used, a new one that is shown once, withdrawal."""

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin.panel import current_panel, now, today
from admin.session.access import needs
from admin.session.commands import run_command, submit_once
from admin.session.flashes import flash
from admin.session.sessions import current_session
from admin.stores.shown_codes import LIFETIME
from admin.web.headers import hide_from_back_button, replace_at
from admin.web.redirects import path_to, redirect_to
from admin.web.responses import page
from admin.web.unattended import unattended
from authbridge.schools.commands import report_codes
from authbridge.schools.commands.report_codes import make_report_code
from authbridge.schools.lookup import get_school
from authbridge.schools.report_codes import list_report_codes
from authbridge.staff.permissions import Permission
from authbridge.storage.models import School

blueprint = Blueprint("report_codes", __name__, url_prefix="/schools/<code>/report-codes")


@blueprint.get("")
@needs(Permission.READ)
def index(code: str) -> ResponseReturnValue:
    """Lists when codes were made and used."""
    with current_panel().database.read_session() as session:
        school = get_school(session, code)
        rows = list_report_codes(session, school)
    return page("report_codes/index.html", school=school, rows=rows)


@blueprint.post("/issue")
@needs(Permission.MANAGE)
def issue(code: str) -> ResponseReturnValue:
    """Makes a new code; the next page shows it."""
    school = _school(code)
    return submit_once(lambda: _issue(school.code)) or redirect_to("report_codes.index", code=school.code)


def _issue(code: str) -> str:
    panel = current_panel()
    made = make_report_code(panel.keyed_hashes)
    run_command(report_codes.issue_report_code, code, made, today=today())
    panel.shown_report_codes.put((current_session().id_hash, code), made.plain, now=now())
    return path_to("report_codes.show", code=code)


@blueprint.get("/new")
@needs(Permission.MANAGE)
def show(code: str) -> ResponseReturnValue:
    """Shows a code that was just made, on a sheet for the head of the school."""
    school = _school(code)
    made = current_panel().shown_report_codes.find((current_session().id_hash, school.code), now=now())
    hide_from_back_button()
    answer = make_response(_sheet(school, made))
    if made is not None:
        path = path_to("report_codes.over", code=school.code)
        replace_at(answer, path, LIFETIME)
    return answer


@blueprint.get("/new/over")
@needs(Permission.MANAGE)
@unattended
def over(code: str) -> ResponseReturnValue:
    """Takes the place of a code that was left on the screen."""
    return _sheet(_school(code), None)


@blueprint.post("/new/done")
@needs(Permission.MANAGE)
def done(code: str) -> ResponseReturnValue:
    """Wipes a code that was shown: "back" does not show it again."""
    school = _school(code)
    current_panel().shown_report_codes.take((current_session().id_hash, school.code), now=now())
    return redirect_to("report_codes.index", code=school.code)


@blueprint.post("/<int:code_id>/withdraw")
@needs(Permission.MANAGE)
def withdraw(code: str, code_id: int) -> ResponseReturnValue:
    """Makes a code worthless that was not used yet."""
    if run_command(report_codes.withdraw_report_code, code, code_id):
        flash("done", _("The code is withdrawn. The report page no longer accepts it."))
    else:
        flash("warn", _("This code was used or withdrawn already."))
    return redirect_to("report_codes.index", code=code)


def _sheet(school: School, made: str | None) -> ResponseReturnValue:
    config = current_panel().config
    return page(
        "report_codes/show.html",
        school=school,
        code=made,
        expires_on=today() + report_codes.KEPT,
        url=config.report_url,
    )


def _school(code: str) -> School:
    with current_panel().database.read_session() as session:
        return get_school(session, code)
