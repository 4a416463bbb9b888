"""Schools: list, detail, add, edit."""

from dataclasses import replace
from datetime import date

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin.forms.base import open_form
from admin.forms.schools import NewSchoolForm, SchoolForm
from admin.forms.suspensions import DescribeForm
from admin.panel import current_panel, now, today
from admin.session.access import needs
from admin.session.commands import run_command, submit_once
from admin.session.flashes import flash
from admin.status.organiser_queries import asked_query
from admin.status.shown_credentials import still_shown
from admin.views import suspensions
from admin.web.i18n import day
from admin.web.query_params import asked_choice, asked_extent, asked_text, parse_number
from admin.web.redirects import path_to, redirect_to
from admin.web.responses import form_page, page
from authbridge.errors import ConflictError
from authbridge.misuse.report_rows import open_reports
from authbridge.revocations.running import running_meetings
from authbridge.revocations.status import meetings_of, revocation_status_of
from authbridge.schools import listings
from authbridge.schools.commands import schools
from authbridge.schools.history import suspension_rows
from authbridge.schools.listings import OrganiserOrder, SchoolOrder
from authbridge.schools.lookup import get_school
from authbridge.schools.print_jobs import list_print_jobs
from authbridge.schools.school_rows import SchoolFilter, school_counts
from authbridge.schools.terms import terms_of_school
from authbridge.staff.permissions import Permission
from authbridge.storage.models import School

_JOBS_SHOWN = 5  # of the latest; older letters are found by the number on them

blueprint = Blueprint("schools", __name__, url_prefix="/schools")


@blueprint.get("")
@needs(Permission.READ)
def index() -> ResponseReturnValue:
    """Lists the schools, filtered."""
    show = asked_choice("show", SchoolFilter) or SchoolFilter.ALL
    extent = asked_extent(SchoolOrder)
    with current_panel().database.read_session() as session:
        rows = listings.list_school_rows(session, text=asked_text(), show=show, extent=extent)
    return page("schools/index.html", page=rows, q=asked_text(), show=show, extent=extent)


@blueprint.get("/<code>")
@needs(Permission.READ)
def show(code: str) -> ResponseReturnValue:
    """Shows one school with its organisers."""
    return _detail(code)


def _detail(code: str, sent: DescribeForm | None = None) -> ResponseReturnValue:
    extent = asked_extent(OrganiserOrder)
    with current_panel().database.read_session() as session:
        school = get_school(session, code)
        asked = replace(asked_query(), code=school.code)
        history = suspension_rows(session, school, now=now())
        revocation = revocation_status_of(session, school, now=now())
        reports = open_reports(session, school, now=now())
        counts = school_counts(session, school)
        return form_page(
            "schools/show.html",
            sent,
            school=school,
            used=counts.organisers,
            not_come=counts.not_come,
            page=listings.list_organiser_rows(session, asked, today=today(), extent=extent),
            running=running_meetings(session, now=now()),
            print_jobs=list_print_jobs(session, school, limit=_JOBS_SHOWN),
            terms=terms_of_school(session, school, today=today()),
            q=asked.text,
            state=asked.show or "",
            extent=extent,
            history=history,
            reports=reports,
            describe=sent or DescribeForm.of(history, path_to("schools.describe", name=code)),
            status=suspensions.status_of(suspensions.SCHOOL, school, revocation),
            meetings=meetings_of(session, school, now=now()),
            handout=still_shown(lambda handout: handout.school_code == school.code),
        )


suspensions.add_views(blueprint, suspensions.SCHOOL, "/<name>", _detail)


@blueprint.route("/add", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def add() -> ResponseReturnValue:
    """Adds a school."""
    form = open_form(NewSchoolForm)
    if form.validate_on_submit() and (answer := submit_once(lambda: _add(form))):
        return answer
    return form_page("schools/form.html", form, school=None)


def _add(form: NewSchoolForm) -> str | None:
    with form.show_errors({ConflictError: "code"}):
        run_command(schools.add_school, form.code.data, form.name.data, **form.details)
        flash("done", _("The school is added. Now you can issue access for it."))
        return path_to("schools.show", code=form.code.data.strip().lower())
    return None


@blueprint.route("/<code>/edit", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def edit(code: str) -> ResponseReturnValue:
    """Changes a school; values that somebody else changed meanwhile are shown, not overwritten."""
    school = _read(code)
    form = open_form(SchoolForm, no_contract=school.contract_on is None, **_as_typed(school))
    form.stored_contract = school.contract_on
    if form.validate_on_submit():
        with form.show_errors():
            try:
                _change(school.code, form)
            except schools.ChangedMeanwhileError:
                return _show_others_values(form, _read(code))
            flash("done", _saved(school, form.details["contract_on"]))
            return redirect_to("schools.show", code=school.code)
    return form_page("schools/form.html", form, school=school)


def _saved(before: School, contract_on: date | None) -> str:
    """Returns the sentence of the flash; it names the day of the contract if that has changed."""
    if contract_on == before.contract_on:
        return _("Saved.")
    if contract_on is None:
        return _("Saved. There is no processing contract.")
    return _("Saved. The processing contract is of %(day)s.", day=day(contract_on))


def _read(code: str) -> School:
    with current_panel().database.read_session() as session:
        return get_school(session, code)


def _change(code: str, form: SchoolForm) -> None:
    typed = form.revision.data or ""
    run_command(
        schools.change_school,
        code,
        revision=parse_number(typed),
        name=form.name.data,
        **form.details,
    )


def _show_others_values(form: SchoolForm, school: School) -> ResponseReturnValue:
    """Shows the form again with the values that others saved; saving it now overwrites them."""
    form.revision.data = str(school.revision)
    others = _differences(form, school)
    return make_response(page("schools/form.html", form=form, school=school, changed_by_others=others), 422)


def _as_typed(school: School) -> dict[str, object]:
    return {
        "name": school.name,
        "street": school.street,
        "place": school.place,
        "mailbox": school.mailbox,
        "contract_on": school.contract_on,
        "trusted_networks": "\n".join(school.trusted_networks),
        "quota": school.quota,
        "revision": school.revision,
    }


def _differences(form: SchoolForm, school: School) -> list[tuple[str, str]]:
    """Returns the stored values that differ from the typed ones: label and value."""
    found = []
    for name, value in _as_typed(school).items():
        field = form[name]
        if name != "revision" and field.data != value:
            shown = day(school.contract_on) if name == "contract_on" and school.contract_on else value
            found.append((field.label.text, str(shown or "")))
    return found
