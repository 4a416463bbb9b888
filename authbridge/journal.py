"""The journal of logins: each attempt is written down before it is checked, and closed after.

An attempt that stays open is one during which the service died.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from authbridge.errors import StorageError
from authbridge.models import AuditEvent, Chore, LoginAttempt, Organiser, Suspension, table_of
from authbridge.policy import Attempt, Decision
from authbridge.prepared import Prepared

_AUDIT_KEPT = timedelta(days=365)
_NOTE_KEPT = timedelta(days=90)  # after the end of the suspension
_BATCH = 500  # rows a transaction: a login waits for the writer before it
_PURGE = "purge"
_WRITE_TEST = "write-test"


@dataclass(frozen=True, slots=True)
class Origin:
    """How a login reached us: the module's own id for it, the kind of connection, and which Prosody."""

    request_id: str
    transport: str
    node: str


def unknown_name_key(secret_key: bytes, username: str) -> str:
    """What is kept of a name that is nobody's: 128 bits of a keyed hash."""
    digest = hmac.new(secret_key, b"unknown-name\0" + username.encode("utf-8", "replace"), hashlib.sha256)
    return digest.hexdigest()[:32]


_attempts, _organisers = table_of(LoginAttempt), table_of(Organiser)
_OPEN = Prepared(
    insert(_attempts)
    .values(
        at=bindparam("at"),
        request_id=bindparam("request_id"),
        organiser_id=bindparam("organiser_id"),
        unknown_name=bindparam("unknown_name"),
        ip=bindparam("ip"),
        user_agent=bindparam("user_agent"),
        transport=bindparam("transport"),
        node=bindparam("node"),
    )
    .returning(_attempts.c.id)
)
_CLOSE = Prepared(
    update(_attempts)
    .where(_attempts.c.id == bindparam("attempt_id"))
    .values(verdict=bindparam("verdict"), reason=bindparam("reason"), closed_at=bindparam("closed_at"))
)
_DATE_LOGIN = Prepared(
    update(_organisers)
    .where(_organisers.c.id == bindparam("organiser_id"))
    .values(last_login_on=bindparam("last_login_on"))
)


def open_attempt(
    connection: Connection,
    attempt: Attempt,
    origin: Origin,
    *,
    organiser_id: int | None,
    unknown_name: str | None,
) -> int:
    """Writes the attempt down, yet without a verdict; returns its id."""
    row = _OPEN.run(
        connection,
        at=attempt.at,
        request_id=origin.request_id,
        organiser_id=organiser_id,
        unknown_name=unknown_name,
        ip=attempt.ip,
        user_agent=attempt.user_agent,
        transport=origin.transport,
        node=origin.node,
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


def date_login(connection: Connection, organiser_id: int, day: date) -> None:
    """Notes the day of an organiser's last login, and nothing finer."""
    _DATE_LOGIN.run(connection, organiser_id=organiser_id, last_login_on=day)


def purge_batch(session: Session, *, now: datetime, retention: timedelta) -> bool:
    """Deletes some of what is too old; returns whether there may be more."""
    old = select(LoginAttempt.id).where(LoginAttempt.at < now - retention).limit(_BATCH)
    forgotten = delete(AuditEvent).where(AuditEvent.at < now - _AUDIT_KEPT)
    silenced = update(Suspension).where(Suspension.until < now - _NOTE_KEPT).values(note=None)
    unsynchronised = {"synchronize_session": False}
    deleted = session.execute(
        delete(LoginAttempt).where(LoginAttempt.id.in_(old)).returning(LoginAttempt.id),
        execution_options=unsynchronised,
    ).all()
    session.execute(forgotten, execution_options=unsynchronised)
    session.execute(silenced, execution_options=unsynchronised)
    return len(deleted) == _BATCH


def mark_purged(session: Session, *, now: datetime) -> None:
    """Notes that everything too old is gone."""
    session.merge(Chore(name=_PURGE, done_at=now))


def last_purge(session: Session) -> datetime | None:
    """When everything too old was last deleted."""
    return session.scalar(select(Chore.done_at).where(Chore.name == _PURGE))


def touch(session: Session, *, now: datetime) -> None:
    """Writes something harmless: the proof that storage can be written."""
    session.merge(Chore(name=_WRITE_TEST, done_at=now))
