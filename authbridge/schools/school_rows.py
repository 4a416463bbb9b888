"""Shows schools in lists: as rows, with the number of their organisers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import assert_never

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from authbridge.schools.search_text import Wanted, fold, in_order_of
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
    street: str
    mailbox: str
    trusted_networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SchoolCounts:
    """The number of a school's organisers; ``suspended_organisers`` are suspended themselves.

    ``imported`` have a password that was taken over: weaker ones, each guess at which costs a hash.
    ``not_come`` of these have not logged in with it here yet.
    """

    organisers: int
    suspended_organisers: int
    imported: int
    not_come: int


NO_ORGANISERS = SchoolCounts(0, 0, 0, 0)


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
        street=school.street,
        mailbox=school.mailbox,
        trusted_networks=tuple(school.trusted_networks),
    )


def has_not_come() -> ColumnElement[bool]:
    """Selects organisers who were taken over with their password and have not logged in with it here."""
    return and_(Organiser.password_generated.is_(False), Organiser.last_login_on.is_(None))


def counts_by_school(session: Session, ids: Sequence[int]) -> dict[int, SchoolCounts]:
    """Counts the organisers of the schools of these ids; a school without any is not among them."""
    imported = func.count().filter(Organiser.password_generated.is_(False))
    not_come = func.count().filter(has_not_come())
    query = (
        select(Organiser.school_id, func.count(), func.count(Organiser.suspended_at), imported, not_come)
        .where(Organiser.school_id.in_(ids))
        .group_by(Organiser.school_id)
    )
    return {each: SchoolCounts(*counts) for each, *counts in session.execute(query)}


@dataclass(frozen=True, slots=True)
class SchoolMatch:
    """A school, compared with a text; ``missing`` are the words of the text that it does not have.

    ``is_named``: the text is its code or its whole name.
    """

    id: int
    code: str
    name: str
    place: str
    contract_on: date | None
    missing: tuple[str, ...]
    is_named: bool


def compare_schools(session: Session, wanted: Wanted, show: SchoolFilter) -> list[SchoolMatch]:
    """Compares the schools with what is looked for, by name; those without any of its words are left out.

    The letters are compared in Python: SQLite knows the capitals of a to z only, PostgreSQL those of its
    locale, and a county has some hundred schools.
    """
    parts = (School.code, School.name, School.street, School.place, School.mailbox)
    rows = session.execute(select(School.id, School.contract_on, *parts).where(*_shown(show)))
    matches = [_match(wanted, *row) for row in rows]
    some = (each for each in matches if not wanted.words or len(each.missing) < len(wanted.words))
    return sorted(some, key=lambda each: in_order_of(each.name))


def _shown(show: SchoolFilter) -> Sequence[ColumnElement[bool]]:
    match show:
        case SchoolFilter.ALL:
            return ()
        case SchoolFilter.SUSPENDED:
            return (School.suspended_at.is_not(None),)
        case SchoolFilter.NO_CONTRACT:
            return (School.contract_on.is_(None),)
        case _:
            assert_never(show)


def _match(
    wanted: Wanted, id_: int, contract_on: date | None, code: str, name: str, *address: str
) -> SchoolMatch:
    missing = wanted.missing_in(fold(" ".join((code, name, *address)))) if wanted.words else ()
    is_named = wanted.whole == code or fold(name).is_whole(wanted.whole)
    return SchoolMatch(id_, code, name, address[1], contract_on, missing, is_named)
