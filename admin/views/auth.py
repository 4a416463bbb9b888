"""Signing in and out: password, second factor, invitation; and the language of this browser."""

from datetime import timedelta
from io import BytesIO

import segno
from flask import Blueprint, abort, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup

from admin.forms.auth import CodeForm, EnrolForm, InvitationForm, SignInForm
from admin.panel import current_panel, now, today
from admin.session import lateness, passkeys, sessions
from admin.session.access import needs, open_at, open_to_everybody
from admin.session.commands import run_command
from admin.session.sessions import current_session
from admin.session.sign_in_requests import caller
from admin.stores.late_forms import Lateness
from admin.web import i18n
from admin.web.headers import hide_from_back_button
from admin.web.redirects import local_path, redirect_to, redirect_to_path
from admin.web.responses import form_page, page
from authbridge.errors import AuthBridgeError, InputError
from authbridge.login.policy import Reason, Verdict
from authbridge.staff import commands as staff_commands
from authbridge.staff import sessions as staff_sessions
from authbridge.staff import sign_in as sign_in_flow
from authbridge.staff import totp
from authbridge.staff.one_time_codes import NewRecoveryCodes, make_recovery_codes
from authbridge.staff.password_rules import hash_staff_password
from authbridge.staff.permissions import Permission
from authbridge.staff.sign_in import Outcome
from authbridge.storage.models import SessionStage

blueprint = Blueprint("auth", __name__)

_NOTES = frozenset(
    {"signed-out", "again", "expired", "expired-form", "expired-button", "ended", "ended-button"}
)


class _CodeError(AuthBridgeError):
    """Raised when the authenticator shows another code: it was not set up, or its clock is wrong."""


@blueprint.route("/sign-in", methods=["GET", "POST"])
@open_to_everybody
def sign_in() -> ResponseReturnValue:
    """Asks for name and password, the first step."""
    if sessions.is_signed_in():
        return redirect_to_path(_wanted_path())
    form = SignInForm()
    if form.validate_on_submit():
        outcome = sign_in_flow.sign_in(form.name.data, form.password.data, caller(), current_panel().sign_in)
        if outcome.token is not None:
            sessions.replace(outcome.token)
            return redirect_to("auth.sign_in_code", next=local_path(request.args.get("next")))
        form.refuse(outcome.decision, _("Name or password is wrong."))
    note = request.args.get("note")
    return form_page("auth/sign_in.html", form, note=note if note in _NOTES and not form.errors else None)


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@open_at(SessionStage.PASSWORD)
def sign_in_code() -> ResponseReturnValue:
    """Asks for a code, the second step."""
    form = CodeForm()
    outcome = _confirm(form)
    if outcome is not None:
        if outcome.token is not None:
            sessions.begin(outcome.token)
            sessions.keep_device(outcome.device)
            return redirect_to_path(lateness.tell(Lateness.SIGNED_OUT) or _wanted_path())
        if outcome.decision.reason is Reason.SESSION_ENDED:  # also the second click of a double click
            return redirect_to_path(_wanted_path())
        form.refuse(outcome.decision, _why_wrong(outcome))
    return form_page("auth/code.html", form, passkey=passkeys.sign_in_options())


def _confirm(form: CodeForm) -> Outcome | None:
    """Takes the second factor that was sent, a code or a passkey; None if none was."""
    services = current_panel().sign_in
    if passkeys.was_used():
        shown = passkeys.shown()
        if shown is None:
            form.form_errors.append(_("That took too long. Please try again."))
            return None
        return sign_in_flow.confirm_passkey(current_session(), shown, caller(), services)
    if form.validate_on_submit():
        return sign_in_flow.confirm_code(current_session(), form.code.data, caller(), services)
    return None


def _why_wrong(outcome: Outcome) -> str:
    if passkeys.was_used():
        return _("This passkey was not accepted. Please try again, or type a code.")
    if outcome.drift is None:
        return _("This code is wrong, or it was used already.")
    return _wrong_clock(outcome.drift)


def _wrong_clock(drift: timedelta) -> str:
    """Says that a code is refused for the clock that shows it, for nobody would think of that."""
    span = format_timedelta(abs(drift))
    if drift < timedelta():
        return _(
            "This code was right about %(span)s ago. If your phone shows it just now, its clock is slow:"
            " switch on “automatic date and time” there, and type the code that it shows then.",
            span=span,
        )
    return _(
        "This code will be right only in about %(span)s: the clock of your phone is fast."
        " Switch on “automatic date and time” there, and type the code that it shows then.",
        span=span,
    )


def _wanted_path() -> str:
    """Returns the page that was asked for, or the overview."""
    return local_path(request.args.get("next")) or url_for("overview.index")


