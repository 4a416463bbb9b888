"""Keeps the journal of logins: each attempt is written before its check, and closed after it.

An attempt stays open if the service died during the check.  Attempts refused without a check are counted in
:mod:`authbridge.login.rejections`.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from authbridge.errors import StorageError
from authbridge.login.attempts import Arrival, Origin
from authbridge.login.held_rows import attempt_is_held, rejection_is_held
from authbridge.login.policy import Decision
from authbridge.storage import job_runs
from authbridge.storage.models import (
    LoginAttempt,
    Organiser,
    RejectedAttempts,
    table_of,
)
from authbridge.storage.prepared import Prepared
from authbridge.storage.statements import delete_some

_PURGE = "purge"
_WRITE_TEST = "write-test"
_AHEAD = timedelta(days=1)  # more than the clocks of two services may differ
_PROVEN = timedelta(
    days=3
)  # a clock that is wrong for longer has been noticed: no code of a second factor fits

_attempts, _organisers = table_of(LoginAttempt), table_of(Organiser)
_WRITE = Prepared(
    insert(_attempts)
    .values({column.name: bindparam(column.name) for column in _attempts.c if not column.primary_key})
    .returning(_attempts.c.id)
)
_CLOSE = Prepared(
    update(_attempts)
    .where(_attempts.c.id == bindparam("attempt_id"))
    .values(verdict=bindparam("verdict"), reason=bindparam("reason"), closed_at=bindparam("closed_at"))
)
_OLDEST = Prepared(
    select(_attempts.c.at).where(~attempt_is_held(bindparam("now"))).order_by(_attempts.c.at).limit(1)
)
_DISCARD = Prepared(delete(_attempts).where(_attempts.c.id == bindparam("attempt_id")))
_DATE_LOGIN = Prepared(
    update(_organisers)
    .where(_organisers.c.id == bindparam("organiser_id"))
    .values(last_login_on=bindparam("last_login_on"))
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An attempt as the journal has it: of an organiser, or of an unknown username, as a keyed hash."""

    arrival: Arrival
    origin: Origin
    organiser_id: int | None
    unknown_name: str | None


def open_attempt(connection: Connection, entry: Entry) -> int:
    """Writes an attempt without a verdict; returns its id."""
    return _write(connection, entry, verdict=None, reason=None, closed_at=None)


def write_attempt(connection: Connection, entry: Entry, decision: Decision, *, now: datetime) -> None:
    """Writes an attempt with its verdict, where nothing had to be hashed."""
    _write(connection, entry, verdict=decision.verdict.value, reason=decision.reason.value, closed_at=now)


def _write(connection: Connection, entry: Entry, **outcome: object) -> int:
    row = _WRITE.run(
        connection,
        at=entry.arrival.at,
        request_id=entry.origin.request_id,
        organiser_id=entry.organiser_id,
        unknown_name=entry.unknown_name,
        ip=None if entry.arrival.ip is None else str(entry.arrival.ip),
        user_agent=entry.arrival.user_agent,
        transport=entry.origin.transport,
        node=entry.origin.node,
        **outcome,
    )
    if row is None:
        message = "The attempt was not written."
        raise StorageError(message)
    return int(row[0])


def close_attempt(connection: Connection, attempt_id: int, decision: Decision, *, now: datetime) -> None:
    """Writes the verdict to the attempt."""
    _CLOSE.run(
        connection,
        attempt_id=attempt_id,
        verdict=decision.verdict.value,
        reason=decision.reason.value,
        closed_at=now,
    )


def discard_attempt(connection: Connection, attempt_id: int) -> None:
    """Deletes an attempt that was nobody's: the program's own, which has proved that it can be written."""
    _DISCARD.run(connection, attempt_id=attempt_id)


def date_login(connection: Connection, organiser_id: int, day: date) -> None:
    """Notes the day (not the time) of an organiser's last login."""
    _DATE_LOGIN.run(connection, organiser_id=organiser_id, last_login_on=day)


def purge_batch(session: Session, *, now: datetime, retention: timedelta) -> bool:
    """Deletes some of the logins that are too old; returns whether there may be more.

    Those that are held for an incident stay.  So do those of tomorrow, until it is proven that the clock
    which wrote them was wrong, and not this one.
    """
    is_full = [
        delete_some(session, rows, and_(_is_out(rows, moment, now, retention), ~is_held(now)))
        for rows, moment, is_held in (
            (LoginAttempt.id, LoginAttempt.at, attempt_is_held),
            (RejectedAttempts.id, RejectedAttempts.minute, rejection_is_held),
        )
    ]
    return any(is_full)


def _is_out(
    rows: InstrumentedAttribute[int],
    moment: InstrumentedAttribute[datetime],
    now: datetime,
    retention: timedelta,
) -> ColumnElement[bool]:
    """Tells whether a row is too old, or of a time to come and older than one that is days old by this clock.

    A clock that is behind, as after a start without a time server, would else delete the whole journal.
    """
    written_later = select(rows).where(moment < now - _PROVEN).order_by(moment.desc()).limit(1)
    is_of_tomorrow = and_(moment > now + _AHEAD, rows < written_later.scalar_subquery())
    return or_(moment < now - retention, is_of_tomorrow)


def mark_purged(session: Session, *, now: datetime) -> None:
    """Notes that everything too old is gone."""
    job_runs.note_done(session, _PURGE, now=now)


def last_purge(session: Session) -> datetime | None:
    """Returns when everything too old was last deleted."""
    return job_runs.last_done(session, _PURGE)


def oldest_attempt(connection: Connection, *, now: datetime) -> datetime | None:
    """Returns the moment of the oldest login in the journal that is not held for an incident."""
    row = _OLDEST.run(connection, now=now)
    return None if row is None else row[0]


def touch(session: Session, *, now: datetime) -> None:
    """Writes one row, as proof that storage can be written."""
    job_runs.note_done(session, _WRITE_TEST, now=now)
