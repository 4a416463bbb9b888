"""The journal of logins, for those who answer for it; each look at it is noted in the audit."""

from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from admin.panel import current_panel, now, today
from admin.session.access import needs
from admin.session.browsers import browser_name
from admin.session.commands import run_command
from admin.status.login_strip import outcome_in_words
from admin.status.login_week import end_of_retention
from admin.status.spans import start_of
from admin.web.query_params import asked_choice, asked_day, asked_text, parse_number
from admin.web.responses import page
from authbridge.holds.hold_rows import HoldRow, get_hold
from authbridge.login import commands, journal
from authbridge.login.diagnosis import LoginOutcome
from authbridge.login.journal_rows import JournalFilter, JournalPage, find_organiser_ids, list_logins
from authbridge.staff.permissions import Permission

blueprint = Blueprint("journal", __name__, url_prefix="/journal")

_NOTHING = JournalPage((), None)
# Those that an index finds; logins that were broken off are few, and stand in the whole list.
_OUTCOMES = [outcome for outcome in LoginOutcome if outcome is not LoginOutcome.BROKEN_OFF]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The filter as the address has it; ``name`` is a username or the code of a school.

    ``hold``: only what is held by it, also beyond the retention.
    """

    name: str
    unknown: str
    outcome: LoginOutcome | None
    day: date | None
    hold: HoldRow | None = None

    @property
    def address(self) -> dict[str, str]:
        """Returns what stands in the address, for the links to other pages of the list."""
        day = "" if self.day is None else self.day.isoformat()
        hold = "" if self.hold is None else str(self.hold.id)
        said = {
            "q": self.name,
            "unknown": self.unknown,
            "outcome": self.outcome or "",
            "day": day,
            "hold": hold,
        }
        return {name: value for name, value in said.items() if value}

    def narrowed_to(self, ids: list[int] | None) -> JournalFilter:
        """Returns the filter of these organisers, never beyond the retention but where rows are held."""
        if self.hold is not None:
            held = self.hold
            return JournalFilter(held.since, held.before, [held.organiser_id], self.outcome, held.network)
        start = end_of_retention()
        end = None
        if self.day is not None:
            start, end = max(start, start_of(self.day)), start_of(self.day + timedelta(days=1))
        return JournalFilter(start, end, [] if self.unknown else ids, self.outcome)


def _asked() -> _Asked:
    unknown = "yes" if request.args.get("unknown") == "yes" else ""
    outcome = asked_choice("outcome", LoginOutcome)
    outcome = outcome if outcome in _OUTCOMES else None
    if "hold" in request.args:
        with current_panel().database.read_session() as session:
            hold = get_hold(session, parse_number(request.args["hold"]), now=now())
        return _Asked(name="", unknown="", outcome=outcome, day=None, hold=hold)
    return _Asked(
        name="" if unknown else asked_text(), unknown=unknown, outcome=outcome, day=asked_day("day")
    )


@blueprint.get("")
@needs(Permission.INSPECT)
def index() -> ResponseReturnValue:
    """Lists the logins of the retention, filtered."""
    asked, days = _asked(), current_panel().config.retention_days
    with current_panel().database.read_session() as session:
        ids = find_organiser_ids(session, asked.name) if asked.name else None
        is_lost = bool(asked.name) and ids is None
    # What names nobody may be a password: the audit does not have it.
    run_command(commands.note_look, asked.address | ({"q": "?"} if is_lost else {}))
    with current_panel().database.read_session() as session:
        wanted = asked.narrowed_to(ids)
        after = request.args.get("after", "")
        found = _NOTHING if is_lost else list_logins(session, wanted, now=now(), after=after)
        purged_at = journal.last_purge(session)
    return page(
        "journal/index.html",
        journal=found,
        asked=asked,
        is_lost=is_lost,
        days=[today() - timedelta(days=ago) for ago in range(days + 1)],
        outcomes=_OUTCOMES,
        in_words=outcome_in_words,
        browser_name=browser_name,
        retention_days=days,
        since=end_of_retention() if asked.hold is None else asked.hold.since,
        purged_at=purged_at,
    )
