"""Counts the meetings that were opened, per school and month: each report of a node once.

A node sends a report again until it is answered, and may send it to another service then.  It makes no
second one before that, so it is enough to know the latest: a number that is no higher was counted before.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.orm import Session

from authbridge.storage.models import MonthlyTotal, Organiser, ProsodyNode, table_of
from authbridge.storage.statements import UNSYNCHRONISED, upsert

_ADD = upsert(table_of(MonthlyTotal), key=("school_id", "month"), changed=("meetings",), add=True)


@dataclass(frozen=True, slots=True)
class OpenedMeetings:
    """The meetings that were opened on a node since its report before, by the organiser who opened them.

    ``number`` grows from report to report of one ``run`` of the node, which lasts until Prosody restarts.
    """

    run: str
    number: int
    meetings: Mapping[str, int]


def count(session: Session, node: str, opened: OpenedMeetings, *, month: date) -> None:
    """Adds the meetings of a report to the totals of their schools, unless it was counted before.

    The node is on record already.  Names that are no organiser's count nowhere.
    """
    if _is_news(session, node, opened):
        # Always in one order: in two orders two services could wait for each other's rows (deadlock).
        for school_id, meetings in sorted(_by_school(session, opened.meetings).items()):
            total = {"accounts": 0, "active": 0, "logins": 0, "meetings": meetings}
            session.execute(_ADD, {"school_id": school_id, "month": month, **total})


def _is_news(session: Session, node: str, opened: OpenedMeetings) -> bool:
    """Notes the report as the latest; False if it was counted before.  Locks the row of the node."""
    is_newer = or_(
        ProsodyNode.opened_run.is_distinct_from(opened.run), ProsodyNode.opened_number < opened.number
    )
    query = update(ProsodyNode).where(ProsodyNode.node == node, is_newer)
    noted = session.execute(
        query.values(opened_run=opened.run, opened_number=opened.number), execution_options=UNSYNCHRONISED
    )
    assert isinstance(noted, CursorResult)  # noqa: S101 - as of every UPDATE
    return noted.rowcount > 0


def _by_school(session: Session, meetings: Mapping[str, int]) -> Counter[int]:
    names = [name for name in meetings if name.isascii() and name.isprintable()]  # PostgreSQL takes no NUL
    found: Counter[int] = Counter()
    query = select(Organiser.username, Organiser.school_id).where(Organiser.username.in_(names))
    for username, school_id in session.execute(query):
        found[school_id] += meetings[username]
    return found
