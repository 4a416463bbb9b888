"""What staff see listed: a page at a time, with a number of queries that no row adds to.

Nothing here changes anything, and no row holds a hash.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar, assert_never

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session, contains_eager, load_only

from authbridge.storage.models import Organiser, School, Suspension

PAGE_SIZE = 50
MOST_FOUND = 20  # of each kind; whoever finds more types another letter
LEAST_LETTERS = 3  # of a search

T = TypeVar("T")


class OrganiserState(StrEnum):
    """Whether an organiser may open meetings, and why not."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    SCHOOL_SUSPENDED = "school-suspended"
    EXPIRED = "expired"


class SchoolFilter(StrEnum):
    """Which schools are shown."""

    ALL = "all"
    SUSPENDED = "suspended"
    NO_CONTRACT = "no-contract"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; ``number`` counts from 1, ``total`` is of all pages."""

    rows: tuple[T, ...]
    number: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class Excerpt(Generic[T]):
    """The first of a list, and how many there are in all."""

    rows: tuple[T, ...]
    total: int


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
class OrganiserRow:
    """An organiser in a list."""

    username: str
    school_code: str
    school_name: str
    state: OrganiserState
    last_login_on: date | None
    valid_until: date | None
    suspended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SuspensionRow:
    """A suspension in a history; ``until`` None: it goes on."""

    id: int
    since: datetime
    until: datetime | None
    reason: str | None
    reported_by: str | None
    note: str | None
    suspended_by: str
    reinstated_by: str | None


@dataclass(frozen=True, slots=True)
class SuspendedRow:
    """Who is suspended now: ``kind`` is "organiser" or "school", ``name`` the username or the code.

    ``title`` is the name of the school.
    """

    kind: str
    name: str
    title: str
    since: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search finds; ``more``: there is more of it than is shown."""

    schools: tuple[SchoolRow, ...]
    organisers: tuple[OrganiserRow, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class SchoolCounts:
    """How many organisers a school has; those count as suspended that are so themselves."""

    organisers: int
    suspended_organisers: int


def state_of(
    *, suspended: bool, school_suspended: bool, valid_until: date | None, today: date
) -> OrganiserState:
    """The state in one word; in the order of :func:`authbridge.login.policy.judge`."""
    if suspended:
        return OrganiserState.SUSPENDED
    if school_suspended:
        return OrganiserState.SCHOOL_SUSPENDED
    if valid_until is not None and today > valid_until:
        return OrganiserState.EXPIRED
    return OrganiserState.ACTIVE


def list_school_rows(
    session: Session, *, text: str = "", show: SchoolFilter = SchoolFilter.ALL, page: int = 1
) -> Page[SchoolRow]:
    """The schools by code; ``text`` is part of the code, the name or the place."""
    ids = _find_schools(session, text, show)
    number, pages = _place_of(page, len(ids))
    first = (number - 1) * PAGE_SIZE
    return Page(_school_rows(session, ids[first : first + PAGE_SIZE]), number, pages, total=len(ids))


def list_organiser_rows(
    session: Session,
    *,
    today: date,
    code: str | None = None,
    text: str = "",
    state: OrganiserState | None = None,
    page: int = 1,
) -> Page[OrganiserRow]:
    """The organisers, of one school or of all, by name; ``text`` is part of the name, or finds the school."""
    wanted = []
    if code is not None:
        wanted.append(School.code == code)
    if text.strip():
        schools = _find_schools(session, text, SchoolFilter.ALL)
        wanted.append(or_(_has_in_name(text), Organiser.school_id.in_(schools)))
    if state is not None:
        wanted.append(_is_in(state, today))
    total = session.scalar(select(func.count(Organiser.id)).join(Organiser.school).where(*wanted)) or 0
    number, pages = _place_of(page, total)
    query = _ORGANISERS.where(*wanted).order_by(Organiser.username)
    rows = query.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)
    return Page(_organiser_rows(session, rows, today), number, pages, total)


def organiser_row(organiser: Organiser, today: date) -> OrganiserRow:
    """The organiser as lists show him."""
    school = organiser.school
    return OrganiserRow(
        username=organiser.username,
        school_code=school.code,
        school_name=school.name,
        state=state_of(
            suspended=organiser.suspended_at is not None,
            school_suspended=school.suspended_at is not None,
            valid_until=organiser.valid_until,
            today=today,
        ),
        last_login_on=organiser.last_login_on,
        valid_until=organiser.valid_until,
        suspended_at=organiser.suspended_at,
    )


def suspension_rows(session: Session, of: Organiser | School) -> list[SuspensionRow]:
    """The history of suspensions, latest first."""
    whose = Suspension.organiser_id if isinstance(of, Organiser) else Suspension.school_id
    query = select(Suspension).where(whose == of.id).order_by(Suspension.id.desc())
    return [
        SuspensionRow(
            id=suspension.id,
            since=suspension.since,
            until=suspension.until,
            reason=suspension.reason,
            reported_by=suspension.reported_by,
            note=suspension.note,
            suspended_by=suspension.suspended_by,
            reinstated_by=suspension.reinstated_by,
        )
        for suspension in session.scalars(query)
    ]


