"""The feed of revocations: what every Prosody is told of suspensions, and what it says it has carried out.

Only effective changes are told: a suspended school appears as its organisers, and who is suspended already is
told of no second time.  Everything is written in the transaction of the command itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, CursorResult, delete, func, literal, or_, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from authbridge.errors import StorageError
from authbridge.revocations import change_signal
from authbridge.storage.models import (
    Organiser,
    ProsodyNode,
    Revocation,
    RevocationAction,
    RevocationDone,
    RevocationFeed,
    School,
    UtcDateTime,
    table_of,
)
from authbridge.storage.prepared import Prepared
from authbridge.storage.statements import UNSYNCHRONISED, upsert

KEPT = timedelta(days=7)  # jicofo forgets a login that is not used for a day

MOST_EVENTS = 500  # of one answer; the next question gets the rest
_PURGED_AT_ONCE = 500  # rows a transaction: a login waits for the writer before it
_SILENT = timedelta(hours=1)  # without a question, after which nobody needs to know what ran there

_ENDING = (RevocationAction.SUSPEND, RevocationAction.END_SESSIONS)

_done, _feed, _nodes = table_of(RevocationDone), table_of(RevocationFeed), table_of(ProsodyNode)
# The first report counts: a node that carries something out once more finds nothing left to end.
# A later one may only settle what was waiting; see :func:`_settle`.
_COUNT = upsert(
    _done,
    key=("revocation_id", "node"),
    changed=("sessions", "meetings", "logins", "waiting"),
    where=_done.c.sessions.is_(None),
)
# Asked after every login's commit; see :mod:`authbridge.revocations.long_polls`.
_POSITION = Prepared(select(_feed.c.epoch, _feed.c.last_id))
_SEE = upsert(_nodes, key=("node",), changed=("last_seen_at", "meetings"))
_SEE_AT = upsert(_nodes, key=("node",), changed=("cursor", "last_seen_at", "meetings"))


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What a node ended when it carried out the revocation of that id.

    ``waiting`` remembered logins are still to be deleted: jicofo has not confirmed it yet.  A later report of
    the same id says how many are left.
    """

    id: int
    sessions: int
    meetings: int
    logins: int
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """A node that asks; it has carried out everything up to ``cursor`` of that ``epoch`` (None: nothing).

    ``meetings`` are all that run there now, by the organiser who started them; "" stands for several.
    """

    node: str
    epoch: str | None
    cursor: int
    reports: tuple[NodeReport, ...] = ()
    meetings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One revocation, as it is told."""

    id: int
    username: str
    action: RevocationAction


@dataclass(frozen=True, slots=True)
class AccessState:
    """Somebody who is suspended, or whose sessions from before a moment of this week are ended."""

    username: str
    suspended: bool
    sessions_end_before: datetime | None


@dataclass(frozen=True, slots=True)
class Events:
    """What came after the cursor that was asked with; ``cursor`` is that of the last of them."""

    epoch: str
    cursor: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How everything stands, for a node that cannot go on from where it was."""

    epoch: str
    cursor: int
    states: tuple[AccessState, ...]


def tell_of_organiser(
    session: Session, organiser: Organiser, action: RevocationAction, *, now: datetime
) -> None:
    """His own suspension began or ended; nothing is told as long as his school is suspended."""
    feed = _take_turn(session)
    if not _is_school_suspended(session, organiser):
        _tell(session, feed, [organiser.username], action, now)


def tell_of_school(session: Session, school: School, action: RevocationAction, *, now: datetime) -> None:
    """The school's suspension began or ended, and with it that of all who are not suspended themselves."""
    feed = _take_turn(session)
    query = (
        select(Organiser.username)
        .where(Organiser.school_id == school.id, Organiser.suspended_at.is_(None))
        .order_by(Organiser.username)
    )
    _tell(session, feed, session.scalars(query).all(), action, now)


def tell_end_of_sessions(session: Session, organiser: Organiser, *, now: datetime) -> bool:
    """All his sessions are to end; returns False where that was told already, by a suspension."""
    feed = _take_turn(session)
    if _is_suspended(session, organiser):
        return False
    _tell(session, feed, [organiser.username], RevocationAction.END_SESSIONS, now)
    return True


