"""Reads the monthly totals as they may be shown; changes nothing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authbridge.statistics.figures import Usage, over_months, over_schools, shown
from authbridge.storage.models import MonthlyTotal, School


@dataclass(frozen=True, slots=True)
class MonthUsage:
    """What is shown of a month, of one school or of all."""

    month: date
    usage: Usage


@dataclass(frozen=True, slots=True)
class SchoolUsage:
    """What is shown of a school in a month, or in several; None: nothing was counted."""

    code: str
    name: str
    usage: Usage | None


_NUMBERS = (MonthlyTotal.accounts, MonthlyTotal.active, MonthlyTotal.logins, MonthlyTotal.meetings)


def months_of(session: Session, school: School | None, *, since: date, until: date) -> list[MonthUsage]:
    """Returns the months from ``since`` to ``until`` that were counted; ``school`` None: of all together."""
    query = select(MonthlyTotal.month, *_NUMBERS).where(MonthlyTotal.month.between(since, until))
    if school is not None:
        query = query.where(MonthlyTotal.school_id == school.id)
    by_month: dict[date, list[Usage]] = defaultdict(list)
    for month, *numbers in session.execute(query.order_by(MonthlyTotal.month)):
        by_month[month].append(_usage(numbers))
    return [MonthUsage(month, over_schools(usages)) for month, usages in by_month.items()]


def schools_within(session: Session, *, since: date, until: date) -> list[SchoolUsage]:
    """Returns all schools by code, with what is shown of them in these months together."""
    query = select(MonthlyTotal.school_id, *_NUMBERS).where(MonthlyTotal.month.between(since, until))
    by_school: dict[int, list[Usage]] = defaultdict(list)
    for school_id, *numbers in session.execute(query.order_by(MonthlyTotal.month)):
        by_school[school_id].append(_usage(numbers))
    schools = session.execute(select(School.id, School.code, School.name).order_by(School.code))
    return [
        SchoolUsage(code, name, over_months(by_school[school_id]) if school_id in by_school else None)
        for school_id, code, name in schools
    ]


def first_month(session: Session) -> date | None:
    """Returns the earliest month that was counted; None: nothing was counted yet."""
    return session.scalar(select(func.min(MonthlyTotal.month)))


def _usage(numbers: Sequence[int]) -> Usage:
    accounts, active, logins, meetings = map(shown, numbers)
    return Usage(accounts, active, logins, meetings)
