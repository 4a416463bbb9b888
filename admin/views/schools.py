"""Schools: list, detail, add, edit; suspend and reinstate."""

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin import effects, suspending, visits
from admin.access import needs
from admin.forms import DescribeForm, NewSchoolForm, SchoolForm, carry_out, form_of
from admin.lists import asked_choice, asked_page, asked_text
from admin.pages import done_once, form_page, page, tell
from admin.panel import the_panel
from admin.places import location_of, see
from admin.words import day
from authbridge.errors import ConflictError
from authbridge.revocations import status
from authbridge.schools import listings
from authbridge.schools.commands import schools
from authbridge.schools.history import suspension_rows
from authbridge.schools.lookup import get_school
from authbridge.schools.school_rows import SchoolFilter, school_counts
from authbridge.staff.permissions import Right
from authbridge.storage.models import School

blueprint = Blueprint("schools", __name__, url_prefix="/schools")


@blueprint.get("")
@needs(Right.READ)
def index() -> ResponseReturnValue:
    """All schools, or those that are looked for."""
    show = asked_choice("show", SchoolFilter) or SchoolFilter.ALL
    with the_panel().database.read_session() as session:
        rows = listings.list_school_rows(session, text=asked_text(), show=show, page=asked_page())
    return page("schools/index.html", page=rows, q=asked_text(), show=show)


@blueprint.get("/<code>")
@needs(Right.READ)
def show(code: str) -> ResponseReturnValue:
    """One school with its organisers."""
    return _detail(code)


def _detail(code: str, sent: DescribeForm | None = None) -> ResponseReturnValue:
    with the_panel().database.read_session() as session:
        school = get_school(session, code)
        history = suspension_rows(session, school)
        return form_page(
            "schools/show.html",
            sent,
            school=school,
            used=school_counts(session, school).organisers,
            page=listings.list_organiser_rows(
                session, today=visits.today(), code=school.code, page=asked_page()
            ),
            history=history,
            describe=sent or DescribeForm.of(history),
            proof=effects.proof_of(school, status.revocation_status_of(session, school, now=visits.now())),
            meetings=status.meetings_of(session, school, now=visits.now()),
        )


@blueprint.get("/<code>/effect")
@needs(Right.READ)
@visits.unattended
def effect(code: str) -> ResponseReturnValue:
    """What became of the latest suspension, for the page that shows it."""
    with the_panel().database.read_session() as session:
        school = get_school(session, code)
        found = status.revocation_status_of(session, school, now=visits.now())
    return page("_proof.html", proof=effects.proof_of(school, found))


@blueprint.route("/add", methods=["GET", "POST"])
@needs(Right.MANAGE)
def add() -> ResponseReturnValue:
    """A new school."""
    form = form_of(NewSchoolForm)
    if form.validate_on_submit() and (place := done_once(lambda: _add(form))):
        return place
    return form_page("schools/form.html", form, school=None)


def _add(form: NewSchoolForm) -> str | None:
    def deed() -> None:
        with the_panel().database.write_session() as session:
            schools.add_school(
                session,
                form.code.data,
                form.name.data,
                actor=visits.the_actor(),
                now=visits.now(),
                **form.details,
            )

    if carry_out(form, deed, faults={ConflictError: "code"}):
        return None
    tell("done", _("The school is added. Now you can issue access for it."))
    return location_of("schools.show", code=form.code.data.strip().lower())


@blueprint.route("/<code>/edit", methods=["GET", "POST"])
@needs(Right.MANAGE)
def edit(code: str) -> ResponseReturnValue:
    """Changes of a school; what others changed meanwhile is shown, not overwritten."""
    school = _read(code)
    form = form_of(SchoolForm, **_as_typed(school))
    if form.validate_on_submit():
        fault = carry_out(form, lambda: _change(school.code, form))
        if fault is None:
            tell("done", _("Saved."))
            return see("schools.show", code=school.code)
        if isinstance(fault, schools.ChangedMeanwhileError):
            school = _read(code)
            others = _differences(form, school)
            form.revision.data = str(school.revision)
            form.form_errors.clear()  # the page says it, with what the others entered
            return make_response(
                page("schools/form.html", form=form, school=school, changed_by_others=others), 422
            )
    return form_page("schools/form.html", form, school=school)


def _read(code: str) -> School:
    with the_panel().database.read_session() as session:
        return get_school(session, code)


def _change(code: str, form: SchoolForm) -> None:
    with the_panel().database.write_session() as session:
        schools.change_school(
            session,
            code,
            revision=int(form.revision.data) if (form.revision.data or "").isdecimal() else 0,
            actor=visits.the_actor(),
            now=visits.now(),
            name=form.name.data,
            **form.details,
        )


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
    """What stands in the database now and differs from what was typed: label and value."""
    found = []
    for name, value in _as_typed(school).items():
        field = form[name]
        if name != "revision" and field.data != value:
            shown = day(school.contract_on) if name == "contract_on" and school.contract_on else value
            found.append((field.label.text, str(shown or "")))
    return found


@blueprint.post("/<code>/suspend")
@needs(Right.MANAGE)
def suspend(code: str) -> ResponseReturnValue:
    """One click: nobody of this school logs in any more."""
    return suspending.suspend(suspending.SCHOOL, code)


@blueprint.post("/<code>/reinstate")
@needs(Right.MANAGE)
def reinstate(code: str) -> ResponseReturnValue:
    """Ends the suspension of the school."""
    return suspending.reinstate(suspending.SCHOOL, code)


@blueprint.post("/<code>/suspension")
@needs(Right.MANAGE)
def describe(code: str) -> ResponseReturnValue:
    """Why it is suspended, and who asked for it."""
    form = DescribeForm()
    return suspending.describe(suspending.SCHOOL, code, form) or _detail(code, form)