def search(session: Session, text: str, *, today: date) -> Findings | None:
    """Schools by code, name or place and organisers by name; None for fewer than three letters."""
    if len(_folded(text)) < LEAST_LETTERS:
        return None
    schools = _find_schools(session, text, SchoolFilter.ALL)
    query = _ORGANISERS.where(_has_in_name(text)).order_by(Organiser.username).limit(MOST_FOUND + 1)
    organisers = _organiser_rows(session, query, today)
    return Findings(
        schools=_school_rows(session, schools[:MOST_FOUND]),
        organisers=organisers[:MOST_FOUND],
        more=len(schools) > MOST_FOUND or len(organisers) > MOST_FOUND,
    )


def suspended_now(session: Session, *, limit: int) -> Excerpt[SuspendedRow]:
    """The organisers and schools that are suspended themselves, latest first."""
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


def expiring(session: Session, *, today: date, limit: int, days: int = 30) -> Excerpt[OrganiserRow]:
    """The organisers whose last day of validity is today or within so many days, soonest first."""
    is_soon = Organiser.valid_until.between(today, today + timedelta(days=days))
    query = _ORGANISERS.where(is_soon).order_by(Organiser.valid_until, Organiser.username).limit(limit)
    total = session.scalar(select(func.count(Organiser.id)).where(is_soon)) or 0
    return Excerpt(_organiser_rows(session, query, today), total)


def schools_without_contract(session: Session) -> int:
    """How many schools have no contract on data processing."""
    return session.scalar(select(func.count(School.id)).where(School.contract_on.is_(None))) or 0


def school_counts(session: Session, school: School) -> SchoolCounts:
    """How many organisers the school has."""
    return _counts(session, [school.id]).get(school.id, _NO_ORGANISERS)


_NO_ORGANISERS = SchoolCounts(0, 0)
_ORGANISERS = (
    select(Organiser)
    .join(Organiser.school)
    .options(
        load_only(Organiser.username, Organiser.suspended_at, Organiser.last_login_on, Organiser.valid_until),
        contains_eager(Organiser.school).load_only(School.code, School.name, School.suspended_at),
    )
)


def _organiser_rows(session: Session, query: Select[Organiser], today: date) -> tuple[OrganiserRow, ...]:
    return tuple(organiser_row(organiser, today) for organiser in session.scalars(query))


def _school_rows(session: Session, ids: Sequence[int]) -> tuple[SchoolRow, ...]:
    """The schools of these ids, in their order."""
    counts = _counts(session, ids)
    found = {school.id: school for school in session.scalars(select(School).where(School.id.in_(ids)))}
    return tuple(_school_row(found[each], counts.get(each, _NO_ORGANISERS)) for each in ids)


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


def _counts(session: Session, ids: Sequence[int]) -> dict[int, SchoolCounts]:
    query = (
        select(Organiser.school_id, func.count(), func.count(Organiser.suspended_at))
        .where(Organiser.school_id.in_(ids))
        .group_by(Organiser.school_id)
    )
    return {each: SchoolCounts(*counts) for each, *counts in session.execute(query)}


def _find_schools(session: Session, text: str, show: SchoolFilter) -> list[int]:
    """The ids of the schools in which the text occurs, by code.

    The letters are compared here: SQLite knows capitals of a to z only, PostgreSQL those of its locale, and a
    county has some hundred schools.
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
    wanted = _folded(text)
    rows = sorted(session.execute(query), key=lambda row: row[1])
    return [each for each, *parts in rows if any(wanted in _folded(part) for part in parts)]


def _folded(text: str) -> str:
    # Some keyboards write an umlaut as two signs.
    return unicodedata.normalize("NFC", text).casefold().strip()


def _has_in_name(text: str) -> ColumnElement[bool]:
    wanted = _folded(text)
    # Nothing else is in a name, and PostgreSQL takes no NUL.
    is_possible = wanted.isascii() and wanted.isprintable()
    return Organiser.username.contains(wanted, autoescape=True) if is_possible else false()


def _is_in(state: OrganiserState, today: date) -> ColumnElement[bool]:
    """:func:`state_of` in the words of the database."""
    is_expired = func.coalesce(Organiser.valid_until < today, False)  # None: no end
    match state:
        case OrganiserState.SUSPENDED:
            return Organiser.suspended_at.is_not(None)
        case OrganiserState.SCHOOL_SUSPENDED:
            return and_(Organiser.suspended_at.is_(None), School.suspended_at.is_not(None))
        case OrganiserState.EXPIRED:
            return and_(Organiser.suspended_at.is_(None), School.suspended_at.is_(None), is_expired)
        case OrganiserState.ACTIVE:
            return and_(Organiser.suspended_at.is_(None), School.suspended_at.is_(None), ~is_expired)
        case _:
            assert_never(state)


def _place_of(page: int, total: int) -> tuple[int, int]:
    """The number of a page that there is, and how many there are."""
    pages = max(1, -(-total // PAGE_SIZE))
    return min(max(1, page), pages), pages
