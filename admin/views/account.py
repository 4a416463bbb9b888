"""The account of the person signed in: sessions, password, recovery codes."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin.forms.auth import PasswordForm
from admin.forms.base import PanelForm
from admin.panel import current_panel, now
from admin.session import passkeys, sessions
from admin.session.access import needs
from admin.session.browsers import browser_name
from admin.session.commands import run_command
from admin.session.flashes import flash
from admin.session.sessions import current_session
from admin.session.sign_in_requests import caller
from admin.web.headers import hide_from_back_button
from admin.web.redirects import redirect_to
from admin.web.responses import form_page, page
from authbridge.audit_rows import KEPT_DAYS
from authbridge.data_protection.own_data import own_data
from authbridge.errors import InputError
from authbridge.login.policy import Verdict
from authbridge.staff import commands as staff_commands
from authbridge.staff import members, passkey_commands
from authbridge.staff import sessions as staff_sessions
from authbridge.staff import sign_in as sign_in_flow
from authbridge.staff.one_time_codes import make_recovery_codes
from authbridge.staff.password_rules import hash_staff_password
from authbridge.staff.permissions import Permission

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("")
@needs(Permission.READ)
def show() -> ResponseReturnValue:
    """Shows the account, and the browsers at which it is signed in."""
    own = current_session()
    with current_panel().database.read_session() as session:
        return page(
            "account/show.html",
            staff=members.staff_row(session, own.name, now=now()),
            sessions=[
                (row, browser_name(row.user_agent))
                for row in staff_sessions.list_sessions(session, own, now=now())
            ],
            passkeys=passkey_commands.list_passkeys(session, own.staff_id),
            with_passkeys=passkeys.site() is not None,
            recovery_left=members.count_recovery_codes(session, own.staff_id),
            own_data=own_data(session, own.staff_id),
            audit_days=KEPT_DAYS,
        )


@blueprint.post("/stay")
@needs(Permission.READ)
def stay() -> ResponseReturnValue:
    """Keeps the session: that it was asked for has moved its end already."""
    return "", 204


@blueprint.post("/sessions/<public_id>/end")
@needs(Permission.READ, fresh=True)
def end_session(public_id: str) -> ResponseReturnValue:
    """Ends one session of this account."""
    run_command(staff_commands.end_session, current_session(), public_id)
    flash("done", _("This session is ended."))
    return redirect_to("account.show")


@blueprint.post("/sessions/end-others")
@needs(Permission.READ, fresh=True)
def end_others() -> ResponseReturnValue:
    """Ends all sessions of this account but the present one."""
    run_command(staff_commands.end_other_sessions, current_session())
    flash("done", _("All other sessions are ended."))
    return redirect_to("account.show")


@blueprint.route("/password", methods=["GET", "POST"])
@needs(Permission.READ, fresh=True)
def password() -> ResponseReturnValue:
    """Changes the password, once the present one was typed and a fresh second factor shown."""
    form = PasswordForm()
    if form.validate_on_submit() and _is_confirmed(form):
        with form.show_errors({InputError: "password"}):
            stored = hash_staff_password(
                form.password.data, current_session().name, current_panel().sign_in.hasher
            )
            sessions.begin(run_command(staff_commands.change_password, current_session(), stored))
            flash("done", _("Your password is changed. All other sessions are ended."))
            return redirect_to("account.show")
    return form_page("account/password.html", form)


def _is_confirmed(form: PasswordForm) -> bool:
    decision = sign_in_flow.confirm_password(
        current_session(), form.current.data, caller(), current_panel().sign_in
    )
    if decision.verdict is not Verdict.GRANTED:
        form.refuse(decision, _("The present password is wrong."))
    return decision.verdict is Verdict.GRANTED


@blueprint.route("/recovery", methods=["GET", "POST"])
@needs(Permission.READ, fresh=True)
def recovery() -> ResponseReturnValue:
    """Makes ten new recovery codes and shows them this once; the former ones are void."""
    form = PanelForm()
    if not form.validate_on_submit():
        return form_page("account/recovery.html", form, codes=None)
    codes = make_recovery_codes(current_panel().sign_in.encryption)
    run_command(staff_commands.renew_recovery_codes, current_session(), codes)
    hide_from_back_button()
    return page("account/recovery.html", codes=codes.codes, form=None)
