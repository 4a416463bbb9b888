"""Shows schools in lists: as rows, with the number of their organisers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import assert_never

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authbridge.schools.search_text import folded
from authbridge.storage.models import Organiser, School


class SchoolFilter(StrEnum):
    """Which schools a list shows."""

    ALL = "all"
    SUSPENDED = "suspended"
    NO_CONTRACT = "no-contract"


@dataclass(frozen=True, slots=True)
class SchoolRow:
    """A school in a list."""

    code: str
    name: str
    place: str
    quota: int
    organisers: int
    suspended_organisers: int
    suspended_at: datetime | None
    contract_on: date | None


@dataclass(frozen=True, slots=True)
class SchoolCounts:
    """The number of a school's organisers; ``suspended_organisers`` are suspended themselves.

    ``imported`` have a password that was taken over: weaker ones, each guess at which costs a hash.
    """

    organisers: int
    suspended_organisers: int
    imported: int


NO_ORGANISERS = SchoolCounts(0, 0, 0)


def school_counts(session: Session, school: School) -> SchoolCounts:
    """Counts the organisers of a school."""
    return counts_by_school(session, [school.id]).get(school.id, NO_ORGANISERS)


def school_rows(session: Session, ids: Sequence[int]) -> tuple[SchoolRow, ...]:
    """Returns the schools of these ids, in their order."""
    counts = counts_by_school(session, ids)
    found = {school.id: school for school in session.scalars(select(School).where(School.id.in_(ids)))}
    return tuple(_school_row(found[each], counts.get(each, NO_ORGANISERS)) for each in ids)


def _school_row(school: School, counts: SchoolCounts) -> SchoolRow:
    return SchoolRow(
        code=school.code,
        name=school.name,
        place=school.place,
        quota=school.quota,
        organisers=counts.organisers,
        suspended_organisers=counts.suspended_organisers,
        suspended_at=school.suspended_at,
        contract_on=school.contract_on,
    )


def counts_by_school(session: Session, ids: Sequence[int]) -> dict[int, SchoolCounts]:
    """Counts the organisers of the schools of these ids; a school without any is not among them."""
    imported = func.count().filter(Organiser.password_generated.is_(False))
    query = (
        select(Organiser.school_id, func.count(), func.count(Organiser.suspended_at), imported)
        .where(Organiser.school_id.in_(ids))
        .group_by(Organiser.school_id)
    )
    return {each: SchoolCounts(*counts) for each, *counts in session.execute(query)}


def find_schools(session: Session, text: str, show: SchoolFilter) -> list[int]:
    """Returns the ids of the schools in which the text occurs, by code.

    The letters are compared in Python: SQLite knows the capitals of a to z only, PostgreSQL those of its
    locale, and a county has some hundred schools.
    """
    query = select(School.id, School.code, School.name, School.place)
    match show:
        case SchoolFilter.ALL:
            pass
        case SchoolFilter.SUSPENDED:
            query = query.where(School.suspended_at.is_not(None))
        case SchoolFilter.NO_CONTRACT:
            query = query.where(School.contract_on.is_(None))
        case _:
            assert_never(show)
    wanted = folded(text)
    rows = sorted(session.execute(query), key=lambda row: row[1])
    return [each for each, *parts in rows if any(wanted in folded(part) for part in parts)]
