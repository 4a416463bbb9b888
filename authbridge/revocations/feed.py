"""Holds the feed of revocations: which changes every Prosody server is notified of, in which order.

Only effective changes are published: a suspended school appears as its organisers, and an organiser who is
suspended already appears no second time.  Each publishing function writes in the transaction of its command.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from authbridge.errors import StorageError
from authbridge.revocations import change_signal
from authbridge.storage.models import (
    Organiser,
    Revocation,
    RevocationAction,
    RevocationFeed,
    School,
    Suspension,
    table_of,
)
from authbridge.storage.prepared import Prepared
from authbridge.storage.statements import UNSYNCHRONISED
from authbridge.storage.timeline import Timeline

KEPT = timedelta(days=7)  # jicofo forgets a login that is not used for a day

_EPOCH_BYTES = 16
MOST_EVENTS = 500  # of one answer; the next question gets the rest
_PURGED_AT_ONCE = 500  # rows a transaction: a login waits for the writer before it

ENDING = (RevocationAction.SUSPEND, RevocationAction.END_SESSIONS)
"""The actions that end something."""

_feed = table_of(RevocationFeed)
# A standby that becomes the database may lack the last events, and gives their ids to others.  With the line
# of its history another epoch begins, and every node takes a snapshot.
_EPOCH = _feed.c.epoch + Timeline()
# Runs after the commit of every login; see :mod:`authbridge.revocations.long_polls`.
_POSITION = Prepared(select(_EPOCH, _feed.c.last_id))
_BOUNDS = Prepared(select(_feed.c.purged_to, _feed.c.last_id))


@dataclass(frozen=True, slots=True)
class Event:
    """One revocation, as nodes read it."""

    id: int
    username: str
    action: RevocationAction


@dataclass(frozen=True, slots=True)
class AccessState:
    """An organiser who is suspended, or whose sessions from before a moment of this week are ended."""

    username: str
    suspended: bool
    sessions_end_before: datetime | None


@dataclass(frozen=True, slots=True)
class Events:
    """The events after the cursor of the question; ``cursor`` is the id of the last of them."""

    epoch: str
    cursor: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole state at ``cursor``, for a node that cannot go on from where it was.

    ``at`` is the present moment: by it a node whose clock differs reads the moments in ``states``.
    """

    epoch: str
    cursor: int
    states: tuple[AccessState, ...]
    at: datetime


def publish_suspension(
    session: Session, suspension: Suspension, action: RevocationAction, *, now: datetime
) -> None:
    """Publishes that a suspension began or ended, for each organiser whose access that changes.

    It changes nothing for organisers who are suspended otherwise: themselves, or with their school.
    """
    feed = _lock_feed(session)
    is_affected = (
        and_(Organiser.id == suspension.organiser_id, School.suspended_at.is_(None))
        if suspension.school_id is None
        else and_(School.id == suspension.school_id, Organiser.suspended_at.is_(None))
    )
    query = select(Organiser.username).join(Organiser.school).where(is_affected).order_by(Organiser.username)
    _append(session, feed, dict.fromkeys(session.scalars(query), suspension.id), action, now)


def publish_suspensions(
    session: Session, suspensions: Sequence[Suspension], action: RevocationAction, *, now: datetime
) -> None:
    """Publishes likewise that suspensions of many organisers began or ended at once."""
    feed = _lock_feed(session)
    query = (
        select(Organiser.username, Suspension.id)
        .join(Suspension, Suspension.organiser_id == Organiser.id)
        .join(Organiser.school)
        .where(Suspension.id.in_([each.id for each in suspensions]), School.suspended_at.is_(None))
        .order_by(Organiser.username)
    )
    _append(session, feed, dict(iter(session.execute(query))), action, now)


def publish_ends_of_sessions(
    session: Session, organisers: Sequence[Organiser], *, now: datetime
) -> tuple[str, ...]:
    """Publishes that all sessions of many organisers end; returns those whom no suspension has logged out."""
    feed = _lock_feed(session)
    query = (
        select(Organiser.username)
        .join(Organiser.school)
        .where(
            Organiser.id.in_([each.id for each in organisers]),
            Organiser.suspended_at.is_(None),
            School.suspended_at.is_(None),
        )
        .order_by(Organiser.username)
    )
    usernames = tuple(session.scalars(query))
    _append(session, feed, dict.fromkeys(usernames), RevocationAction.END_SESSIONS, now)
    return usernames


def publish_end_of_sessions(session: Session, organiser: Organiser, *, now: datetime) -> bool:
    """Publishes that all sessions of an organiser end; returns False where a suspension has ended them."""
    feed = _lock_feed(session)
    if _is_suspended(session, organiser):
        return False
    _append(session, feed, {organiser.username: None}, RevocationAction.END_SESSIONS, now)
    return True


def publish_deletion(session: Session, organiser: Organiser, *, now: datetime) -> None:
    """Publishes that an organiser is gone: their sessions end, or else their suspension does.

    The name may be imported anew, and the new organiser of that name must not be suspended.
    """
    feed = _lock_feed(session)
    action = (
        RevocationAction.REINSTATE if _is_suspended(session, organiser) else RevocationAction.END_SESSIONS
    )
    _append(session, feed, {organiser.username: None}, action, now)


