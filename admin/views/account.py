"""One's own account: sessions, password, recovery codes."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from admin.forms import PasswordForm, carry_out
from admin.panel import the_panel
from admin.session import sessions
from admin.session.access import needs
from admin.session.browsers import browser_name
from admin.session.sign_in_requests import caller, refuse
from admin.web.headers import show_once
from admin.web.redirects import see
from admin.web.responses import form_page, page, tell
from authbridge import roster, signin, staffsessions
from authbridge.commands import staff
from authbridge.errors import InputError
from authbridge.onetimecodes import make_recovery_codes
from authbridge.policy import Verdict
from authbridge.rights import Right
from authbridge.staffpasswords import hash_staff_password

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("")
@needs(Right.READ)
def show() -> ResponseReturnValue:
    """Who one is, and where one is signed in."""
    panel, visit = the_panel(), sessions.the_visit()
    with panel.database.reading() as session:
        return page(
            "account/show.html",
            staff=roster.staff_row(session, visit.name, now=sessions.now()),
            sessions=[
                (row, browser_name(row.user_agent))
                for row in staffsessions.list_sessions(session, visit, now=sessions.now())
            ],
            recovery_left=roster.count_recovery_codes(session, visit.staff_id),
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
    with the_panel().database.writing() as session:
        staff.end_session(
            session, sessions.the_visit(), public_id, actor=sessions.the_actor(), now=sessions.now()
        )
    tell("done", _("This session is ended."))
    return see("account.show")


@blueprint.post("/sessions/end-others")
@needs(Right.READ)
def end_others() -> ResponseReturnValue:
    """Ends all of one's own sessions but this."""
    with the_panel().database.writing() as session:
        staff.end_other_sessions(
            session, sessions.the_visit(), actor=sessions.the_actor(), now=sessions.now()
        )
    tell("done", _("All other sessions are ended."))
    return see("account.show")


@blueprint.route("/password", methods=["GET", "POST"])
@needs(Right.READ)
def password() -> ResponseReturnValue:
    """Another password; the present one first."""
    panel, visit = the_panel(), sessions.the_visit()
    form = PasswordForm()
    if form.validate_on_submit():
        decision = signin.confirm_password(visit, form.current.data, caller(), panel.sign_in)
        if decision.verdict is not Verdict.GRANTED:
            refuse(form, decision, _("The present password is wrong."))
        elif not carry_out(
            form, lambda: _change_password(form.password.data), faults={InputError: "password"}
        ):
            tell("done", _("Your password is changed. All other sessions are ended."))
            return see("account.show")
    return form_page("account/password.html", form)


def _change_password(typed: str) -> None:
    panel, visit = the_panel(), sessions.the_visit()
    stored = hash_staff_password(typed, visit.name, panel.sign_in.hasher)
    with panel.database.writing() as session:
        staff.change_password(session, visit, stored, actor=sessions.the_actor(), now=sessions.now())


@blueprint.route("/recovery", methods=["GET", "POST"])
@needs(Right.READ, fresh=True)
def recovery() -> ResponseReturnValue:
    """Ten new recovery codes, shown this once; the former ones are dead."""
    form = FlaskForm()
    if not form.validate_on_submit():
        return form_page("account/recovery.html", form, codes=None)
    codes = make_recovery_codes(the_panel().sign_in.seals)
    with the_panel().database.writing() as session:
        staff.renew_recovery_codes(
            session, sessions.the_visit(), codes, actor=sessions.the_actor(), now=sessions.now()
        )
    show_once()
    return page("account/recovery.html", codes=codes.codes, form=None)
