"""Keeps the sessions of the panel: their owner, their stage, and their end.

The browser has a token, ``<id>.<secret>`` with 256 random bits each, the database hashes.  A session ends
some time after its last use (a setting, an hour unless set: NIST SP 800-63B-4, 2.2.3), 10 hours after its
beginning (OWASP ASVS 5.0 7.3), and at once when a person ends it or suspends its owner.  Each step forward is
a new session with a new id; a second factor that is shown again, and a new password, give it a new secret.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from authbridge.audit import Actor
from authbridge.config import PANEL_IDLE_MINUTES
from authbridge.errors import ConflictError
from authbridge.login.staff_names import staff_actor
from authbridge.staff import totp
from authbridge.staff.encryption import StaffEncryption
from authbridge.storage.models import Invitation, Role, SessionStage, Staff, StaffSession
from authbridge.storage.statements import UNSYNCHRONISED, delete_some

Notice = dict[str, Any]

FRESH = timedelta(minutes=10)  # since the second factor was shown, for what changes staff
_AT_MOST = {
    SessionStage.ENROLLING: timedelta(hours=1),  # somebody has to find an app for the second factor
    SessionStage.PASSWORD: timedelta(minutes=15),  # somebody has to find the phone
    SessionStage.SIGNED_IN: timedelta(hours=10),
}
_GIVEN_BACK = timedelta(hours=1)  # after the end, a form that was being filled in
KEPT = _AT_MOST[SessionStage.SIGNED_IN] + _GIVEN_BACK  # since the beginning, at the longest
_AHEAD = timedelta(minutes=5)  # more than a clock that a time server keeps is set back
_TOUCH = timedelta(seconds=30)  # between two notes that a session is used

_LONGEST_IDLE = timedelta(minutes=PANEL_IDLE_MINUTES[-1])

_TOKEN_BYTES = 32
_LONGEST_USER_AGENT = 256
_ID_DIGITS = 16  # of the hash, in a URL: which session of one's own is meant
_MOST_NOTICES = 10


@dataclass(frozen=True, slots=True)
class PanelSession:
    """A session that is in order, with its owner as they are at this moment; ``idle`` ends it without use."""

    id: str = field(repr=False)
    id_hash: str = field(repr=False)
    staff_id: int
    name: str
    role: Role
    stage: SessionStage
    started_at: datetime
    seen_at: datetime
    factor_at: datetime | None
    idle: timedelta
    notices: tuple[Notice, ...] = ()

    @property
    def actor(self) -> Actor:
        """Returns the actor for the audit."""
        return Actor(staff_actor(self.name))

    @property
    def ends_at(self) -> datetime:
        """Returns the moment at which it ends if it is not used any more."""
        return _end_of(self.seen_at, self.started_at, self.stage, self.idle)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its owner sees it in the list; ``id`` names it in a URL and opens nothing."""

    id: str
    started_at: datetime
    seen_at: datetime
    user_agent: str | None
    is_this: bool


def _end_of(seen_at: datetime, started_at: datetime, stage: SessionStage, idle: timedelta) -> datetime:
    return min(seen_at + idle, started_at + _AT_MOST[stage])


def _is_alive(row: StaffSession, idle: timedelta, now: datetime) -> bool:
    """Tells whether it has not ended; one of a time to come was begun while the clock was ahead."""
    ends_at = _end_of(row.seen_at, row.started_at, SessionStage(row.stage), idle)
    return row.started_at <= now + _AHEAD and now < ends_at


def open_session(
    session: Session, staff_id: int, *, stage: SessionStage, user_agent: str | None, now: datetime
) -> str:
    """Begins a session; returns the token that the browser keeps."""
    session_id = _random()
    token = _new_token(session_id)
    session.add(
        StaffSession(
            id_hash=_hash(session_id),
            token_hash=_hash(token),
            staff_id=staff_id,
            stage=stage,
            started_at=now,
            seen_at=now,
            factor_at=now if stage is SessionStage.SIGNED_IN else None,
            user_agent=None if user_agent is None else user_agent.replace("\0", "")[:_LONGEST_USER_AGENT],
            notices=[],
        )
    )
    session.flush()
    return token