def restart(session: Session, *, after: int, ended: Sequence[str], now: datetime) -> None:
    """Begins a new epoch, so that every node takes a snapshot; ends all sessions of these usernames.

    The ids go on after the present ones and ``after``, the last id of a database that took this one's place.
    """
    feed = _lock_feed(session)
    feed.last_id = max(feed.last_id, after)
    _append(session, feed, dict.fromkeys(ended), RevocationAction.END_SESSIONS, now)
    session.flush()
    session.execute(
        update(RevocationFeed).values(epoch=secrets.token_hex(_EPOCH_BYTES)), execution_options=UNSYNCHRONISED
    )
    change_signal.notify(session)


def _lock_feed(session: Session) -> RevocationFeed:
    """Keeps other transactions from publishing until this one ends.

    Without it, two transactions that suspend a school and one of its organisers would not see each other, and
    both would publish that organiser.  So the effective changes are read after this lock, and from the
    database: the session's objects may be older.  It is the last lock of every command (the session writes
    what it holds before it), or two commands could wait for each other for ever.
    """
    query = select(RevocationFeed).with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one()


def _is_suspended(session: Session, organiser: Organiser) -> bool:
    query = select(School.suspended_at).where(School.id == organiser.school_id)
    return organiser.suspended_at is not None or session.scalar(query) is not None


def _append(
    session: Session,
    feed: RevocationFeed,
    suspension_ids: Mapping[str, int | None],
    action: RevocationAction,
    now: datetime,
) -> None:
    """Appends a revocation for each username, with the suspension that it is about."""
    if not suspension_ids:
        return
    session.add_all(
        Revocation(id=number, username=username, action=action, at=now, suspension_id=suspension_id)
        for number, (username, suspension_id) in enumerate(suspension_ids.items(), feed.last_id + 1)
    )
    feed.last_id += len(suspension_ids)
    change_signal.notify(session)


def position(connection: Connection) -> tuple[str, int]:
    """Returns the epoch and the last id: they change with everything that is published.

    Raises:
        StorageError: The feed has lost its one row.
    """
    epoch, last_id = _row_of_feed(connection, _POSITION)
    return epoch, last_id


def bounds(connection: Connection) -> tuple[int, int]:
    """Returns the last id that is purged, and the last id.

    Raises:
        StorageError: The feed has lost its one row.
    """
    purged_to, last_id = _row_of_feed(connection, _BOUNDS)
    return purged_to, last_id


def _row_of_feed(connection: Connection, columns: Prepared) -> tuple[Any, ...]:
    row = columns.run(connection)
    if row is None:
        raise StorageError("The feed of revocations has lost its position.")
    return row


def read(session: Session, epoch: str | None, cursor: int, *, now: datetime) -> Events | Snapshot:
    """Returns the events after the node's cursor (perhaps none), or a snapshot.

    A node gets a snapshot if it follows another epoch, or none (None), or if its cursor is purged or unknown.
    """
    # The events before the feed's row: otherwise events that are purged in between would be left out
    # although the row still has them.
    events = _events_after(session, cursor)
    present, last_id, purged_to = session.execute(select(_EPOCH, _feed.c.last_id, _feed.c.purged_to)).one()
    if epoch == present and purged_to <= cursor <= last_id:
        return Events(present, events[-1].id if events else cursor, events)
    # The position before the states: a change in between is published once more instead of never.
    return Snapshot(present, last_id, _access_states(session, now), now)


def _events_after(session: Session, cursor: int) -> tuple[Event, ...]:
    query = (
        select(Revocation.id, Revocation.username, Revocation.action)
        .where(Revocation.id > cursor)
        .order_by(Revocation.id)
        .limit(MOST_EVENTS)
    )
    return tuple(Event(id_, name, RevocationAction(action)) for id_, name, action in session.execute(query))


def _access_states(session: Session, now: datetime) -> tuple[AccessState, ...]:
    suspended = set(
        session.scalars(
            select(Organiser.username)
            .join(Organiser.school)
            .where(or_(Organiser.suspended_at.is_not(None), School.suspended_at.is_not(None)))
        )
    )
    # Includes organisers who were reinstated or deleted since: sessions from before must not come back.
    query = (
        select(Revocation.username, func.max(Revocation.at))
        .where(Revocation.action.in_(ENDING), Revocation.at >= now - KEPT)
        .group_by(Revocation.username)
    )
    ended = {row[0]: row[1] for row in session.execute(query)}
    return tuple(
        AccessState(username, suspended=username in suspended, sessions_end_before=ended.get(username))
        for username in sorted(suspended | ended.keys())
    )


def purge_batch(session: Session, *, now: datetime) -> bool:
    """Deletes some of the revocations that are older than a week; returns whether there may be more."""
    some = select(Revocation.id).where(Revocation.at < now - KEPT).limit(_PURGED_AT_ONCE)
    query = delete(Revocation).where(Revocation.id.in_(some)).returning(Revocation.id)
    gone = session.scalars(query, execution_options=UNSYNCHRONISED).all()
    if gone:
        query_of_feed = update(RevocationFeed).where(RevocationFeed.purged_to < max(gone))
        session.execute(query_of_feed.values(purged_to=max(gone)), execution_options=UNSYNCHRONISED)
    return len(gone) == _PURGED_AT_ONCE
