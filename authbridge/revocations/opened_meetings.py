"""Counts the meetings that were opened, per school and month."""

from collections import Counter
from collections.abc import Mapping
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.storage.models import MonthlyTotal, Organiser, table_of
from authbridge.storage.statements import upsert

_ADD = upsert(table_of(MonthlyTotal), key=("school_id", "month"), changed=("meetings",), add=True)


def count(session: Session, opened: Mapping[str, int], *, month: date) -> None:
    """Adds meetings, by the organiser who opened them, to the totals of their schools.

    Names that are no organiser's count nowhere.
    """
    # Always in one order: in two orders two services could wait for each other's rows (deadlock).
    for school_id, meetings in sorted(_by_school(session, opened).items()):
        total = {"accounts": 0, "active": 0, "logins": 0, "meetings": meetings}
        session.execute(_ADD, {"school_id": school_id, "month": month, **total})


def _by_school(session: Session, opened: Mapping[str, int]) -> Counter[int]:
    names = [name for name in opened if name.isascii() and name.isprintable()]  # PostgreSQL takes no NUL
    found: Counter[int] = Counter()
    query = select(Organiser.username, Organiser.school_id).where(Organiser.username.in_(names))
    for username, school_id in session.execute(query):
        found[school_id] += opened[username]
    return found