def find(session: Session, token: str, *, idle: timedelta, now: datetime) -> PanelSession | None:
    """Finds the session of that token; None if it has ended or its owner is suspended."""
    row = session.execute(
        select(StaffSession, Staff.name, Staff.role)
        .join(Staff, Staff.id == StaffSession.staff_id)
        .where(StaffSession.id_hash == _hash(id_of(token)), Staff.suspended_at.is_(None))
    ).one_or_none()
    if row is None or not _has(row[0], token):
        return None
    found, name, role = row
    panel_session = PanelSession(
        id=id_of(token),
        id_hash=found.id_hash,
        staff_id=found.staff_id,
        name=name,
        role=Role(role),
        stage=SessionStage(found.stage),
        started_at=found.started_at,
        seen_at=found.seen_at,
        factor_at=found.factor_at,
        idle=idle,
        notices=tuple(found.notices),
    )
    return panel_session if _is_alive(found, idle, now) else None


def alive(session: Session, id_hashes: Collection[str], *, idle: timedelta, now: datetime) -> set[str]:
    """Returns those of these sessions that are in order, by the hashes of their ids."""
    rows = session.scalars(
        select(StaffSession)
        .join(Staff, Staff.id == StaffSession.staff_id)
        .where(StaffSession.id_hash.in_(id_hashes), Staff.suspended_at.is_(None))
    )
    return {row.id_hash for row in rows if _is_alive(row, idle, now)}


def expired_owner(session: Session, token: str, *, idle: timedelta, now: datetime) -> str | None:
    """Returns whose signed-in session ended by itself within the last hour, by name; else None."""
    row = session.get(StaffSession, _hash(id_of(token)))
    if row is None or not _has(row, token) or row.stage != SessionStage.SIGNED_IN:
        return None
    ended_at = _end_of(row.seen_at, row.started_at, SessionStage.SIGNED_IN, idle)
    if not ended_at <= now < ended_at + _GIVEN_BACK:
        return None
    return session.scalar(select(Staff.name).where(Staff.id == row.staff_id))


def is_fresh(panel_session: PanelSession | StaffSession, now: datetime) -> bool:
    """Tells whether the second factor was shown just now."""
    return panel_session.factor_at is not None and now < panel_session.factor_at + FRESH


def needs_touch(panel_session: PanelSession, now: datetime) -> bool:
    """Tells whether it is time to note that the session is used; a write for every page would be too much."""
    return now - panel_session.seen_at >= _TOUCH


def touch(session: Session, panel_session: PanelSession, *, now: datetime) -> PanelSession:
    """Notes that the session is used, unless it was ended meanwhile."""
    session.execute(
        update(StaffSession).where(StaffSession.id_hash == panel_session.id_hash).values(seen_at=now),
        execution_options=UNSYNCHRONISED,
    )
    return replace(panel_session, seen_at=now)


def find_row(session: Session, panel_session: PanelSession) -> StaffSession | None:
    """Finds and locks the session's row: no other transaction ends it meanwhile; None if it has ended."""
    return session.get(StaffSession, panel_session.id_hash, with_for_update=True)


def hold(session: Session, panel_session: PanelSession) -> StaffSession:
    """Finds the session's row like :func:`find_row`.

    Raises:
        ConflictError: The session has ended.
    """
    row = find_row(session, panel_session)
    if row is None:
        raise ConflictError("Your session has ended. Please sign in again.")
    return row


def rotate(session: Session, panel_session: PanelSession, stage: SessionStage, *, now: datetime) -> str:
    """Replaces this session by a new one at that stage; returns the new token.

    Raises:
        ConflictError: The session has ended.
    """
    row = hold(session, panel_session)
    session.delete(row)
    return open_session(session, row.staff_id, stage=stage, user_agent=row.user_agent, now=now)


def mark_factor(session: Session, panel_session: PanelSession, *, now: datetime) -> str:
    """Notes that the second factor was shown again; returns the new token.

    Raises:
        ConflictError: The session has ended.
    """
    hold(session, panel_session).factor_at = now
    return renew_token(session, panel_session)


