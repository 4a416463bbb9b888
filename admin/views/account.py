"""One's own account: sessions, password, recovery codes."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from admin import visits
from admin.access import needs
from admin.browsers import browser_name
from admin.forms import PasswordForm, carry_out
from admin.headers import show_once
from admin.pages import form_page, page, tell
from admin.panel import the_panel
from admin.places import see
from admin.proofs import caller, refuse
from authbridge.errors import InputError
from authbridge.login.policy import Verdict
from authbridge.staff import commands as staff_commands
from authbridge.staff import members, sessions, sign_in
from authbridge.staff.one_time_codes import make_recovery_codes
from authbridge.staff.password_rules import hash_staff_password
from authbridge.staff.permissions import Right

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("")
@needs(Right.READ)
def show() -> ResponseReturnValue:
    """Who one is, and where one is signed in."""
    panel, visit = the_panel(), visits.the_visit()
    with panel.database.read_session() as session:
        return page(
            "account/show.html",
            staff=members.staff_row(session, visit.name, now=visits.now()),
            sessions=[
                (row, browser_name(row.user_agent))
                for row in sessions.list_sessions(session, visit, now=visits.now())
            ],
            recovery_left=members.count_recovery_codes(session, visit.staff_id),
        )


@blueprint.post("/stay")
@needs(Right.READ)
def stay() -> ResponseReturnValue:
    """Somebody is still here; that this was asked has moved the end already."""
    return "", 204


@blueprint.post("/sessions/<public_id>/end")
@needs(Right.READ)
def end_session(public_id: str) -> ResponseReturnValue:
    """Ends one of one's own sessions."""
    with the_panel().database.write_session() as session:
        staff_commands.end_session(
            session, visits.the_visit(), public_id, actor=visits.the_actor(), now=visits.now()
        )
    tell("done", _("This session is ended."))
    return see("account.show")


@blueprint.post("/sessions/end-others")
@needs(Right.READ)
def end_others() -> ResponseReturnValue:
    """Ends all of one's own sessions but this."""
    with the_panel().database.write_session() as session:
        staff_commands.end_other_sessions(
            session, visits.the_visit(), actor=visits.the_actor(), now=visits.now()
        )
    tell("done", _("All other sessions are ended."))
    return see("account.show")


@blueprint.route("/password", methods=["GET", "POST"])
@needs(Right.READ)
def password() -> ResponseReturnValue:
    """Another password; the present one first."""
    panel, visit = the_panel(), visits.the_visit()
    form = PasswordForm()
    if form.validate_on_submit():
        decision = sign_in.confirm_password(visit, form.current.data, caller(), panel.sign_in)
        if decision.verdict is not Verdict.GRANTED:
            refuse(form, decision, _("The present password is wrong."))
        elif not carry_out(
            form, lambda: _change_password(form.password.data), faults={InputError: "password"}
        ):
            tell("done", _("Your password is changed. All other sessions are ended."))
            return see("account.show")
    return form_page("account/password.html", form)


def _change_password(typed: str) -> None:
    panel, visit = the_panel(), visits.the_visit()
    stored = hash_staff_password(typed, visit.name, panel.sign_in.hasher)
    with panel.database.write_session() as session:
        staff_commands.change_password(session, visit, stored, actor=visits.the_actor(), now=visits.now())


@blueprint.route("/recovery", methods=["GET", "POST"])
@needs(Right.READ, fresh=True)
def recovery() -> ResponseReturnValue:
    """Ten new recovery codes, shown this once; the former ones are dead."""
    form = FlaskForm()
    if not form.validate_on_submit():
        return form_page("account/recovery.html", form, codes=None)
    codes = make_recovery_codes(the_panel().sign_in.encryption)
    with the_panel().database.write_session() as session:
        staff_commands.renew_recovery_codes(
            session, visits.the_visit(), codes, actor=visits.the_actor(), now=visits.now()
        )
    show_once()
    return page("account/recovery.html", codes=codes.codes, form=None)
