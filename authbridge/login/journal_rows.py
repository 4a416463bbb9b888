"""Lists the journal of logins a page at a time, latest first; changes nothing.

Two tables are read, each in the order of its index: the logins that were checked, and the numbers of those
that were not.  ``start`` is never earlier than the end of the retention: what is older is not listed, even if
its deletion is late.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from authbridge.login.diagnosis import LoginOutcome, outcome_of
from authbridge.login.policy import Verdict
from authbridge.login.usernames import normalise_username
from authbridge.storage.models import LoginAttempt, Organiser, RejectedAttempts, School

PAGE_SIZE = 50

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = re.compile(r"([0-9]{1,16})-([01])-([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """What to list: logins from ``start`` to before ``end``, of these organisers, with that outcome.

    None narrows nothing; ``organiser_ids`` without any id: those under unknown usernames.
    """

    start: datetime
    end: datetime | None = None
    organiser_ids: Sequence[int] | None = None
    outcome: LoginOutcome | None = None


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """The place of a row in the journal; of one moment, the checked logins are later than the others."""

    at: datetime
    source: int
    id: int


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A login, or the number of those of one minute that were rejected without a check (``is_minute``).

    ``username`` is None for unknown ones; ``origin`` is an address, or a network, or None where unknown.
    """

    at: datetime
    username: str | None
    outcomes: tuple[tuple[LoginOutcome, int], ...]
    origin: str | None
    user_agent: str | None
    is_minute: bool


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Some rows, and the place after which the older ones begin (None: there are none)."""

    rows: tuple[JournalRow, ...]
    older: str | None


@dataclass(frozen=True, slots=True)
class _Source:
    """One of the two tables."""

    number: int
    at: InstrumentedAttribute[datetime]
    id: InstrumentedAttribute[int]
    organiser_id: InstrumentedAttribute[int | None]


_CHECKED = _Source(1, LoginAttempt.at, LoginAttempt.id, LoginAttempt.organiser_id)
_COUNTED = _Source(0, RejectedAttempts.minute, RejectedAttempts.id, RejectedAttempts.organiser_id)

_COLUMNS = {
    LoginOutcome.WRONG_PASSWORD: RejectedAttempts.repeated,
    LoginOutcome.WAITED: RejectedAttempts.locked,
    LoginOutcome.BUSY: RejectedAttempts.unavailable,
}


def find_organiser_ids(session: Session, typed: str) -> list[int] | None:
    """Returns the ids of the organiser with that username, or of the school's with that code.

    None if nothing is called so.
    """
    name = normalise_username(typed)
    is_it = or_(Organiser.username == name, School.code == name)
    found = session.scalars(select(Organiser.id).join(Organiser.school).where(is_it)).all()
    return list(found) or None


def list_logins(session: Session, wanted: JournalFilter, *, after: str = "") -> JournalPage:
    """Lists the logins that fit, from where the former page ended."""
    place = _parse_place(after)
    found = [*_checked(session, wanted, place), *_counted(session, wanted, place)]
    found.sort(key=lambda each: each[0], reverse=True)
    shown = found[:PAGE_SIZE]
    older = _written(shown[-1][0]) if len(found) > PAGE_SIZE else None
    return JournalPage(tuple(row for _place, row in shown), older)


def _checked(
    session: Session, wanted: JournalFilter, after: _Place | None
) -> list[tuple[_Place, JournalRow]]:
    query = select(
        LoginAttempt.at,
        LoginAttempt.id,
        Organiser.username,
        LoginAttempt.verdict,
        LoginAttempt.ip,
        LoginAttempt.user_agent,
    ).outerjoin(Organiser, Organiser.id == LoginAttempt.organiser_id)
    if wanted.outcome is not None:
        query = query.where(*_has_outcome(wanted.outcome))
    return [
        (
            _Place(at, _CHECKED.number, row_id),
            JournalRow(at, username, ((outcome_of(verdict), 1),), ip, user_agent, is_minute=False),
        )
        for at, row_id, username, verdict, ip, user_agent in session.execute(
            _page(query, _CHECKED, wanted, after)
        )
    ]


def _has_outcome(outcome: LoginOutcome) -> list[ColumnElement[bool]]:
    verdict = next((verdict for verdict in Verdict if outcome_of(verdict) is outcome), None)
    is_it: list[ColumnElement[bool]] = [LoginAttempt.verdict == verdict]
    if verdict not in {None, Verdict.GRANTED}:
        # In the words of the index: SQLite finds it by nothing else.
        is_it.append(text("verdict <> 'granted'"))  # type: ignore[arg-type]  # a condition, too
    return is_it


def _counted(
    session: Session, wanted: JournalFilter, after: _Place | None
) -> list[tuple[_Place, JournalRow]]:
    counts = [column for outcome, column in _COLUMNS.items() if wanted.outcome in {None, outcome}]
    query = (
        select(RejectedAttempts, Organiser.username)
        .outerjoin(Organiser, Organiser.id == RejectedAttempts.organiser_id)
        .where(or_(false(), *(column > 0 for column in counts)))
    )
    return [
        (
            _Place(each.minute, _COUNTED.number, each.id),
            JournalRow(
                each.minute, username, _outcomes_of(each), each.network or None, None, is_minute=True
            ),
        )
        for each, username in session.execute(_page(query, _COUNTED, wanted, after))
    ]


def _outcomes_of(counted: RejectedAttempts) -> tuple[tuple[LoginOutcome, int], ...]:
    counts = {outcome: getattr(counted, column.key) for outcome, column in _COLUMNS.items()}
    return tuple((outcome, count) for outcome, count in counts.items() if count)


def _page(
    query: Select[Any], source: _Source, wanted: JournalFilter, after: _Place | None
) -> Select[Any]:
    """Narrows a query to one row more than a page has, so that it is known whether there are older ones."""
    query = query.where(source.at >= wanted.start)
    if wanted.end is not None:
        query = query.where(source.at < wanted.end)
    if wanted.organiser_ids is not None:
        ids = wanted.organiser_ids
        query = query.where(source.organiser_id.in_(ids) if ids else source.organiser_id.is_(None))
    if after is not None:
        query = query.where(source.at <= after.at, or_(source.at < after.at, _is_after(source, after)))
    return query.order_by(source.at.desc(), source.id.desc()).limit(PAGE_SIZE + 1)


def _is_after(source: _Source, place: _Place) -> ColumnElement[bool]:
    """Selects rows of the same moment that come after that place."""
    if source.number == place.source:
        return source.id < place.id
    return and_(True) if source.number < place.source else false()


def _written(place: _Place) -> str:
    return f"{(place.at - _EPOCH) // _MICROSECOND}-{place.source}-{place.id}"


def _parse_place(typed: str) -> _Place | None:
    """Returns the place that an address names; None if it names none."""
    found = _PLACE.fullmatch(typed)
    if found is None:
        return None
    moment, source, row_id = map(int, found.groups())
    return _Place(_EPOCH + moment * _MICROSECOND, source, row_id)
