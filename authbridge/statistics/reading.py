"""Reads the monthly totals as they may be shown; changes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from authbridge.statistics.figures import FEWEST, Figure, Usage, shown, shown_together
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


def _sums_of(number: InstrumentedAttribute[int]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Builds the sum of what is shown, and how many are not; :func:`_together` reads the two."""
    return (
        func.sum(case((number >= FEWEST, number), else_=0)),
        func.sum(case((number.between(1, FEWEST - 1), 1), else_=0)),
    )


def _together(sums: Sequence[int]) -> Iterator[Figure]:
    for exact, few in zip(sums[::2], sums[1::2], strict=True):
        yield shown_together(int(exact), few=int(few))


def months_of(session: Session, school: School | None, *, since: date, until: date) -> list[MonthUsage]:
    """Returns the months from ``since`` to ``until`` that were counted; ``school`` None: of all together."""
    sums = [each for number in _NUMBERS for each in _sums_of(number)]
    query = select(MonthlyTotal.month, *sums).where(MonthlyTotal.month.between(since, until))
    if school is not None:
        query = query.where(MonthlyTotal.school_id == school.id)
    rows = session.execute(query.group_by(MonthlyTotal.month).order_by(MonthlyTotal.month))
    return [MonthUsage(month, Usage(*_together(summed))) for month, *summed in rows]


def schools_within(session: Session, *, since: date, until: date) -> list[SchoolUsage]:
    """Returns all schools by code, with what is shown of them in these months together.

    That is: the accounts of the latest month, the active ones of the month that had most, and the sums of
    logins and meetings.
    """
    usages = _usages_within(session, MonthlyTotal.month.between(since, until))
    schools = session.execute(select(School.id, School.code, School.name).order_by(School.code))
    return [SchoolUsage(code, name, usages.get(school_id)) for school_id, code, name in schools]


def _usages_within(session: Session, is_within: ColumnElement[bool]) -> dict[int, Usage]:
    """Returns what is shown of each school of which anything was counted, by its id."""
    sums = select(
        MonthlyTotal.school_id,
        func.max(MonthlyTotal.month).label("latest"),
        func.max(MonthlyTotal.active).label("active"),
        *_sums_of(MonthlyTotal.logins),
        *_sums_of(MonthlyTotal.meetings),
    )
    each = sums.where(is_within).group_by(MonthlyTotal.school_id).subquery()
    is_latest = and_(MonthlyTotal.school_id == each.c.school_id, MonthlyTotal.month == each.c.latest)
    rows = session.execute(select(MonthlyTotal.accounts, each).join(each, is_latest))
    return {
        school_id: Usage(shown(accounts), shown(active), *_together(summed))
        for accounts, school_id, _latest, active, *summed in rows
    }


def first_month(session: Session) -> date | None:
    """Returns the earliest month that was counted; None: nothing was counted yet."""
    return session.scalar(select(func.min(MonthlyTotal.month)))