@blueprint.route("/confirm", methods=["GET", "POST"])
@needs(Permission.READ)
def reauthenticate() -> ResponseReturnValue:
    """Asks for another code before a grave change."""
    form = CodeForm()
    wanted = _wanted_path()
    outcome = _confirm(form)
    if outcome is not None:
        if outcome.decision.verdict is Verdict.GRANTED:
            if outcome.token is not None:
                sessions.begin(outcome.token)
            lateness.tell(Lateness.STALE_FACTOR, page=wanted)
            return redirect_to_path(wanted)
        form.refuse(outcome.decision, _why_wrong(outcome))
    return form_page(
        "auth/reauthenticate.html",
        form,
        next=wanted,
        waiting=lateness.waiting_labels(wanted),
        passkey=passkeys.sign_in_options(),
    )


@blueprint.route("/invitation", methods=["GET", "POST"])
@open_to_everybody
def invitation() -> ResponseReturnValue:
    """Asks a person who was invited for name and one-time code."""
    form = InvitationForm()
    if form.validate_on_submit():
        outcome = sign_in_flow.verify_invitation(
            form.name.data, form.code.data, caller(), current_panel().sign_in
        )
        if outcome.token is not None:
            sessions.replace(outcome.token)
            return redirect_to("auth.enrol")
        form.refuse(outcome.decision, _("Name or one-time code is wrong, or the code has expired."))
    return form_page("auth/invitation.html", form)


@blueprint.route("/invitation/enrol", methods=["GET", "POST"])
@open_at(SessionStage.ENROLLING)
def enrol() -> ResponseReturnValue:
    """Sets a first password and the second factor, both or neither."""
    panel, own = current_panel(), current_session()
    with panel.database.write_session() as session:
        secret = staff_sessions.pending_secret(session, own, panel.sign_in.encryption)
    form = EnrolForm()
    if form.validate_on_submit():
        with form.show_errors({_CodeError: "code", InputError: "password"}):
            recovery = make_recovery_codes(panel.sign_in.encryption)
            _enrol(form, secret, recovery)
            hide_from_back_button()
            return page("account/recovery.html", codes=recovery.codes, form=None)
    return form_page(
        "auth/enrol.html",
        form,
        qr=_qr_code(totp.provisioning_uri(secret, own.name)),
        secret=totp.in_groups(secret),
        staff=own,
    )


def _enrol(form: EnrolForm, secret: str, recovery: NewRecoveryCodes) -> None:
    own, services = current_session(), current_panel().sign_in
    stored = hash_staff_password(form.password.data, own.name, services.hasher)
    step = totp.matching_step(secret, form.code.data, now(), None)
    if step is None:
        raise _code_error(secret, form.code.data)
    enrolment = staff_commands.Enrolment(stored, services.encryption.seal(secret), step, recovery)
    sessions.begin(run_command(staff_commands.enrol, own, enrolment, today=today()))
    sessions.keep_device(sign_in_flow.device_token(own.name, services))


def _code_error(secret: str, typed: str) -> _CodeError:
    step = totp.wrong_clock_step(secret, typed, now(), None)
    if step is None:
        return _CodeError("This code does not fit. Please type the one that the app shows now.")
    return _CodeError(_wrong_clock(totp.drift_of(step, now())))


@blueprint.post("/sign-out")
@open_to_everybody
def sign_out() -> ResponseReturnValue:
    """Ends the session, and wipes the credentials and codes that were shown or sent in it."""
    if current_user.session is not None:
        panel = current_panel()
        for store in (
            panel.handouts,
            panel.import_tables,
            panel.invitation_codes,
            panel.shown_report_codes,
        ):
            store.wipe_all_of(current_user.session.id_hash, now=now())
    sessions.end()
    answer = redirect_to("auth.sign_in", note="signed-out")
    answer.headers["Clear-Site-Data"] = '"cache"'  # pages kept for "back", too
    return answer


@blueprint.post("/language")
@open_to_everybody
def language() -> ResponseReturnValue:
    """Sets German or English for this browser."""
    chosen = request.form.get("language")
    if chosen not in i18n.LANGUAGES:
        abort(400)
    answer = redirect_to_path(local_path(request.form.get("next")) or "/")
    answer.set_cookie(
        i18n.COOKIE, chosen, max_age=365 * 24 * 3600, secure=True, httponly=True, samesite="Strict"
    )
    return answer


def _qr_code(text: str) -> Markup:
    drawing = BytesIO()
    segno.make(text, error="m").save(
        drawing, kind="svg", scale=4, xmldecl=False, svgns=False, omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(drawing.getvalue().decode())  # noqa: S704 - segno's own drawing, which holds no text
