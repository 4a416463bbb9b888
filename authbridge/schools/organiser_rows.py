"""Shows organisers in lists: as rows, with the state of each; no row holds a hash."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import assert_never

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session, contains_eager, load_only

from authbridge.schools.school_rows import SchoolMatch
from authbridge.schools.search_text import Wanted
from authbridge.storage.models import Organiser, School

_JOINED = func.replace(Organiser.username, "-", "")
_MOST_OF_A_NAME = 2  # words that a username can supply: the code of its school, and its letters


class OrganiserState(StrEnum):
    """Whether an organiser may open meetings, or the reason why not."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    SCHOOL_SUSPENDED = "school-suspended"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class OrganiserRow:
    """An organiser in a list; ``print_job`` is the number on the present letter, if it is known."""

    username: str
    school_code: str
    school_name: str
    state: OrganiserState
    last_login_on: date | None
    valid_until: date | None
    suspended_at: datetime | None
    print_job: str | None


ORGANISERS = (
    select(Organiser)
    .join(Organiser.school)
    .options(
        load_only(
            Organiser.username,
            Organiser.suspended_at,
            Organiser.last_login_on,
            Organiser.valid_until,
            Organiser.print_job_id,
            Organiser.credential_version,
        ),
        contains_eager(Organiser.school).load_only(School.code, School.name, School.suspended_at),
    )
)


def state_of(
    *, suspended: bool, school_suspended: bool, valid_until: date | None, today: date
) -> OrganiserState:
    """Returns the state in one word; the order is that of :func:`authbridge.login.policy.judge`."""
    if suspended:
        return OrganiserState.SUSPENDED
    if school_suspended:
        return OrganiserState.SCHOOL_SUSPENDED
    if valid_until is not None and today > valid_until:
        return OrganiserState.EXPIRED
    return OrganiserState.ACTIVE


def is_logged_out(state: OrganiserState) -> bool:
    """Tells whether a suspension has ended all sessions, so that nothing can be running."""
    return state in {OrganiserState.SUSPENDED, OrganiserState.SCHOOL_SUSPENDED}


def organiser_row(organiser: Organiser, today: date) -> OrganiserRow:
    """Returns the organiser as lists show them."""
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
        print_job=organiser.print_job_id,
    )


def organiser_rows(session: Session, query: Select[Organiser], today: date) -> tuple[OrganiserRow, ...]:
    """Runs a query that narrows :data:`ORGANISERS`; returns the rows in its order."""
    return tuple(organiser_row(organiser, today) for organiser in session.scalars(query))


def is_named(wanted: Wanted) -> ColumnElement[bool]:
    """Selects the organisers whose username, hyphens aside, is the whole text."""
    return _JOINED.in_([wanted.whole]) if _is_possible(wanted.whole) else false()


def has_in_name(words: Sequence[str]) -> ColumnElement[bool]:
    """Selects organisers whose username holds all of these words."""
    if not words or not all(map(_is_possible, words)):
        return false()
    return and_(*(_JOINED.contains(word, autoescape=True) for word in words))


def is_wanted(wanted: Wanted, schools: Sequence[SchoolMatch]) -> ColumnElement[bool]:
    """Selects organisers who have each word in the username or in their school; ``schools`` have some."""
    by_missing: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for school in schools:
        if len(school.missing) <= _MOST_OF_A_NAME:
            by_missing[school.missing].append(school.id)
    in_schools = (
        and_(Organiser.school_id.in_(ids), has_in_name(missing)) if missing else Organiser.school_id.in_(ids)
        for missing, ids in by_missing.items()
    )
    return or_(has_in_name(wanted.words), has_in_name([wanted.whole]), *in_schools)


def _is_possible(text: str) -> bool:
    # No username holds anything else, and PostgreSQL takes no NUL.
    return bool(text) and text.isascii() and text.isprintable()


def is_in(state: OrganiserState, today: date) -> ColumnElement[bool]:
    """Selects organisers in that state, as :func:`state_of` has it."""
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
