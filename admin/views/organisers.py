"""Organisers: list, detail, suspend and reinstate, new password, validity, delete; and issuing new ones."""

from datetime import date, timedelta
from functools import partial

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin import effects, issuing, suspending, visits, waits
from admin.access import needs
from admin.forms import (
    DescribeForm,
    IssueForm,
    ResetForm,
    TypedForm,
    ValidityForm,
    carry_out,
    form_of,
)
from admin.lists import asked_choice, asked_page, asked_text
from admin.pages import done_once, form_page, page, tell
from admin.panel import the_panel
from admin.places import location_of, see, see_again
from authbridge.letters import Language
from authbridge.revocations import status
from authbridge.schools import listings
from authbridge.schools.commands import organisers
from authbridge.schools.commands.organisers import QuotaError
from authbridge.schools.history import suspension_rows
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.schools.organiser_rows import OrganiserRow, OrganiserState, organiser_row
from authbridge.schools.school_rows import school_counts
from authbridge.staff.permissions import Right

blueprint = Blueprint("organisers", __name__)


@blueprint.get("/organisers")
@needs(Right.READ)
def index() -> ResponseReturnValue:
    """All organisers, or those that are looked for."""
    state = asked_choice("state", OrganiserState)
    with the_panel().database.read_session() as session:
        rows = listings.list_organiser_rows(
            session, today=visits.today(), text=asked_text(), state=state, page=asked_page()
        )
    return page("organisers/index.html", page=rows, q=asked_text(), state=state or "")


@blueprint.get("/organisers/<username>")
@needs(Right.READ)
def show(username: str) -> ResponseReturnValue:
    """One organiser."""
    return _detail(username)


def _detail(username: str, sent: DescribeForm | None = None) -> ResponseReturnValue:
    with the_panel().database.read_session() as session:
        organiser = get_organiser(session, username)
        history = suspension_rows(session, organiser)
        effect = status.revocation_status_of(session, organiser, now=visits.now())
        meetings = status.meetings_of(session, organiser, now=visits.now())
    return form_page(
        "organisers/show.html",
        sent,
        organiser=organiser_row(organiser, visits.today()),
        created_at=organiser.created_at,
        history=history,
        describe=sent or DescribeForm.of(history),
        waits=waits.waits_of(organiser),
        proof=effects.proof_of(organiser, effect),
        meetings=meetings,
    )


@blueprint.get("/organisers/<username>/effect")
@needs(Right.READ)
@visits.unattended
def effect(username: str) -> ResponseReturnValue:
    """What became of the latest suspension or end of sessions, for the page that shows it."""
    with the_panel().database.read_session() as session:
        organiser = get_organiser(session, username)
        found = status.revocation_status_of(session, organiser, now=visits.now())
    return page("_proof.html", proof=effects.proof_of(organiser, found))


@blueprint.post("/organisers/<username>/suspend")
@needs(Right.MANAGE)
def suspend(username: str) -> ResponseReturnValue:
    """One click: the next login is refused."""
    return suspending.suspend(suspending.ORGANISER, username)


@blueprint.post("/organisers/<username>/reinstate")
@needs(Right.MANAGE)
def reinstate(username: str) -> ResponseReturnValue:
    """Ends the suspension."""
    return suspending.reinstate(suspending.ORGANISER, username)


@blueprint.post("/organisers/<username>/suspension")
@needs(Right.MANAGE)
def describe(username: str) -> ResponseReturnValue:
    """Why it is suspended, and who asked for it."""
    form = DescribeForm()
    return suspending.describe(suspending.ORGANISER, username, form) or _detail(username, form)


@blueprint.post("/organisers/<username>/end-sessions")
@needs(Right.MANAGE)
def end_sessions(username: str) -> ResponseReturnValue:
    """Logged out everywhere; the access itself stays."""
    with the_panel().database.write_session() as session:
        changed = organisers.end_sessions(session, username, actor=visits.the_actor(), now=visits.now())
    if changed:
        _await_nodes(username)
        tell("done", _("%(name)s is being logged out everywhere.", name=username))
    else:
        tell("warn", _("%(name)s is suspended, and logged out already.", name=username))
    return see_again("organisers.show", username=username)


