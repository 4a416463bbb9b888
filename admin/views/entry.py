"""Coming in and going out: sign-in, second factor, invitation."""

from io import BytesIO

import segno
from flask import Blueprint, abort, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from admin.forms import CodeForm, EnrolForm, InvitationForm, SignInForm, carry_out
from admin.panel import the_panel
from admin.session import sessions
from admin.session.access import needs, open_at, open_to_everybody
from admin.session.sign_in_requests import caller, refuse
from admin.web import i18n
from admin.web.headers import show_once
from admin.web.redirects import local_path, see, see_path
from admin.web.responses import form_page, page
from authbridge import secondfactor, signin, staffsessions
from authbridge.commands import staff
from authbridge.errors import AuthBridgeError, InputError
from authbridge.models import Stage
from authbridge.onetimecodes import NewRecoveryCodes, make_recovery_codes
from authbridge.policy import Reason, Verdict
from authbridge.rights import Right
from authbridge.staffpasswords import hash_staff_password

blueprint = Blueprint("entry", __name__)

_NOTES = frozenset({"signed-out", "expired", "ended"})


class _CodeError(AuthBridgeError):
    """Raised when the authenticator shows another code: it was not set up, or its clock is wrong."""


_FIELDS = {_CodeError: "code", InputError: "password"}


@blueprint.route("/sign-in", methods=["GET", "POST"])
@open_to_everybody
def sign_in() -> ResponseReturnValue:
    """The first step: name and password."""
    if sessions.is_signed_in():
        return see("overview.index")
    form = SignInForm()
    if form.validate_on_submit():
        outcome = signin.sign_in(form.name.data, form.password.data, caller(), the_panel().sign_in)
        if outcome.token is not None:
            sessions.replace(outcome.token)
            return see("entry.sign_in_code", next=local_path(request.args.get("next")))
        refuse(form, outcome.decision, _("Name or password is wrong."))
    note = request.args.get("note")
    return form_page("entry/sign_in.html", form, note=note if note in _NOTES and not form.errors else None)


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@open_at(Stage.PASSWORD)
def sign_in_code() -> ResponseReturnValue:
    """The second step: a code."""
    form = CodeForm()
    if form.validate_on_submit():
        visit, panel = sessions.the_visit(), the_panel()
        outcome = signin.confirm_code(visit, form.code.data, caller(), panel.sign_in)
        if outcome.token is not None:
            sessions.begin(outcome.token)
            sessions.keep_device(outcome.device)
            interrupted = panel.drafts.path_for(visit.staff_id, now=sessions.now())
            wanted = local_path(request.args.get("next"))
            return see_path(interrupted or wanted or url_for("overview.index"))
        if outcome.decision.reason is Reason.SESSION_ENDED:  # also the second click of a double click
            return see("overview.index")
        refuse(form, outcome.decision, _("This code is wrong, or it was used already."))
    return form_page("entry/code.html", form)


@blueprint.route("/confirm", methods=["GET", "POST"])
@needs(Right.READ)
def fresh() -> ResponseReturnValue:
    """Another code before what is grave."""
    form = CodeForm()
    wanted = local_path(request.args.get("next")) or url_for("overview.index")
    if form.validate_on_submit():
        outcome = signin.confirm_code(sessions.the_visit(), form.code.data, caller(), the_panel().sign_in)
        if outcome.decision.verdict is Verdict.GRANTED:
            return see_path(wanted)
        refuse(form, outcome.decision, _("This code is wrong, or it was used already."))
    return form_page("entry/confirm.html", form, next=wanted)


@blueprint.route("/invitation", methods=["GET", "POST"])
@open_to_everybody
def invitation() -> ResponseReturnValue:
    """Whoever comes for the first time types name and one-time code."""
    form = InvitationForm()
    if form.validate_on_submit():
        outcome = signin.verify_invitation(form.name.data, form.code.data, caller(), the_panel().sign_in)
        if outcome.token is not None:
            sessions.replace(outcome.token)
            return see("entry.enrol")
        refuse(form, outcome.decision, _("Name or one-time code is wrong, or the code has expired."))
    return form_page("entry/invitation.html", form)


@blueprint.route("/invitation/enrol", methods=["GET", "POST"])
@open_at(Stage.ENROLLING)
def enrol() -> ResponseReturnValue:
    """A first password and the second factor, all at once or not at all."""
    panel, visit = the_panel(), sessions.the_visit()
    with panel.database.writing() as session:
        secret = staffsessions.pending_secret(session, visit, panel.sign_in.seals)
    form = EnrolForm()
    if form.validate_on_submit():
        recovery = make_recovery_codes(panel.sign_in.seals)
        if carry_out(form, lambda: _enrol(form, secret, recovery), faults=_FIELDS) is None:
            show_once()
            return page("account/recovery.html", codes=recovery.codes, form=None)
    return form_page(
        "entry/enrol.html",
        form,
        qr=_qr_code(secondfactor.provisioning_uri(secret, visit.name)),
        secret=secondfactor.in_groups(secret),
        who=visit,
    )


def _enrol(form: EnrolForm, secret: str, recovery: NewRecoveryCodes) -> None:
    panel, visit = the_panel(), sessions.the_visit()
    stored = hash_staff_password(form.password.data, visit.name, panel.sign_in.hasher)
    step = secondfactor.matching_step(secret, form.code.data, sessions.now(), None)
    if step is None:
        raise _CodeError("This code does not fit. Please type the one that the app shows now.")
    enrolment = staff.Enrolment(stored, panel.sign_in.seals.seal(secret), step, recovery)
    with panel.database.writing() as session:
        token = staff.enrol(
            session, visit, enrolment, today=sessions.today(), actor=sessions.the_actor(), now=sessions.now()
        )
    sessions.begin(token)
    sessions.keep_device(signin.device_token(visit.name, panel.sign_in))


@blueprint.post("/sign-out")
@open_to_everybody
def sign_out() -> ResponseReturnValue:
    """Ends the session, and wipes what it had been shown."""
    panel = the_panel()
    if g.visit is not None:
        panel.slips.wipe_all_of(g.visit.id_hash)
        with panel.database.writing() as session:
            staffsessions.end(session, g.visit)
    sessions.end()
    return see("entry.sign_in", note="signed-out")


@blueprint.post("/language")
@open_to_everybody
def language() -> ResponseReturnValue:
    """German or English, from now on in this browser."""
    chosen = request.form.get("language")
    if chosen not in i18n.LANGUAGES:
        abort(400)
    answer = see_path(local_path(request.form.get("next")) or "/")
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
