"""Counts what a node reports under a number: opened meetings, and how often each meeting rule stepped in.

A node sends a report again until it is answered, and may send it to another service then.  It makes no
second one before that, so it is enough to know the latest: a number that is no higher was counted before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import CursorResult, or_, update
from sqlalchemy.orm import Session

from authbridge.revocations import opened_meetings, rule_counts
from authbridge.storage.models import MeetingRule, ProsodyNode
from authbridge.storage.statements import UNSYNCHRONISED


@dataclass(frozen=True, slots=True)
class NumberedReport:
    """What happened on a node since its report before.

    ``number`` grows from report to report of one ``run`` of the node, which lasts until Prosody restarts.
    ``meetings`` is the number of opened meetings by the organiser who opened them, ``rules`` how often each
    rule stepped in.
    """

    run: str
    number: int
    meetings: Mapping[str, int]
    rules: Mapping[MeetingRule, int] = field(default_factory=dict)


def count(session: Session, node: str, report: NumberedReport, *, today: date) -> None:
    """Adds a report to the totals, unless it was counted before; the node is on record already."""
    if _is_news(session, node, report):
        opened_meetings.count(session, report.meetings, month=today.replace(day=1))
        rule_counts.count(session, report.rules, today=today)


def _is_news(session: Session, node: str, report: NumberedReport) -> bool:
    """Notes the report as the latest; False if it was counted before.  Locks the row of the node."""
    is_newer = or_(
        ProsodyNode.opened_run.is_distinct_from(report.run), ProsodyNode.opened_number < report.number
    )
    query = update(ProsodyNode).where(ProsodyNode.node == node, is_newer)
    noted = session.execute(
        query.values(opened_run=report.run, opened_number=report.number), execution_options=UNSYNCHRONISED
    )
    assert isinstance(noted, CursorResult)  # noqa: S101 - as of every UPDATE
    return noted.rowcount > 0
