"""Answers what the panel's first page shows: suspended now, expiring soon, schools without a contract."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authbridge.schools.organiser_filters import expires_soon
from authbridge.schools.school_rows import has_not_come
from authbridge.storage.models import Organiser, School, Suspension

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Excerpt(Generic[T]):
    """The first of a list, and how many there are in all."""

    rows: tuple[T, ...]
    total: int


@dataclass(frozen=True, slots=True)
class SuspendedRow:
    """An organiser or a school that is suspended now, as ``kind`` says: "organiser" or "school".

    ``name`` is the username or the code, ``title`` the name of the school.
    """

    kind: str
    name: str
    title: str
    since: datetime
    reason: str | None


def list_suspended(session: Session, *, limit: int) -> Excerpt[SuspendedRow]:
    """Lists the organisers and schools that are suspended themselves, latest first."""
    is_on = Suspension.until.is_(None)
    query = (
        select(Organiser.username, School.code, School.name, Suspension.since, Suspension.reason)
        .select_from(Suspension)
        .outerjoin(Organiser, Organiser.id == Suspension.organiser_id)
        .join(School, School.id == func.coalesce(Suspension.school_id, Organiser.school_id))
        .where(is_on)
        .order_by(Suspension.since.desc(), Suspension.id.desc())
        .limit(limit)
    )
    rows = tuple(
        SuspendedRow("school", code, title, since, reason)
        if username is None
        else SuspendedRow("organiser", username, title, since, reason)
        for username, code, title, since, reason in session.execute(query)
    )
    return Excerpt(rows, session.scalar(select(func.count(Suspension.id)).where(is_on)) or 0)


@dataclass(frozen=True, slots=True)
class ExpiringRow:
    """A school with the number of its organisers who expire soon, the first of them on ``first_day``."""

    code: str
    name: str
    organisers: int
    first_day: date


def list_expiring(session: Session, *, today: date) -> tuple[ExpiringRow, ...]:
    """Lists the schools with organisers who expire soon, soonest first."""
    first_day = func.min(Organiser.valid_until)
    query = (
        select(School.code, School.name, func.count(), first_day)
        .join(Organiser.school)
        .where(expires_soon(today))
        .group_by(School.code, School.name)
        .order_by(first_day, School.code)
    )
    return tuple(
        ExpiringRow(code, name, organisers, day)
        for code, name, organisers, day in session.execute(query)
        if day is not None
    )


def count_schools_without_contract(session: Session) -> int:
    """Counts the schools without a contract on data processing."""
    return session.scalar(select(func.count(School.id)).where(School.contract_on.is_(None))) or 0


def count_taken_over(session: Session) -> tuple[int, int]:
    """Counts the organisers whose password was not made here, and those of them who have not come yet."""
    query = select(
        func.count().filter(Organiser.password_generated.is_(False)), func.count().filter(has_not_come())
    )
    taken_over, not_come = session.execute(query.select_from(Organiser)).one()
    return taken_over, not_come
