"""Staff: who may use the panel, and in which role. For the management, with a fresh second factor."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, make_response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin.forms.base import PanelForm, open_form
from admin.forms.deletion import DeletionForm
from admin.forms.staff import NewStaffForm, RoleForm
from admin.panel import current_panel, now
from admin.session.access import needs
from admin.session.commands import run_command, submit_once
from admin.session.flashes import flash
from admin.session.sessions import current_session
from admin.stores.shown_codes import LIFETIME
from admin.views import lockouts
from admin.web.headers import hide_from_back_button, replace_at
from admin.web.redirects import path_to, redirect_to
from admin.web.responses import form_page, page
from admin.web.unattended import unattended
from authbridge.errors import ConflictError
from authbridge.login import staff_names
from authbridge.login.staff_names import STAFF_PREFIX, parse_staff_name
from authbridge.staff import commands as staff_commands
from authbridge.staff import members
from authbridge.staff.members import StaffRow
from authbridge.staff.one_time_codes import make_invitation
from authbridge.staff.permissions import Permission
from authbridge.storage.models import Role

blueprint = Blueprint("staff", __name__, url_prefix="/staff")


@blueprint.url_value_preprocessor
def _canonical_name(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Makes the name in the address canonical, so that one person has one name."""
    if values and "name" in values:
        values["name"] = staff_names.normalise_staff_name(values["name"])


_BY_SOMEBODY_ELSE = frozenset({"staff.role", "staff.suspend", "staff.reset", "staff.delete"})


@blueprint.before_request
def _require_somebody_else() -> ResponseReturnValue | None:
    """Refuses to change one's own role or access: it would end the session that shows the result."""
    name = (request.view_args or {}).get("name")
    if request.endpoint not in _BY_SOMEBODY_ELSE or name != current_session().name:
        return None
    flash("error", _("Somebody else of the management must do this for you."))
    return redirect_to("staff.show", name=name)


@blueprint.get("")
@needs(Permission.APPOINT)
def index() -> ResponseReturnValue:
    """Lists all staff."""
    with current_panel().database.read_session() as session:
        return page("staff/index.html", rows=members.list_staff(session, now=now()))


@blueprint.route("/add", methods=["GET", "POST"])
@needs(Permission.APPOINT, fresh=True)
def add() -> ResponseReturnValue:
    """Adds a member of staff, with an invitation."""
    form = open_form(NewStaffForm)
    if form.validate_on_submit():
        name = parse_staff_name(form.name.data)
        role = Role(form.role.data)
        answer = submit_once(lambda: _invite(form, name, staff_commands.add_staff, role))
        if answer is not None:
            return answer
    return form_page("staff/add.html", form)


@blueprint.get("/<name>")
@needs(Permission.APPOINT)
def show(name: str) -> ResponseReturnValue:
    """Shows one member of staff."""
    return _detail(name)


def _detail(name: str, form: RoleForm | None = None) -> ResponseReturnValue:
    row = _row(name)
    form = form or RoleForm(formdata=None, data={"role": row.role.value})
    return form_page("staff/show.html", form, row=row, is_me=row.name == current_session().name)


def _row(name: str) -> StaffRow:
    with current_panel().database.read_session() as session:
        return members.staff_row(session, name, now=now())


@blueprint.post("/<name>/role")
@needs(Permission.APPOINT, fresh=True)
def role(name: str) -> ResponseReturnValue:
    """Changes the role; sessions under the former one end."""
    form = RoleForm()
    if form.validate():
        with form.show_errors():
            run_command(staff_commands.change_role, name, Role(form.role.data))
            flash("done", _("The role of %(name)s is changed.", name=name))
            return redirect_to("staff.show", name=name)
    return _detail(name, form)


@blueprint.post("/<name>/suspend")
@needs(Permission.APPOINT, fresh=True)
def suspend(name: str) -> ResponseReturnValue:
    """Suspends a member of staff, who is out at their next request."""
    return _press(
        staff_commands.suspend_staff, name, _("%(name)s is suspended and signed out everywhere.", name=name)
    )