def tell_of_deletion(session: Session, organiser: Organiser, *, now: datetime) -> None:
    """He was deleted: his sessions end, or else his suspension does.

    The name may be imported anew, and nobody may find it suspended then.
    """
    feed = _take_turn(session)
    action = (
        RevocationAction.REINSTATE if _is_suspended(session, organiser) else RevocationAction.END_SESSIONS
    )
    _tell(session, feed, [organiser.username], action, now)


def _take_turn(session: Session) -> RevocationFeed:
    """Keeps others from telling anything until this transaction ends.

    Whoever suspends a school and one of its organisers at the same time must see each other, so what is
    effective is asked after this, and of the database: what the session holds may be older.  It is the last
    lock of a command (what the session has not written yet goes first), or two commands wait for each other.
    """
    query = select(RevocationFeed).with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one()


def _is_school_suspended(session: Session, organiser: Organiser) -> bool:
    return session.scalar(select(School.suspended_at).where(School.id == organiser.school_id)) is not None


def _is_suspended(session: Session, organiser: Organiser) -> bool:
    return organiser.suspended_at is not None or _is_school_suspended(session, organiser)


def _tell(
    session: Session, feed: RevocationFeed, usernames: Sequence[str], action: RevocationAction, now: datetime
) -> None:
    if not usernames:
        return
    session.add_all(
        Revocation(id=number, username=username, action=action, at=now)
        for number, username in enumerate(usernames, feed.last_id + 1)
    )
    feed.last_id += len(usernames)
    change_signal.notify(session)


def position(connection: Connection) -> tuple[str, int]:
    """The epoch and the last id: they change with whatever is told."""
    row = _POSITION.run(connection)
    if row is None:
        raise StorageError("The feed of revocations has lost its position.")
    epoch, last_id = row
    return epoch, last_id


def read(session: Session, contact: Contact, *, now: datetime) -> Events | Snapshot:
    """What a node is to be told that stands there; no events if nothing is new."""
    # The events first: what is purged or told meanwhile is then seen in the feed's row.
    query = (
        select(Revocation.id, Revocation.username, Revocation.action)
        .where(Revocation.id > contact.cursor)
        .order_by(Revocation.id)
        .limit(MOST_EVENTS)
    )
    events = tuple(Event(id_, name, RevocationAction(action)) for id_, name, action in session.execute(query))
    feed = session.execute(
        select(RevocationFeed.epoch, RevocationFeed.last_id, RevocationFeed.purged_to)
    ).one()
    if contact.epoch == feed.epoch and feed.purged_to <= contact.cursor <= feed.last_id:
        return Events(feed.epoch, events[-1].id if events else contact.cursor, events)
    # The position before the state: what is told in between is told once more, and nothing is left out.
    return Snapshot(feed.epoch, feed.last_id, _access_states(session, now))


def _access_states(session: Session, now: datetime) -> tuple[AccessState, ...]:
    suspended = set(
        session.scalars(
            select(Organiser.username)
            .join(Organiser.school)
            .where(or_(Organiser.suspended_at.is_not(None), School.suspended_at.is_not(None)))
        )
    )
    # Also of those who were reinstated or deleted since: what ran before the moment is not to come back.
    query = (
        select(Revocation.username, func.max(Revocation.at))
        .where(Revocation.action.in_(_ENDING), Revocation.at >= now - KEPT)
        .group_by(Revocation.username)
    )
    ended = {row[0]: row[1] for row in session.execute(query)}
    return tuple(
        AccessState(username, suspended=username in suspended, sessions_end_before=ended.get(username))
        for username in sorted(suspended | ended.keys())
    )


def note_contact(session: Session, contact: Contact, *, now: datetime) -> None:
    """Notes that the node was there, what it has carried out and what runs there.

    A repeated report changes nothing.
    """
    epoch, last_id = position(session.connection())
    seen = {"node": contact.node, "last_seen_at": now, "meetings": dict(contact.meetings)}
    if contact.epoch != epoch:
        # It was restarted, or followed another feed: it has forgotten what it was to report, and the line
        # would say "still to be deleted" for a week.  No login counts as deleted for that, and none needs to
        # be: the snapshot tells the node to refuse such a login, which it ends as soon as it is shown.
        _clear_waiting(session, contact.node)
    if contact.epoch != epoch or contact.cursor > last_id:
        session.execute(_SEE, {**seen, "cursor": None})
        return
    _note_counts(session, contact, now)
    before = session.scalar(select(ProsodyNode.cursor).where(ProsodyNode.node == contact.node))
    _note_uncounted(session, contact, before or 0, now)
    session.execute(_SEE_AT, {**seen, "cursor": contact.cursor})


