"""Credentials: issued for a school or renewed for an organiser, then shown once, printed, and wiped."""

from dataclasses import replace

from flask import Blueprint, abort, make_response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from admin import issuing
from admin.forms.base import PanelForm, open_form
from admin.forms.organisers import IssueForm, LettersForm
from admin.panel import current_panel, now, school_calendar, today
from admin.session.access import needs
from admin.session.commands import run_command, submit_once
from admin.session.flashes import flash
from admin.session.sessions import current_session
from admin.status.revocation_status import LiveStatus, live_status, wait_for_nodes
from admin.status.running_meetings import ends_in_words
from admin.stores.handouts import Handout, Step
from admin.web.headers import hide_from_back_button, replace_at
from admin.web.i18n import say, typed_day
from admin.web.redirects import path_to, redirect_to
from admin.web.responses import form_page, page
from admin.web.spreadsheet import as_csv
from admin.web.unattended import unattended
from authbridge.errors import InputError
from authbridge.letters import Language
from authbridge.revocations.running import running_meetings
from authbridge.revocations.status import RevokedTogether, revocation_status_of
from authbridge.schools.commands import schools
from authbridge.schools.commands.organisers import QuotaError
from authbridge.schools.issuing import Order
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.schools.organiser_rows import is_logged_out, organiser_row
from authbridge.schools.school_rows import school_counts
from authbridge.staff.permissions import Permission

blueprint = Blueprint("credentials", __name__)

_GONE = 410


