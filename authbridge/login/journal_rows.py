"""Lists the journal of logins a page at a time, latest first; changes nothing.

Two tables are read, each in the order of its index: the logins that were checked, and the numbers of those
that were not.  ``start`` is never earlier than the end of the retention, or than the beginning of what is
held for an incident: what is older is not listed, even if its deletion is late.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, false, literal_column, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from authbridge.login.attempts import TOKEN
from authbridge.login.diagnosis import LoginOutcome, outcome_of
from authbridge.login.held_rows import attempt_is_held, rejection_is_held
from authbridge.login.policy import Verdict
from authbridge.login.usernames import normalise_username
from authbridge.storage.models import LoginAttempt, Organiser, RejectedAttempts, School
from authbridge.storage.networks import Overlaps

PAGE_SIZE = 50

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = re.compile(r"([0-9]{1,16})-([01])-([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """What to list: logins from ``start`` to before ``end``, of these organisers, with that outcome.

    None narrows nothing; ``organiser_ids`` without any id: those under unknown usernames.  ``network`` (CIDR)
    selects the addresses and networks that overlap it.
    """

    start: datetime
    end: datetime | None = None
    organiser_ids: Sequence[int] | None = None
    outcome: LoginOutcome | None = None
    network: str | None = None


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
    ``is_token``: a token was shown, which an earlier login at the login page gave.  ``is_held``: it is kept
    longer, for an incident.
    """

    at: datetime
    username: str | None
    outcomes: tuple[tuple[LoginOutcome, int], ...]
    origin: str | None
    user_agent: str | None
    is_minute: bool
    is_token: bool
    is_held: bool


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
    origin: InstrumentedAttribute[Any]


_CHECKED = _Source(1, LoginAttempt.at, LoginAttempt.id, LoginAttempt.organiser_id, LoginAttempt.ip)
_COUNTED = _Source(
    0, RejectedAttempts.minute, RejectedAttempts.id, RejectedAttempts.organiser_id, RejectedAttempts.network
)

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


def list_logins(session: Session, wanted: JournalFilter, *, now: datetime, after: str = "") -> JournalPage:
    """Lists the logins that fit, from where the former page ended."""
    place = _parse_place(after)
    found = [*_checked(session, wanted, place, now), *_counted(session, wanted, place, now)]
    found.sort(key=lambda each: each[0], reverse=True)
    shown = found[:PAGE_SIZE]
    older = _written(shown[-1][0]) if len(found) > PAGE_SIZE else None
    return JournalPage(tuple(row for _place, row in shown), older)


def _checked(
    session: Session, wanted: JournalFilter, after: _Place | None, now: datetime
) -> Iterator[tuple[_Place, JournalRow]]:
    query = (
        select(LoginAttempt, Organiser.username, attempt_is_held(now))
        .outerjoin(Organiser, Organiser.id == LoginAttempt.organiser_id)
        .where(*_is_wanted(_CHECKED, wanted, after), *_has_outcome(wanted.outcome))
        .order_by(LoginAttempt.at.desc(), LoginAttempt.id.desc())
        .limit(PAGE_SIZE + 1)
    )
    for each, username, is_held in session.execute(query):
        row = JournalRow(
            each.at,
            username,
            ((outcome_of(each.verdict), 1),),
            each.ip,
            each.user_agent,
            is_minute=False,
            is_token=each.transport == TOKEN,
            is_held=is_held,
        )
        yield _Place(each.at, _CHECKED.number, each.id), row


def _has_outcome(outcome: LoginOutcome | None) -> Iterator[ColumnElement[bool]]:
    if outcome is None:
        return
    verdict = next((verdict for verdict in Verdict if outcome_of(verdict) is outcome), None)
    yield LoginAttempt.verdict == verdict
    if verdict not in {None, Verdict.GRANTED}:
        # In the words of the index: SQLite finds it by nothing else.
        yield literal_column("verdict") != literal_column("'granted'")


def _counted(
    session: Session, wanted: JournalFilter, after: _Place | None, now: datetime
) -> Iterator[tuple[_Place, JournalRow]]:
    counts = [column for outcome, column in _COLUMNS.items() if wanted.outcome in {None, outcome}]
    query = (
        select(RejectedAttempts, Organiser.username, rejection_is_held(now))
        .outerjoin(Organiser, Organiser.id == RejectedAttempts.organiser_id)
        .where(*_is_wanted(_COUNTED, wanted, after), or_(false(), *(column > 0 for column in counts)))
        .order_by(RejectedAttempts.minute.desc(), RejectedAttempts.id.desc())
        .limit(PAGE_SIZE + 1)
    )
    for each, username, is_held in session.execute(query):
        row = JournalRow(
            each.minute,
            username,
            _outcomes_of(each),
            each.network or None,
            None,
            is_minute=True,
            is_token=False,
            is_held=is_held,
        )
        yield _Place(each.minute, _COUNTED.number, each.id), row


def _outcomes_of(counted: RejectedAttempts) -> tuple[tuple[LoginOutcome, int], ...]:
    counts = {outcome: getattr(counted, column.key) for outcome, column in _COLUMNS.items()}
    return tuple((outcome, count) for outcome, count in counts.items() if count)


def _is_wanted(source: _Source, wanted: JournalFilter, after: _Place | None) -> Iterator[ColumnElement[bool]]:
    yield source.at >= wanted.start
    if wanted.end is not None:
        yield source.at < wanted.end
    if wanted.organiser_ids is not None:
        ids = wanted.organiser_ids
        yield source.organiser_id.in_(ids) if ids else source.organiser_id.is_(None)
    if wanted.network is not None:
        yield Overlaps(source.origin, wanted.network)
    if after is not None:
        yield source.at <= after.at
        yield or_(source.at < after.at, _is_after(source, after))


def _is_after(source: _Source, place: _Place) -> ColumnElement[bool]:
    """Selects rows of the same moment that come after that place."""
    if source.number == place.source:
        return source.id < place.id
    return true() if source.number < place.source else false()


def _written(place: _Place) -> str:
    return f"{(place.at - _EPOCH) // _MICROSECOND}-{place.source}-{place.id}"


def _parse_place(typed: str) -> _Place | None:
    """Returns the place that an address names; None if it names none."""
    found = _PLACE.fullmatch(typed)
    if found is None:
        return None
    moment, source, row_id = map(int, found.groups())
    return _Place(_EPOCH + moment * _MICROSECOND, source, row_id)
