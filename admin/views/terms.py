"""The operator's terms of use: the current version, who has an older one, and the new one on paper."""

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, make_response, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from admin.panel import current_panel, today
from admin.session.access import needs
from admin.session.commands import run_command, submit_once
from admin.session.flashes import flash
from admin.web.i18n import language, say
from admin.web.query_params import parse_number
from admin.web.redirects import path_to, redirect_to
from admin.web.responses import page
from authbridge.errors import AuthBridgeError, ConflictError
from authbridge.letters import Language, LetterBatch, Terms, print_terms, read_letterhead, read_terms
from authbridge.schools.commands import terms as commands
from authbridge.schools.printing import receiver_of
from authbridge.schools.terms import (
    PrintedTerms,
    SentTerms,
    find_sent_terms,
    list_printed_terms,
    list_sent_terms,
    outdated_schools,
)
from authbridge.staff.permissions import Permission

blueprint = Blueprint("terms", __name__, url_prefix="/terms")

_SENT_SHOWN = 10  # of the latest; older ones are in the audit


@dataclass(frozen=True, slots=True)
class ShownTerms:
    """A version in the reader's language; ``printed`` is None if it has not travelled."""

    number: int
    dated_on: date
    heading: str
    text: Markup
    printed: PrintedTerms | None


@blueprint.get("")
@needs(Permission.READ)
def index() -> ResponseReturnValue:
    """Shows the current terms, who has older ones, the sheets made last, and the versions that travelled."""
    current, error = _read_current()
    with current_panel().database.read_session() as session:
        printed = list_printed_terms(session, today=today())
        number = current.number if current else max((each.number for each in printed), default=0)
        outdated = outdated_schools(session, number, today=today())
        latest = list_sent_terms(session, limit=_SENT_SHOWN)
    by_number = {each.number: each for each in printed}
    return page(
        "terms/index.html",
        current=_shown(current, by_number.get(current.number)) if current else None,
        error=error,
        outdated=outdated,
        latest=latest,
        earlier=[
            _shown_printed(each) for each in printed if current is None or each.number != current.number
        ],
    )


@blueprint.post("/send")
@needs(Permission.MANAGE)
def send() -> ResponseReturnValue:
    """Notes that the current terms go to one school, or to all that have older ones, and prints them."""
    return submit_once(_send) or redirect_to("terms.index")


@blueprint.get("/sent/<event_id>")
@needs(Permission.READ)
def sent(event_id: str) -> ResponseReturnValue:
    """Shows for which schools new terms were noted, with the sheets to print."""
    return page("terms/sent.html", sent=_find(event_id), event_id=event_id)


@blueprint.get("/sent/<event_id>/sheets.pdf")
@needs(Permission.MANAGE)
def sheets(event_id: str) -> ResponseReturnValue:
    """Sends the terms for these schools, one after the other, for the browser to show."""
    found, asked = _find(event_id), request.args.get("language")
    panel = current_panel()
    letterhead = read_letterhead(panel.config.letter_dir)
    version = found.version
    batch = LetterBatch(
        id="",
        day=today(),
        server=panel.config.meet_url,
        language=Language.ENGLISH if asked == Language.ENGLISH else Language.GERMAN,
        terms=Terms(version.number, version.dated_on, version.texts),
    )
    receivers = [receiver_of(school) for school in found.schools]
    content = panel.issuers.submit(print_terms, receivers, batch, letterhead).result()
    answer = make_response(content)
    answer.headers["Content-Type"] = "application/pdf"
    answer.headers["Content-Disposition"] = f"inline; filename=terms-{version.number}.pdf"
    return answer


def _send() -> str | None:
    code = request.form.get("code")
    try:
        terms = read_terms(current_panel().config.letter_dir)
        if terms.number != parse_number(request.form.get("number", "")):
            raise ConflictError("The terms of use were changed meanwhile. Please look at them again.")
        done = run_command(commands.send_terms, terms, None if code is None else {code}, today=today())
    except AuthBridgeError as error:
        flash("error", say(error))
        return None
    return path_to("terms.sent", event_id=str(done.event_id))


def _find(event_id: str) -> SentTerms:
    with current_panel().database.read_session() as session:
        return find_sent_terms(session, parse_number(event_id))


def _read_current() -> tuple[Terms | None, str | None]:
    """Returns the terms in the operator's folder, and what keeps them from being printed."""
    try:
        terms = read_terms(current_panel().config.letter_dir)
    except AuthBridgeError as error:
        return None, say(error)
    try:
        with current_panel().database.read_session() as session:
            commands.require_printable(session, terms)
    except ConflictError as error:
        return terms, say(error)
    return terms, None


def _shown(terms: Terms, printed: PrintedTerms | None) -> ShownTerms:
    heading, text = terms.text(language())
    return ShownTerms(terms.number, terms.dated_on, heading, text, printed)


def _shown_printed(printed: PrintedTerms) -> ShownTerms:
    return _shown(Terms(printed.number, printed.dated_on, printed.texts), printed)