@blueprint.route("/schools/<code>/issue", methods=["GET", "POST"])
@needs(Right.MANAGE)
def issue(code: str) -> ResponseReturnValue:
    """New organisers for a school."""
    with the_panel().database.read_session() as session:
        school = get_school(session, code)
        free = max(0, school.quota - school_counts(session, school).organisers)
    form = form_of(IssueForm)
    if form.validate_on_submit():
        order = issuing.Order(
            school, form.count.data or 0, Language(form.language.data), form.valid_until.data
        )
        place = done_once(lambda: _start(form, order))
        if place is not None:
            return place
    return form_page("organisers/issue.html", form, school=school, free=free)


@blueprint.route("/organisers/<username>/reset", methods=["GET", "POST"])
@needs(Right.MANAGE)
def reset(username: str) -> ResponseReturnValue:
    """A new password and a new letter; the old ones are dead at once."""
    with the_panel().database.read_session() as session:
        organiser = get_organiser(session, username)
    form = form_of(ResetForm)
    if form.validate_on_submit():
        order = issuing.Order(
            organiser.school, 1, Language(form.language.data), organiser.valid_until, organiser.username
        )
        place = done_once(lambda: _start(form, order))
        if place is not None:
            _await_nodes(organiser.username)
            return place
    row = organiser_row(organiser, visits.today())
    return form_page("organisers/reset.html", form, organiser=row)


def _start(form: IssueForm | ResetForm, order: issuing.Order) -> str | None:
    slips: list[str] = []
    if carry_out(form, lambda: slips.append(issuing.start(order)), faults={QuotaError: "count"}):
        return None
    return location_of("credentials.show", slip_id=slips[0])


@blueprint.route("/organisers/<username>/validity", methods=["GET", "POST"])
@needs(Right.MANAGE)
def validity(username: str) -> ResponseReturnValue:
    """Until when the access is valid; without a day it has no end."""
    row = _row(username)
    form = form_of(ValidityForm, valid_until=row.valid_until)
    if form.validate_on_submit():
        fault = carry_out(form, lambda: _change_validity(row, form))
        if fault is None:
            _await_nodes(row.username)
            tell("done", _("Saved."))
            return see("organisers.show", username=row.username)
    return form_page("organisers/validity.html", form, organiser=row, yesterday=_yesterday())


@blueprint.post("/organisers/<username>/expire")
@needs(Right.MANAGE)
def expire(username: str) -> ResponseReturnValue:
    """The access ends now."""
    panel = the_panel()
    with panel.database.write_session() as session:
        organisers.change_validity(
            session,
            username,
            _yesterday(),
            today=visits.today(),
            actor=visits.the_actor(),
            now=visits.now(),
        )
    _await_nodes(username)
    tell("done", _("The access of %(name)s has expired.", name=username))
    return see("organisers.show", username=username)


def _change_validity(row: OrganiserRow, form: ValidityForm) -> None:
    with the_panel().database.write_session() as session:
        organisers.change_validity(
            session,
            row.username,
            form.valid_until.data,
            today=visits.today(),
            actor=visits.the_actor(),
            now=visits.now(),
        )


def _await_nodes(username: str) -> None:
    effects.await_nodes(partial(get_organiser, username=username))


def _yesterday() -> date:
    return visits.today() - timedelta(days=1)


@blueprint.route("/organisers/<username>/delete", methods=["GET", "POST"])
@needs(Right.MANAGE)
def delete(username: str) -> ResponseReturnValue:
    """For good, once the name was typed again."""
    row = _row(username)
    form = form_of(TypedForm)
    if (
        form.validate_on_submit()
        and form.require(row.username)
        and not carry_out(form, lambda: _delete(row.username))
    ):
        tell("done", _("%(name)s is deleted.", name=row.username))
        return see("schools.show", code=row.school_code)
    return form_page("organisers/delete.html", form, organiser=row)


def _delete(username: str) -> None:
    panel = the_panel()
    with panel.database.write_session() as session:
        organisers.delete_organiser(
            session, username, keyed_hashes=panel.keyed_hashes, actor=visits.the_actor(), now=visits.now()
        )


def _row(username: str) -> OrganiserRow:
    with the_panel().database.read_session() as session:
        return organiser_row(get_organiser(session, username), visits.today())