def _note_counts(session: Session, contact: Contact, now: datetime) -> None:
    ids = [report.id for report in contact.reports]
    known = set(session.scalars(select(Revocation.id).where(Revocation.id.in_(ids)))) if ids else set()
    rows = [
        {
            "revocation_id": report.id,
            "node": contact.node,
            "at": now,
            "sessions": report.sessions,
            "meetings": report.meetings,
            "logins": report.logins,
            "waiting": report.waiting,
        }
        for report in sorted(contact.reports, key=lambda report: report.id)
        if report.id in known
    ]
    if rows:
        session.execute(_COUNT, rows)
        _settle(session, contact, now)


def _settle(session: Session, contact: Contact, now: datetime) -> None:
    """Takes from later reports what no longer waits; finished is it at the moment of the last of them.

    The statement before has locked the rows: two questions of a node never settle at the same time.
    """
    query = select(RevocationDone).where(
        RevocationDone.node == contact.node,
        RevocationDone.revocation_id.in_([report.id for report in contact.reports]),
        RevocationDone.waiting > 0,
    )
    waiting = {row.revocation_id: row for row in session.scalars(query)}
    for report in contact.reports:
        row = waiting.get(report.id)
        if row is not None and report.waiting < (row.waiting or 0):
            row.at, row.waiting = now, report.waiting
            row.logins = max(row.logins or 0, report.logins)  # what was deleted stays deleted


def _clear_waiting(session: Session, node: str) -> None:
    """Nothing waits there any more; what was counted stays."""
    query = update(RevocationDone).where(RevocationDone.node == node, RevocationDone.waiting > 0)
    session.execute(query.values(waiting=0), execution_options=UNSYNCHRONISED)


def _note_uncounted(session: Session, contact: Contact, before: int, now: datetime) -> None:
    """What the node passed since without a report: it came to it in a snapshot."""
    if before >= contact.cursor:
        return
    passed = select(Revocation.id, literal(contact.node), literal(now, UtcDateTime())).where(
        Revocation.id > before, Revocation.id <= contact.cursor
    )
    session.execute(
        postgresql.insert(_done).from_select(["revocation_id", "node", "at"], passed).on_conflict_do_nothing()
    )


def forget_node(session: Session, node: str) -> bool:
    """Forgets that Prosody; returns whether there was one.  What it carried out stays noted.

    Nothing waits there any more: it is gone for good.
    """
    _clear_waiting(session, node)
    query = delete(ProsodyNode).where(ProsodyNode.node == node)
    gone = session.execute(query, execution_options=UNSYNCHRONISED)
    assert isinstance(gone, CursorResult)  # noqa: S101 - what a DELETE returns
    return gone.rowcount > 0


def purge_batch(session: Session, *, now: datetime) -> bool:
    """Deletes some of what was told more than a week ago; returns whether there may be more.

    What ran on a node that has gone silent goes too.
    """
    is_silent = ProsodyNode.last_seen_at < now - _SILENT
    session.execute(
        update(ProsodyNode).where(is_silent).values(meetings={}), execution_options=UNSYNCHRONISED
    )
    some = select(Revocation.id).where(Revocation.at < now - KEPT).limit(_PURGED_AT_ONCE)
    query = delete(Revocation).where(Revocation.id.in_(some)).returning(Revocation.id)
    gone = session.scalars(query, execution_options=UNSYNCHRONISED).all()
    if gone:
        query_of_feed = update(RevocationFeed).where(RevocationFeed.purged_to < max(gone))
        session.execute(query_of_feed.values(purged_to=max(gone)), execution_options=UNSYNCHRONISED)
    return len(gone) == _PURGED_AT_ONCE
