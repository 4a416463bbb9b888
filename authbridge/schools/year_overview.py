"""Answers when the accesses of a school run out, and of which ends staff are reminded."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, or_, select, union_all
from sqlalchemy.orm import Session

from authbridge.schools.school_year import reminded_ends
from authbridge.schools.search_text import in_order_of
from authbridge.schools.year_reports import kept_changes
from authbridge.storage.models import AuditEvent, Organiser, School


@dataclass(frozen=True, slots=True)
class SchoolYearRow:
    """A school with the number of its accesses that have not expired, and when they end.

    ``first_end`` and ``last_end`` are None where none of them has an end.
    """

    code: str
    name: str
    accesses: int
    without_end: int
    expired: int
    first_end: date | None
    last_end: date | None


def list_school_years(session: Session, *, today: date) -> tuple[SchoolYearRow, ...]:
    """Lists the schools that have accesses, by name."""
    is_valid = or_(Organiser.valid_until.is_(None), Organiser.valid_until >= today)
    end = Organiser.valid_until
    query = (
        select(
            School.code,
            School.name,
            func.count().filter(is_valid),
            func.count().filter(end.is_(None)),
            func.count().filter(end < today),
            func.min(end).filter(is_valid),
            func.max(end).filter(is_valid),
        )
        .join(Organiser.school)
        .group_by(School.code, School.name)
    )
    rows = (SchoolYearRow(*row) for row in session.execute(query))
    return tuple(sorted(rows, key=lambda row: in_order_of(row.name)))


@dataclass(frozen=True, slots=True)
class Reminder:
    """A school of which so many accesses run out on that day."""

    code: str
    name: str
    accesses: int
    last_day: date


def list_reminders(session: Session, *, today: date, now: datetime) -> tuple[Reminder, ...]:
    """Lists the ends of which staff are reminded today, soonest first.

    Ends that a change of the school year has set for those who do not stay are none: somebody wants them.
    """
    # Counted from the index alone, and nothing but these days: the overview cannot look at each access.
    ends = union_all(
        *(
            select(Organiser.valid_until, Organiser.school_id, func.count().label("accesses"))
            .where(Organiser.valid_until.between(first, last))
            .group_by(Organiser.valid_until, Organiser.school_id)
            for first, last in reminded_ends(today)
        )
    ).subquery()
    query = select(School.code, School.name, ends.c.accesses, ends.c.valid_until).join(
        ends, ends.c.school_id == School.id
    )
    found = [
        Reminder(code, name, accesses, last_day)
        for code, name, accesses, last_day in session.execute(query)
        if last_day is not None
    ]
    wanted = _wanted_ends(session, {each.code for each in found}, now)
    left = (each for each in found if (each.code, each.last_day.isoformat()) not in wanted)
    return tuple(sorted(left, key=lambda each: (each.last_day, each.code)))


def _wanted_ends(session: Session, codes: Collection[str], now: datetime) -> set[tuple[str, str]]:
    """Returns school and last day, as text, of those whom a change did not let stay."""
    if not codes:
        return set()
    query = select(AuditEvent.subject, AuditEvent.detail["others_until"].as_string()).where(
        *kept_changes(now), AuditEvent.subject.in_(codes)
    )
    return {(code, day) for code, day in session.execute(query)}
