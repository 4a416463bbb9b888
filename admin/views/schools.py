"""Schools: list, detail, add, edit; suspend and reinstate."""

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin import suspending
from admin.forms import DescribeForm, NewSchoolForm, SchoolForm, carry_out, form_of
from admin.panel import the_panel
from admin.session import sessions
from admin.session.access import needs
from admin.status import revocation_status
from admin.web.i18n import day
from admin.web.query_params import asked_choice, asked_page, asked_text
from admin.web.redirects import place_of, see
from admin.web.responses import done_once, form_page, page, tell
from authbridge import listings, nodes
from authbridge.commands import schools
from authbridge.errors import ConflictError
from authbridge.listings import SchoolFilter
from authbridge.models import School
from authbridge.queries import get_school
from authbridge.rights import Right

blueprint = Blueprint("schools", __name__, url_prefix="/schools")


@blueprint.get("")
@needs(Right.READ)
def index() -> ResponseReturnValue:
    """All schools, or those that are looked for."""
    show = asked_choice("show", SchoolFilter) or SchoolFilter.ALL
    with the_panel().database.reading() as session:
        rows = listings.list_school_rows(session, text=asked_text(), show=show, page=asked_page())
    return page("schools/index.html", page=rows, q=asked_text(), show=show)


@blueprint.get("/<code>")
@needs(Right.READ)
def show(code: str) -> ResponseReturnValue:
    """One school with its organisers."""
    return _detail(code)


def _detail(code: str, sent: DescribeForm | None = None) -> ResponseReturnValue:
    with the_panel().database.reading() as session:
        school = get_school(session, code)
        history = listings.suspension_rows(session, school)
        return form_page(
            "schools/show.html",
            sent,
            school=school,
            used=listings.school_counts(session, school).organisers,
            page=listings.list_organiser_rows(
                session, today=sessions.today(), code=school.code, page=asked_page()
            ),
            history=history,
            describe=sent or DescribeForm.of(history),
            proof=revocation_status.proof_of(school, nodes.effect_of(session, school, now=sessions.now())),
            meetings=nodes.meetings_of(session, school, now=sessions.now()),
        )


@blueprint.get("/<code>/effect")
@needs(Right.READ)
@sessions.unattended
def effect(code: str) -> ResponseReturnValue:
    """What became of the latest suspension, for the page that shows it."""
    with the_panel().database.reading() as session:
        school = get_school(session, code)
        found = nodes.effect_of(session, school, now=sessions.now())
    return page("_proof.html", proof=revocation_status.proof_of(school, found))


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
        with the_panel().database.writing() as session:
            schools.add_school(
                session,
                form.code.data,
                form.name.data,
                actor=sessions.the_actor(),
                now=sessions.now(),
                **form.details,
            )

    if carry_out(form, deed, faults={ConflictError: "code"}):
        return None
    tell("done", _("The school is added. Now you can issue access for it."))
    return place_of("schools.show", code=form.code.data.strip().lower())


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
    with the_panel().database.reading() as session:
        return get_school(session, code)


def _change(code: str, form: SchoolForm) -> None:
    with the_panel().database.writing() as session:
        schools.change_school(
            session,
            code,
            revision=int(form.revision.data) if (form.revision.data or "").isdecimal() else 0,
            actor=sessions.the_actor(),
            now=sessions.now(),
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