@blueprint.route("/schools/<code>/issue", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def issue(code: str) -> ResponseReturnValue:
    """Issues new organisers for a school."""
    with current_panel().database.read_session() as session:
        school = get_school(session, code)
        free = max(0, school.quota - school_counts(session, school).organisers)
    form = open_form(IssueForm)
    form.stored_end = school_calendar().end  # as it is suggested: a tick beside it takes it away
    if form.validate_on_submit():
        order = Order(school, form.count.data or 0, form.end)
        answer = submit_once(lambda: _start_issuing(form, order))
        if answer is not None:
            return answer
    return form_page("credentials/issue.html", form, school=school, free=free)


@blueprint.route("/organisers/<username>/reset", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def reset(username: str) -> ResponseReturnValue:
    """Makes a new password and a new letter; the old ones are void at once."""
    with current_panel().database.read_session() as session:
        organiser = get_organiser(session, username)
    form = open_form(LettersForm)
    if form.validate_on_submit():
        order = Order(organiser.school, 1, organiser.valid_until, (organiser.username,))
        answer = submit_once(lambda: _start(form, order))
        if answer is not None:
            wait_for_nodes(lambda session: get_organiser(session, organiser.username))
            return answer
    with current_panel().database.read_session() as session:
        running = running_meetings(session, now=now())
    row = organiser_row(organiser, today())
    ends = None if is_logged_out(row.state) else ends_in_words(running.of([row.username]))
    return form_page("credentials/reset.html", form, organiser=row, school=organiser.school, ends=ends)


def _start_issuing(form: IssueForm, order: Order) -> str | None:
    """Raises the quota first where that was ticked; it stays raised if the letters cannot be printed."""
    with form.show_errors({InputError: "count"}):
        if form.raise_quota.data:
            order = replace(order, school=run_command(schools.make_room, order.school.code, order.count))
        return _start(form, order)
    return None


def _start(form: LettersForm, order: Order) -> str | None:
    with form.show_errors({QuotaError: "count"}):
        language, large_print = Language(form.language.data), form.size.data == "large"
        handout_id = issuing.start(order, language, large_print=large_print, envelope=form.envelope)
        return path_to("credentials.show", handout_id=handout_id)
    return None


@blueprint.get("/credentials/<handout_id>")
@needs(Permission.MANAGE)
def show(handout_id: str) -> ResponseReturnValue:
    """Shows how far the work is; then, once, the credentials."""
    handout = _find(handout_id)
    if handout is None:
        return _gone()
    error = None if handout.error is None else say(handout.error)
    if handout.step is Step.READY:
        hide_from_back_button()
        answer = make_response(
            page("credentials/show.html", handout=handout, error=error, status=_status_of(handout))
        )
        replace_at(answer, path_to("credentials.over", handout_id=handout.id), handout.ends_at - now())
        return answer
    return page("credentials/progress.html", handout=handout, error=error, again=_path_of_order(handout))


@blueprint.get("/credentials/<handout_id>/progress")
@needs(Permission.MANAGE)
@unattended
def progress(handout_id: str) -> ResponseReturnValue:
    """Shows again how far the work is, for the page that polls."""
    handout = _find(handout_id)
    if handout is None:
        return _gone()
    return page("credentials/_progress.html", handout=handout, is_done=not handout.is_under_way)


@blueprint.get("/credentials/<handout_id>/over")
@needs(Permission.MANAGE)
@unattended
def over(handout_id: str) -> ResponseReturnValue:
    """Takes the place of credentials that were left on the screen, once they are wiped."""
    handout = _find(handout_id)
    return _gone() if handout is None else redirect_to("credentials.show", handout_id=handout_id)


@blueprint.get("/credentials/<handout_id>/letters.pdf")
@needs(Permission.MANAGE)
def pdf(handout_id: str) -> ResponseReturnValue:
    """Sends the letters for the browser to show: no copy lies in a folder unless somebody saves one."""
    handout = _take(handout_id)
    if handout is None:
        return _gone()
    if handout.pdf is None:
        abort(404)
    return _file(handout.pdf, "application/pdf", f"inline; filename={_file_name(handout)}.pdf")


@blueprint.get("/credentials/<handout_id>/letters.zip")
@needs(Permission.MANAGE)
def files(handout_id: str) -> ResponseReturnValue:
    """Sends each letter as a file of its own, all in a ZIP."""
    handout = _take(handout_id)
    if handout is None:
        return _gone()
    if handout.pdf is None:
        abort(404)
    content = issuing.print_apart(handout)
    return _file(content, "application/zip", f"attachment; filename={_file_name(handout)}.zip")


@blueprint.get("/credentials/<handout_id>/letters/<username>.pdf")
@needs(Permission.MANAGE)
def letter(handout_id: str, username: str) -> ResponseReturnValue:
    """Sends the letter of one organiser; nothing of the others is in the file."""
    handout = _take(handout_id, username)
    if handout is None:
        return _gone()
    place = handout.place_of(username)
    if handout.pdf is None or place is None:
        abort(404)
    content = issuing.print_alone(handout, place)
    return _file(content, "application/pdf", f"inline; filename={username}-{handout.print_job}.pdf")


@blueprint.get("/credentials/<handout_id>/table.csv")
@needs(Permission.MANAGE)
def table(handout_id: str) -> ResponseReturnValue:
    """Sends the credentials as a table."""
    handout = _take(handout_id)
    if handout is None:
        return _gone()
    content = as_csv(_table_of(handout))
    return _file(content, "text/csv; charset=utf-8", f"attachment; filename={_file_name(handout)}.csv")


@blueprint.post("/credentials/<handout_id>/done")
@needs(Permission.MANAGE)
def done(handout_id: str) -> ResponseReturnValue:
    """Wipes the credentials; asks first if nobody has fetched all letters, or the table."""
    handout = _find(handout_id)
    if handout is not None and handout.left:
        return redirect_to("credentials.wipe", handout_id=handout_id)
    return _wipe(handout_id, handout)


@blueprint.route("/credentials/<handout_id>/wipe", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def wipe(handout_id: str) -> ResponseReturnValue:
    """Asks whether passwords that nobody has on paper may go, and wipes them."""
    handout, form = _find(handout_id), PanelForm()
    if handout is None:
        return _gone()
    if form.validate_on_submit():
        return _wipe(handout_id, handout)
    return form_page("credentials/wipe.html", form, handout=handout)


def _wipe(handout_id: str, handout: Handout | None) -> ResponseReturnValue:
    current_panel().handouts.wipe(handout_id, current_session().id_hash, now=now())
    flash("done", _("Done. The passwords are wiped and can no longer be seen."))
    if handout is None:
        return redirect_to("overview.index")
    if handout.year is not None:
        return redirect_to("school_years.report", run=handout.year.run)
    if len(handout.usernames) > 1:  # they may still be suspended: their print job is what comes next
        return redirect_to("print_jobs.show", print_job=handout.print_job)
    return redirect_to("schools.show", code=handout.school_code)


def _status_of(handout: Handout) -> LiveStatus | None:
    """Returns how far the old logins of those with new passwords are ended; None for new organisers."""
    with current_panel().database.read_session() as session:
        revoked = RevokedTogether(handout.usernames)
        ends = bool(handout.usernames) and (handout.year is None or handout.year.transition_until is None)
        status = revocation_status_of(session, revoked, now=now()) if ends else None
    return live_status(status, path_to("credentials.revocation_status", handout_id=handout.id))


@blueprint.get("/credentials/<handout_id>/revocation-status")
@needs(Permission.MANAGE)
@unattended
def revocation_status(handout_id: str) -> ResponseReturnValue:
    """Shows again how far the old logins are ended, for the page that polls."""
    handout = _find(handout_id)
    return _gone() if handout is None else page("_revocation_status.html", status=_status_of(handout))


def _path_of_order(handout: Handout) -> str:
    """Returns the form from which it was ordered, to try once more."""
    if handout.year is not None:
        return path_to("school_years.change", code=handout.school_code, again=handout.id)
    match handout.usernames:
        case ():
            return path_to("credentials.issue", code=handout.school_code)
        case (username,):
            return path_to("credentials.reset", username=username)
        case _:  # too many for an address
            return path_to("selections.reset", again=handout.id)


def _find(handout_id: str) -> Handout | None:
    return current_panel().handouts.find(handout_id, current_session().id_hash, now=now())


def _take(handout_id: str, username: str | None = None) -> Handout | None:
    """Returns the credentials whose letters or table are fetched, all or those of one, and notes that."""
    handout = _find(handout_id)
    if handout is None or handout.step is not Step.READY:
        return None
    handout.taken |= {each.username for each in handout.credentials if username in {None, each.username}}
    return handout


def _gone() -> ResponseReturnValue:
    return make_response(page("credentials/gone.html"), _GONE)


def _file_name(handout: Handout) -> str:
    return f"{handout.school_code}-{handout.print_job}"


def _file(content: bytes, kind: str, disposition: str) -> Response:
    answer: Response = make_response(content)
    answer.headers["Content-Type"] = kind
    answer.headers["Content-Disposition"] = disposition
    return answer


def _table_of(handout: Handout) -> list[list[str]]:
    rows = [
        [
            handout.school_name,
            each.username,
            each.password,
            typed_day(each.valid_until) if each.valid_until else "",
        ]
        for each in handout.credentials
    ]
    return [[_("School"), _("Login name"), _("Password"), _("Valid until")], *rows]
