"""Several organisers at once: a page that says how many and what it ends, one command, the way back.

The page is asked for with the names that were ticked, or with the filter of a whole list; from then on the
names count, and the list may change meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin import issuing
from admin.forms.base import open_form
from admin.forms.selections import ExtensionForm, RenewalForm, SelectionForm
from admin.panel import current_panel, now, today
from admin.session.access import needs
from admin.session.commands import run_command, submit_once
from admin.session.flashes import flash, undo_action
from admin.session.sessions import current_session
from admin.status.organiser_queries import asked_query
from admin.status.revocation_status import in_words, wait_for_nodes
from admin.status.running_meetings import ends_in_words
from admin.views import selection_words as words
from admin.web.query_params import parse_number
from admin.web.redirects import local_path, path_of_button, path_to, redirect_to
from admin.web.responses import form_page
from authbridge.letters import Language
from authbridge.revocations.running import running_meetings
from authbridge.revocations.status import RevokedTogether
from authbridge.schools import listings
from authbridge.schools.commands import selections
from authbridge.schools.commands.selections import SelectionResult
from authbridge.schools.issuing import Order
from authbridge.schools.lookup import get_school
from authbridge.schools.organiser_rows import OrganiserRow, OrganiserState, is_logged_out
from authbridge.schools.selection import MOST_SELECTED, Selection, find_selection, require_for_letters
from authbridge.staff.permissions import Permission

blueprint = Blueprint("selections", __name__, url_prefix="/selection")


def _seen(chosen: Selection) -> str:
    return chosen.seen


@dataclass(frozen=True, slots=True)
class SelectionChange:
    """A change to several organisers: its words, its form, its command, and who needs it not.

    ``seen`` returns what of the selection must be as it was shown.
    """

    words: words.ChangeWords
    command: Callable[[Any], SelectionResult]
    is_needless: Callable[[OrganiserRow], bool]
    form: type[SelectionForm] = SelectionForm
    seen: Callable[[Selection], str] = _seen
    ends_sessions: bool = False
    can_be_undone: bool = False


_SUSPEND = SelectionChange(
    words.SUSPEND,
    lambda form: run_command(selections.suspend_selection, form.name.data),
    lambda row: row.suspended_at is not None,
    ends_sessions=True,
    can_be_undone=True,
)
_REINSTATE = SelectionChange(
    words.REINSTATE,
    lambda form: run_command(selections.reinstate_selection, form.name.data, seen=form.seen.data),
    lambda row: row.suspended_at is None,
    seen=lambda chosen: chosen.seen_suspensions,
)
_END_SESSIONS = SelectionChange(
    words.END_SESSIONS,
    lambda form: run_command(selections.end_sessions_of_selection, form.name.data),
    lambda row: is_logged_out(row.state),
    ends_sessions=True,
)
_EXTEND = SelectionChange(
    words.EXTEND,
    lambda form: run_command(
        selections.extend_selection, form.name.data, form.valid_until.data, seen=form.seen.data
    ),
    lambda row: row.valid_until is None,
    form=ExtensionForm,
    can_be_undone=True,
)
_EXPIRE = SelectionChange(
    words.EXPIRE,
    lambda form: run_command(selections.expire_selection, form.name.data, seen=form.seen.data, today=today()),
    lambda row: row.valid_until is not None and row.valid_until < today(),
    ends_sessions=True,
    can_be_undone=True,
)


@blueprint.route("/suspend", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def suspend() -> ResponseReturnValue:
    """Suspends the organisers who were chosen."""
    return _change(_SUSPEND)


@blueprint.route("/reinstate", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def reinstate() -> ResponseReturnValue:
    """Gives the organisers who were chosen their access back."""
    return _change(_REINSTATE)


@blueprint.route("/end-sessions", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def end_sessions() -> ResponseReturnValue:
    """Logs the organisers who were chosen out everywhere."""
    return _change(_END_SESSIONS)


@blueprint.route("/extend", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def extend() -> ResponseReturnValue:
    """Makes the organisers who were chosen valid for longer."""
    return _change(_EXTEND)


@blueprint.route("/expire", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def expire() -> ResponseReturnValue:
    """Ends the validity of the organisers who were chosen."""
    return _change(_EXPIRE)


@blueprint.route("/reset", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def reset() -> ResponseReturnValue:
    """Makes new passwords and letters for the organisers who were chosen, of one school."""
    form = open_form(RenewalForm, name=_asked_names(), back=_asked_back())
    if form.validate_on_submit():
        answer = submit_once(lambda: _start_reset(form))
        if answer is not None:
            wait_for_nodes(lambda _session: RevokedTogether(form.name.data))
            return answer
    return _ask(words.RESET, form, is_needless=lambda _row: False, ends_sessions=True)


@blueprint.post("/undo/<event_id>")
@needs(Permission.MANAGE)
def undo(event_id: str) -> ResponseReturnValue:
    """Undoes what one click has changed, where it is still so."""
    return submit_once(lambda: _undo(parse_number(event_id))) or redirect_to("organisers.index")


def _undo(event_id: int) -> str:
    result = run_command(selections.undo_selection, event_id, today=today())
    flash("done" if result.changed else "warn", words.undone(result))
    return path_of_button() or path_to("organisers.index")


def _asked_names() -> tuple[str, ...]:
    """Returns the names that were ticked, or those of the whole list: one too many if they are too many.

    Or those of new passwords that could not be made, by the handout's id.
    """
    if "again" in request.args:
        panel, owner = current_panel(), current_session().id_hash
        handout = panel.handouts.find(request.args["again"], owner, now=now())
        return () if handout is None else handout.usernames
    if "all" not in request.args:
        return tuple(dict.fromkeys(request.args.getlist("name")))
    asked = asked_query()
    with current_panel().database.read_session() as session:
        return listings.list_usernames(session, asked, today=today(), limit=MOST_SELECTED + 1)


def _asked_back() -> str:
    return local_path(request.args.get("back")) or path_to("organisers.index")


def _change(change: SelectionChange) -> ResponseReturnValue:
    form = open_form(change.form, name=_asked_names(), back=_asked_back())
    if form.validate_on_submit():
        answer = submit_once(lambda: _carry_out(change, form))
        if answer is not None:
            return answer
    return _ask(
        change.words,
        form,
        is_needless=change.is_needless,
        seen=change.seen,
        ends_sessions=change.ends_sessions,
    )


def _carry_out(change: SelectionChange, form: SelectionForm) -> str | None:
    with form.show_errors():
        result = change.command(form)
        sentences = [change.words.done(result)]
        if change.ends_sessions and result.changed:
            status = wait_for_nodes(lambda _session: RevokedTogether(result.changed))
            sentences += [] if status is None else [in_words(status)]
        can_be_undone = change.can_be_undone and result.event_id is not None
        button = undo_action(_("Undo"), "selections.undo", event_id=str(result.event_id))
        flash("done" if result.changed else "warn", " ".join(sentences), button if can_be_undone else None)
        return _back_of(form)
    return None


def _back_of(form: SelectionForm) -> str:
    return local_path(form.back.data) or path_to("organisers.index")


def _ask(
    said: words.QuestionWords,
    form: SelectionForm,
    *,
    is_needless: Callable[[OrganiserRow], bool],
    seen: Callable[[Selection], str] = _seen,
    ends_sessions: bool,
) -> ResponseReturnValue:
    """Shows who was chosen, how many need the change, and what it ends."""
    chosen = _read(form)
    needing = [row for row in chosen.rows if not is_needless(row)]
    form.name.data, form.seen.data = tuple(row.username for row in chosen.rows), seen(chosen)
    logged_in = [row.username for row in needing if not is_logged_out(row.state)]
    ends = _ends(logged_in) if ends_sessions and logged_in else None
    return form_page(
        "selections/ask.html",
        form,
        words=said,
        rows=chosen.rows,
        gone=chosen.gone,
        needing=len(needing),
        needless=len(chosen.rows) - len(needing),
        expired=sum(row.state is OrganiserState.EXPIRED for row in chosen.rows),
        suspended=sum(row.suspended_at is not None for row in chosen.rows),
        schools=len({row.school_code for row in chosen.rows}),
        ends=ends,
        most=MOST_SELECTED,
        back=_back_of(form),
    )


def _read(form: SelectionForm) -> Selection:
    with current_panel().database.read_session() as session:
        return find_selection(session, form.name.data or (), today=today())


def _ends(usernames: list[str]) -> str:
    with current_panel().database.read_session() as session:
        running = running_meetings(session, now=now())
    return ends_in_words(running.of(usernames))


def _start_reset(form: RenewalForm) -> str | None:
    with form.show_errors():
        chosen = _read(form)
        code = require_for_letters(chosen, form.seen.data)
        with current_panel().database.read_session() as session:
            school = get_school(session, code)
        usernames = tuple(row.username for row in chosen.rows)
        order = Order(school, len(usernames), None, usernames, seen=chosen.seen)
        handout_id = issuing.start(
            order,
            Language(form.language.data),
            large_print=form.size.data == "large",
            envelope=form.envelope,
        )
        return path_to("credentials.show", handout_id=handout_id)
    return None
