"""Answers what the panel's first page shows: suspended now, expiring soon, schools without a contract."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authbridge.schools.organiser_rows import ORGANISERS, OrganiserRow, organiser_rows
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


def list_expiring(session: Session, *, today: date, limit: int, days: int = 30) -> Excerpt[OrganiserRow]:
    """Lists the organisers whose last day of validity is today or within that many days, soonest first."""
    is_soon = Organiser.valid_until.between(today, today + timedelta(days=days))
    query = ORGANISERS.where(is_soon).order_by(Organiser.valid_until, Organiser.username).limit(limit)
    total = session.scalar(select(func.count(Organiser.id)).where(is_soon)) or 0
    return Excerpt(organiser_rows(session, query, today), total)


def count_schools_without_contract(session: Session) -> int:
    """Counts the schools without a contract on data processing."""
    return session.scalar(select(func.count(School.id)).where(School.contract_on.is_(None))) or 0
