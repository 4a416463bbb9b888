"""Staff: who may use the panel, and as what.  For the management, with the second factor shown just now."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from admin.forms import NewStaffForm, RoleForm, TypedForm, carry_out, form_of
from admin.panel import the_panel
from admin.session import sessions
from admin.session.access import needs
from admin.status import lockout_rows
from admin.web.headers import show_once
from admin.web.redirects import place_of, see
from admin.web.responses import done_once, form_page, page, tell
from authbridge import roster, staffnames
from authbridge.commands import staff
from authbridge.errors import ConflictError
from authbridge.models import Role
from authbridge.onetimecodes import NewInvitation, make_invitation
from authbridge.rights import Right
from authbridge.staffnames import STAFF_PREFIX, parse_staff_name

blueprint = Blueprint("staff", __name__, url_prefix="/staff")


@blueprint.url_value_preprocessor
def _canonical_name(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """One person, one name, however it stands in the address."""
    if values and "name" in values:
        values["name"] = staffnames.canonical(values["name"])


_BY_SOMEBODY_ELSE = frozenset({"staff.role", "staff.suspend", "staff.reset", "staff.delete"})


@blueprint.before_request
def _require_somebody_else() -> ResponseReturnValue | None:
    """Nobody changes what she may do herself, nor ends the session in which she would see the result."""
    name = (request.view_args or {}).get("name")
    if request.endpoint not in _BY_SOMEBODY_ELSE or name != sessions.the_visit().name:
        return None
    tell("error", _("Somebody else of the management must do this for you."))
    return see("staff.show", name=name)


@blueprint.get("")
@needs(Right.APPOINT)
def index() -> ResponseReturnValue:
    """All staff."""
    with the_panel().database.reading() as session:
        return page("staff/index.html", rows=roster.list_staff(session, now=sessions.now()))


@blueprint.route("/add", methods=["GET", "POST"])
@needs(Right.APPOINT, fresh=True)
def add() -> ResponseReturnValue:
    """Somebody new, with an invitation."""
    form = form_of(NewStaffForm)
    if form.validate_on_submit():
        name = parse_staff_name(form.name.data)
        answer = _invite(
            form,
            name,
            lambda session, invitation: staff.add_staff(
                session,
                name,
                Role(form.role.data),
                invitation,
                actor=sessions.the_actor(),
                now=sessions.now(),
            ),
        )
        if answer is not None:
            return answer
    return form_page("staff/add.html", form)


@blueprint.get("/<name>")
@needs(Right.APPOINT)
def show(name: str) -> ResponseReturnValue:
    """One of them."""
    return _detail(name)


def _detail(name: str, form: RoleForm | None = None) -> ResponseReturnValue:
    with the_panel().database.reading() as session:
        row = roster.staff_row(session, name, now=sessions.now())
    return form_page(
        "staff/show.html",
        form or RoleForm(formdata=None, data={"role": row.role.value}),
        row=row,
        is_me=row.name == sessions.the_visit().name,
    )


@blueprint.post("/<name>/role")
@needs(Right.APPOINT, fresh=True)
def role(name: str) -> ResponseReturnValue:
    """Another role; whoever is signed in under the former one is out."""
    form = RoleForm()
    if not form.validate() or carry_out(form, lambda: _change(staff.change_role, name, Role(form.role.data))):
        return _detail(name, form)
    tell("done", _("The role of %(name)s is changed.", name=name))
    return see("staff.show", name=name)


@blueprint.post("/<name>/suspend")
@needs(Right.APPOINT, fresh=True)
def suspend(name: str) -> ResponseReturnValue:
    """Out at the next request, and not in again."""
    return _press(staff.suspend_staff, name, _("%(name)s is suspended and signed out everywhere.", name=name))


@blueprint.post("/<name>/reinstate")
@needs(Right.APPOINT, fresh=True)
def reinstate(name: str) -> ResponseReturnValue:
    """May sign in again."""
    return _press(staff.reinstate_staff, name, _("%(name)s can sign in again.", name=name))


@blueprint.post("/<name>/end-sessions")
@needs(Right.APPOINT, fresh=True)
def end_sessions(name: str) -> ResponseReturnValue:
    """Signed out everywhere."""
    return _press(staff.end_all_sessions, name, _("%(name)s is signed out everywhere.", name=name))


@blueprint.post("/<name>/clear-wait")
@needs(Right.APPOINT, fresh=True)
def clear_wait(name: str) -> ResponseReturnValue:
    """May try again at once after failed sign-ins."""
    lockout_rows.lift(f"{STAFF_PREFIX}{name}")
    return see("staff.show", name=name)


@blueprint.post("/<name>/reset")
@needs(Right.APPOINT, fresh=True)
def reset(name: str) -> ResponseReturnValue:
    """A new invitation; password, second factor and sessions are gone."""
    form = RoleForm(formdata=None)
    answer = _invite(
        form,
        name,
        lambda session, invitation: staff.reset_staff(
            session,
            name,
            invitation,
            traces=the_panel().traces,
            actor=sessions.the_actor(),
            now=sessions.now(),
        ),
    )
    return answer or _refused(name, form)


@blueprint.route("/<name>/delete", methods=["GET", "POST"])
@needs(Right.APPOINT, fresh=True)
def delete(name: str) -> ResponseReturnValue:
    """For good, once the name was typed again."""
    with the_panel().database.reading() as session:
        row = roster.staff_row(session, name, now=sessions.now())
    form = form_of(TypedForm)
    if (
        form.validate_on_submit()
        and form.require(row.name)
        and not carry_out(form, lambda: _change(staff.delete_staff, row.name))
    ):
        tell("done", _("%(name)s is deleted.", name=row.name))
        return see("staff.index")
    return form_page("staff/delete.html", form, row=row)


def _invite(
    form: FlaskForm, name: str, command: Callable[[Any, NewInvitation], object]
) -> ResponseReturnValue | None:
    """Carries it out, and goes to the page with the code; None where the form has faults."""
    panel = the_panel()

    def change() -> None:
        invitation = make_invitation(panel.sign_in.seals)
        with panel.database.writing() as session:
            command(session, invitation)
        panel.codes.add(sessions.the_visit().id_hash, name, invitation.code, now=sessions.now())

    def deed() -> str | None:
        faults = {ConflictError: "name"} if "name" in form else None
        return None if carry_out(form, change, faults=faults) else place_of("staff.invited", name=name)

    return done_once(deed)


@blueprint.get("/<name>/invitation")
@needs(Right.APPOINT)
def invited(name: str) -> ResponseReturnValue:
    """The code of an invitation that was just made, and how to hand it over."""
    panel = the_panel()
    with panel.database.reading() as session:
        row = roster.staff_row(session, name, now=sessions.now())
    show_once()
    return page(
        "staff/invited.html",
        name=row.name,
        code=panel.codes.find(sessions.the_visit().id_hash, row.name, now=sessions.now()),
        expires_at=row.invited_until,
        url=place_of("entry.invitation", _external=True),
    )


def _press(command: Callable[..., object], name: str, sentence: str) -> ResponseReturnValue:
    form = RoleForm(formdata=None)
    if carry_out(form, lambda: _change(command, name)):
        return _refused(name, form)
    tell("done", sentence)
    return see("staff.show", name=name)


def _refused(name: str, form: RoleForm) -> ResponseReturnValue:
    for sentence in form.form_errors:
        tell("error", sentence)
    return see("staff.show", name=name)


def _change(command: Callable[..., object], name: str, *values: object) -> None:
    with the_panel().database.writing() as session:
        command(session, name, *values, actor=sessions.the_actor(), now=sessions.now())
