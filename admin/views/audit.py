"""The audit: what staff and the command line did in a year, and the alarms."""

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from admin.panel import current_panel, now, today
from admin.session.access import needs
from admin.status.audit_words import TOPICS, details_in_words, in_words
from admin.status.login_week import end_of_retention
from admin.status.spans import start_of
from admin.web.query_params import asked_choice, asked_month, asked_text, parse_number
from admin.web.responses import page
from authbridge.audit_rows import KEPT_DAYS, AuditActor, AuditFilter, list_events
from authbridge.staff.permissions import Permission

blueprint = Blueprint("audit", __name__, url_prefix="/audit")

_MONTHS = 13  # a year touches so many


@dataclass(frozen=True, slots=True)
class _Asked:
    """The filter as the address has it; ``month`` is the first day of one."""

    name: str
    actor: AuditActor | None
    topic: str
    month: date | None

    @property
    def address(self) -> dict[str, str]:
        """Returns what stands in the address, for the links to other pages of the list."""
        month = "" if self.month is None else f"{self.month:%Y-%m}"
        said = {"q": self.name, "actor": self.actor or "", "topic": self.topic, "month": month}
        return {name: value for name, value in said.items() if value}

    @property
    def filter(self) -> AuditFilter:
        """Returns the filter for the list."""
        start = None if self.month is None else start_of(self.month)
        end = None if self.month is None else start_of(_following(self.month))
        return AuditFilter(start, end, self.actor, self.topic, self.name)


def _asked() -> _Asked:
    topic = request.args.get("topic", "")
    return _Asked(
        asked_text().lower(),
        asked_choice("actor", AuditActor),
        topic if topic in TOPICS else "",
        asked_month("month"),
    )


def _following(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _preceding(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def _months() -> list[date]:
    months = [today().replace(day=1)]
    while len(months) < _MONTHS:
        months.append(_preceding(months[-1]))
    return months


@blueprint.get("")
@needs(Permission.INSPECT)
def index() -> ResponseReturnValue:
    """Lists the events of a year, filtered."""
    asked = _asked()
    with current_panel().database.read_session() as session:
        found = list_events(
            session,
            asked.filter,
            now=now(),
            addresses_since=end_of_retention(),
            before=parse_number(request.args.get("before", "")) or None,
        )
    return page(
        "audit/index.html",
        audit=found,
        asked=asked,
        actors=list(AuditActor),
        topics=TOPICS,
        months=_months(),
        kept_days=KEPT_DAYS,
        retention_days=current_panel().config.retention_days,
        in_words=in_words,
        details_in_words=details_in_words,
    )