def renew_token(session: Session, panel_session: PanelSession) -> str:
    """Voids the token, and a copy of it; returns the new one of the same session.

    Raises:
        ConflictError: The session has ended.
    """
    token = _new_token(panel_session.id)
    hold(session, panel_session).token_hash = _hash(token)
    return token


def pending_secret(session: Session, panel_session: PanelSession, encryption: StaffEncryption) -> str:
    """Returns the second factor that this session is about to set up: one for the whole session.

    Raises:
        ConflictError: The session has ended.
    """
    row = hold(session, panel_session)
    if row.pending_secret is None:
        row.pending_secret = encryption.seal(totp.new_secret())
    return encryption.unseal(row.pending_secret)


def add_notice(session: Session, panel_session: PanelSession, notice: Notice) -> None:
    """Adds a notice for the next page; ``notice`` is plain JSON without secrets."""
    row = find_row(session, panel_session)
    if row is not None:
        row.notices = [*row.notices, notice][-_MOST_NOTICES:]


def take_notices(session: Session, panel_session: PanelSession) -> list[Notice]:
    """Returns the notices for this page, and forgets them."""
    row = find_row(session, panel_session)
    if row is None:
        return []
    taken, row.notices = row.notices, []
    return taken


def list_sessions(session: Session, panel_session: PanelSession, *, now: datetime) -> list[SessionRow]:
    """Lists the sessions of this session's owner that are signed in, latest first."""
    rows = session.scalars(
        select(StaffSession)
        .where(
            StaffSession.staff_id == panel_session.staff_id,
            StaffSession.stage == SessionStage.SIGNED_IN,
            StaffSession.seen_at > now - panel_session.idle,
            StaffSession.started_at > now - _AT_MOST[SessionStage.SIGNED_IN],
        )
        .order_by(StaffSession.started_at.desc())
    )
    return [
        SessionRow(
            row.id_hash[:_ID_DIGITS],
            row.started_at,
            row.seen_at,
            row.user_agent,
            is_this=row.id_hash == panel_session.id_hash,
        )
        for row in rows
    ]


def end(session: Session, panel_session: PanelSession) -> None:
    """Ends the session: its owner signs out."""
    _end(session, StaffSession.id_hash == panel_session.id_hash)


def end_one(session: Session, panel_session: PanelSession, public_id: str) -> bool:
    """Ends one of the owner's sessions, named as in the list; returns whether there was one."""
    is_meant = StaffSession.id_hash.startswith(public_id, autoescape=True)
    return len(public_id) == _ID_DIGITS and _end(
        session, and_(StaffSession.staff_id == panel_session.staff_id, is_meant)
    )


def end_all(session: Session, staff_id: int, *, but: PanelSession | None = None) -> bool:
    """Ends the sessions of a member of staff, all ``but`` one; returns whether there was any."""
    is_other = StaffSession.id_hash != ("" if but is None else but.id_hash)
    return _end(session, and_(StaffSession.staff_id == staff_id, is_other))


def purge_batch(session: Session, *, now: datetime) -> bool:
    """Deletes some of the sessions and invitations that are over; returns whether there may be more."""
    is_old = or_(
        StaffSession.seen_at <= now - _GIVEN_BACK - _LONGEST_IDLE,
        StaffSession.started_at <= now - KEPT,
        StaffSession.started_at > now + _AHEAD,
    )
    is_full = [
        delete_some(session, StaffSession.id_hash, is_old),
        delete_some(session, Invitation.staff_id, Invitation.expires_at <= now),
    ]
    return any(is_full)


def _end(session: Session, which: ColumnElement[bool]) -> bool:
    result = session.execute(delete(StaffSession).where(which), execution_options=UNSYNCHRONISED)
    assert isinstance(result, CursorResult)  # noqa: S101 - as of every DELETE
    return result.rowcount > 0


def id_of(token: str) -> str:
    """Returns the id of the token's session: it stays as long as the session does, and opens nothing."""
    return token.partition(".")[0]


def _new_token(session_id: str) -> str:
    return f"{session_id}.{_random()}"


def _random() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


def _has(row: StaffSession, token: str) -> bool:
    return hmac.compare_digest(row.token_hash, _hash(token))


def _hash(token: str) -> str:
    # 256 random bits need neither salt nor a slow hash.
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