@blueprint.post("/<name>/reinstate")
@needs(Permission.APPOINT, fresh=True)
def reinstate(name: str) -> ResponseReturnValue:
    """Lets a suspended member of staff sign in again."""
    return _press(staff_commands.reinstate_staff, name, _("%(name)s can sign in again.", name=name))


@blueprint.post("/<name>/end-sessions")
@needs(Permission.APPOINT, fresh=True)
def end_sessions(name: str) -> ResponseReturnValue:
    """Signs a member of staff out everywhere."""
    return _press(staff_commands.end_all_sessions, name, _("%(name)s is signed out everywhere.", name=name))


@blueprint.post("/<name>/clear-lockout")
@needs(Permission.APPOINT, fresh=True)
def clear_lockout(name: str) -> ResponseReturnValue:
    """Ends the lockouts of a member of staff after failed sign-ins."""
    lockouts.clear_name(f"{STAFF_PREFIX}{name}")
    return redirect_to("staff.show", name=name)


@blueprint.route("/<name>/reset", methods=["GET", "POST"])
@needs(Permission.APPOINT, fresh=True)
def reset(name: str) -> ResponseReturnValue:
    """Asks, for something would be lost, and invites again; password, second factor and sessions are void."""
    row, form = _row(name), PanelForm()
    if form.validate_on_submit():
        keyed_hashes = current_panel().keyed_hashes
        command = staff_commands.reset_staff
        answer = submit_once(lambda: _invite(form, row.name, command, keyed_hashes=keyed_hashes))
        if answer is not None:
            return answer
    return form_page("staff/reset.html", form, row=row)


@blueprint.route("/<name>/delete", methods=["GET", "POST"])
@needs(Permission.APPOINT, fresh=True)
def delete(name: str) -> ResponseReturnValue:
    """Deletes a member of staff for good, once the name was typed again."""
    row = _row(name)
    form = open_form(DeletionForm)
    if form.validate_on_submit() and form.require(row.name):
        with form.show_errors():
            run_command(staff_commands.delete_staff, row.name)
            flash("done", _("%(name)s is deleted.", name=row.name))
            return redirect_to("staff.index")
    return form_page("staff/delete.html", form, row=row)


def _invite(
    form: PanelForm, name: str, command: Callable[..., object], *values: object, **options: object
) -> str | None:
    """Runs a command with a new invitation; returns the path to its code, None if the form has errors."""
    panel = current_panel()
    with form.show_errors({ConflictError: "name"} if "name" in form else {}):
        invitation = make_invitation(panel.sign_in.encryption)
        run_command(command, name, *values, invitation, **options)
        panel.invitation_codes.put((current_session().id_hash, name), invitation.code, now=now())
        return path_to("staff.invited", name=name)
    return None


@blueprint.get("/<name>/invitation")
@needs(Permission.APPOINT)
def invited(name: str) -> ResponseReturnValue:
    """Shows the code of an invitation that was just made, and how to hand it over."""
    row = _row(name)
    code = current_panel().invitation_codes.find((current_session().id_hash, row.name), now=now())
    hide_from_back_button()
    answer = make_response(_invitation(row, code))
    if code is not None:
        replace_at(answer, path_to("staff.invitation_over", name=row.name), LIFETIME)
    return answer


@blueprint.get("/<name>/invitation/over")
@needs(Permission.APPOINT)
@unattended
def invitation_over(name: str) -> ResponseReturnValue:
    """Takes the place of a code that was left on the screen."""
    return _invitation(_row(name), None)


def _invitation(row: StaffRow, code: str | None) -> ResponseReturnValue:
    return page(
        "staff/invited.html",
        name=row.name,
        code=code,
        expires_at=row.invited_until,
        url=path_to("auth.invitation", _external=True),
    )


def _press(command: Callable[..., object], name: str, sentence: str) -> ResponseReturnValue:
    """Runs the command of a button, and flashes the sentence or the error."""
    form = PanelForm(formdata=None)
    with form.show_errors():
        run_command(command, name)
        flash("done", sentence)
        return redirect_to("staff.show", name=name)
    return _show_refusal(name, form)


def _show_refusal(name: str, form: PanelForm) -> ResponseReturnValue:
    for sentence in form.form_errors:
        flash("error", sentence)
    return redirect_to("staff.show", name=name)
