"""Tells what became of a suspension or an end of sessions at the Prosody servers, and which meetings run.

It changes nothing.  Of meetings there are numbers by organiser and nothing else.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, select
from sqlalchemy.orm import Session

from authbridge.revocations import feed
from authbridge.revocations.feed import ENDING
from authbridge.storage.models import (
    Organiser,
    ProsodyNode,
    Revocation,
    RevocationAction,
    RevocationDone,
    School,
    Suspendable,
    Suspension,
    table_of,
)
from authbridge.storage.prepared import Prepared

LATE = timedelta(seconds=30)  # a node asks every 20 s at the latest

_MOST_NODES = 100  # that monitoring sees: each is a handful of its time series
_nodes, _revocations = table_of(ProsodyNode), table_of(Revocation)
_NODES = Prepared(
    select(_nodes.c.node, _nodes.c.cursor, _nodes.c.last_seen_at, _nodes.c.meetings)
    .order_by(_nodes.c.node)
    .limit(_MOST_NODES)
)
_OLDEST = Prepared(
    select(_revocations.c.at)
    .where(_revocations.c.id > bindparam("done"))
    .order_by(_revocations.c.id)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A Prosody that follows the feed; late: it has asked nothing for half a minute.

    ``meetings`` is the number of meetings that ran there at its last question.
    """

    node: str
    last_seen_at: datetime
    is_late: bool
    meetings: int = 0


@dataclass(frozen=True, slots=True)
class NodeProgress:
    """How far behind the feed a Prosody is.

    ``waiting`` revocations are not carried out there; the oldest of them was published at ``waiting_since``
    (None: there is none).
    """

    node: str
    last_seen_at: datetime
    meetings: int
    waiting: int
    waiting_since: datetime | None


@dataclass(frozen=True, slots=True)
class RevocationStatus:
    """How far the latest suspension, or the latest end of an organiser's sessions, is carried out.

    The counts are of all nodes together; ``done`` of ``nodes`` nodes have carried it out, the last of them
    at ``last_done_at``.  ``late`` are the nodes that have not although half a minute is over, and those that
    do not ask any more.  Where ``is_counted`` is False, a node has carried it out without reporting how much
    that ended.  ``waiting`` remembered logins are deleted as soon as jicofo is back; until then Prosody
    refuses them.
    """

    action: RevocationAction
    published_at: datetime
    sessions: int
    meetings: int
    logins: int
    done: int
    nodes: int
    last_done_at: datetime | None
    late: tuple[str, ...]
    is_counted: bool = True
    waiting: int = 0

    @property
    def is_complete(self) -> bool:
        """Tells whether every node has carried it out."""
        return self.done == self.nodes

    @property
    def is_finished(self) -> bool:
        """Tells whether nothing more is to come: complete, and no remembered login is still to be deleted."""
        return self.is_complete and not self.waiting

    @property
    def is_awaited(self) -> bool:
        """Tells whether a node may carry it out at any moment."""
        return self.nodes - self.done > len(self.late)


@dataclass(frozen=True, slots=True)
class SchoolMeetings:
    """The number of running meetings of a school's organisers."""

    code: str
    name: str
    meetings: int


@dataclass(frozen=True, slots=True)
class Meetings:
    """The numbers of running meetings: of all schools, and of each school, most first.

    They are as of ``reported_at``, the oldest of the latest questions of all nodes; None: no node asks, and
    nobody knows.
    """

    total: int
    schools: tuple[SchoolMeetings, ...]
    reported_at: datetime | None


def nodes(session: Session, *, now: datetime) -> list[NodeRow]:
    """Lists each Prosody that follows the feed, by name."""
    query = select(ProsodyNode).order_by(ProsodyNode.node)
    return [
        NodeRow(
            node.node,
            node.last_seen_at,
            is_late=now - node.last_seen_at > LATE,
            meetings=sum(node.meetings.values()),
        )
        for node in session.scalars(query)
    ]


def progress(connection: Connection, *, now: datetime) -> list[NodeProgress]:
    """Lists by name how far each Prosody is; costs a look into an index for each."""
    purged_to, last_id = feed.bounds(connection)
    return [_progress(connection, row, (purged_to, last_id), now) for row in _NODES.all(connection)]


def _progress(
    connection: Connection, row: tuple[Any, ...], bounds: tuple[int, int], now: datetime
) -> NodeProgress:
    purged_to, last_id = bounds
    node, cursor, last_seen_at, running = row
    # A node without a cursor has not shown yet that it took its snapshot: everything of the week may be open.
    done = purged_to if cursor is None else cursor
    waiting = max(0, last_id - done)  # the ids of the feed have no gaps
    oldest = _OLDEST.run(connection, done=done) if waiting else None
    return NodeProgress(
        node,
        last_seen_at,
        meetings=sum(running.values()),
        waiting=waiting,
        # What is purged already is at least that old.
        waiting_since=(now - feed.KEPT if oldest is None else oldest[0]) if waiting else None,
    )


def meetings(session: Session, *, now: datetime) -> Meetings:
    """Counts the meetings on nodes that are not late; those of unknown organisers only in the total."""
    reported_at, running = _running(session, now)
    if not running:
        return Meetings(0, (), reported_at)
    query = (
        select(Organiser.username, School.code, School.name)
        .join(Organiser.school)
        .where(Organiser.username.in_(_names(running)))
    )
    of_schools: Counter[tuple[str, str]] = Counter()
    for username, code, name in session.execute(query):
        of_schools[code, name] += running[username]
    rows = (SchoolMeetings(code, name, count) for (code, name), count in of_schools.items())
    return Meetings(
        running.total(), tuple(sorted(rows, key=lambda row: (-row.meetings, row.code))), reported_at
    )


def meetings_of(session: Session, of: Suspendable, *, now: datetime) -> int | None:
    """Counts the running meetings of an organiser or of a school's organisers; None: no node reports."""
    reported_at, running = _running(session, now)
    if reported_at is None:
        return None
    if isinstance(of, Organiser):
        return running[of.username]
    if not running:
        return 0
    query = select(Organiser.username).where(
        Organiser.username.in_(_names(running)), Organiser.school_id == of.id
    )
    return sum(running[username] for username in session.scalars(query))


def _running(session: Session, now: datetime) -> tuple[datetime | None, Counter[str]]:
    """Returns since when that is known, and the number of running meetings by username."""
    is_there = ProsodyNode.last_seen_at >= now - LATE
    reported_at: datetime | None = None
    running: Counter[str] = Counter()
    for seen_at, reported in session.execute(
        select(ProsodyNode.last_seen_at, ProsodyNode.meetings).where(is_there)
    ):
        reported_at = seen_at if reported_at is None else min(reported_at, seen_at)
        running.update(reported)
    return reported_at, running


def _names(running: Counter[str]) -> list[str]:
    """Returns the names that can be an organiser's; PostgreSQL takes no NUL."""
    return [name for name in running if name.isascii() and name.isprintable()]


@dataclass(frozen=True, slots=True)
class RevokedTogether:
    """Organisers whose accesses were suspended or logged out by one click, by name."""

    usernames: Collection[str]


Revocable = Suspendable | RevokedTogether
"""What has a revocation of its own."""


def revocation_status_of(session: Session, of: Revocable, *, now: datetime) -> RevocationStatus | None:
    """Returns the status of the latest suspension or end of sessions; None if there was none this week.

    An organiser's suspension is also that of the school.  A school's has a revocation for each organiser
    whose access it ended, and a node has carried it out when it has carried out each of these; likewise that
    of several who were revoked together.
    """
    is_meant = _meant_by(of)
    query = select(Revocation.action, Revocation.at, func.count()).where(is_meant)
    published = session.execute(query.group_by(Revocation.action, Revocation.at)).one_or_none()
    if published is None:
        return None
    action, published_at, revocations = published
    done = session.execute(_DONE.where(is_meant)).all()
    finished = {each.node for each in done if each.revocations == revocations}
    following = nodes(session, now=now)
    waiting = [node for node in following if node.node not in finished]
    return RevocationStatus(
        action=RevocationAction(action),
        published_at=published_at,
        sessions=sum(each.sessions or 0 for each in done),
        meetings=sum(each.meetings or 0 for each in done),
        logins=sum(each.logins or 0 for each in done),
        done=len(following) - len(waiting),
        nodes=len(following),
        last_done_at=max((each.at for each in done), default=None),
        late=tuple(node.node for node in waiting if node.is_late or now - published_at > LATE),
        is_counted=all(each.counted == each.revocations for each in done),
        waiting=sum(each.waiting or 0 for each in done),
    )


_DONE = (
    select(
        RevocationDone.node,
        func.count().label("revocations"),
        func.count(RevocationDone.sessions).label("counted"),
        func.sum(RevocationDone.sessions).label("sessions"),
        func.sum(RevocationDone.meetings).label("meetings"),
        func.sum(RevocationDone.logins).label("logins"),
        func.sum(RevocationDone.waiting).label("waiting"),
        func.max(RevocationDone.at).label("at"),
    )
    .join(Revocation, Revocation.id == RevocationDone.revocation_id)
    .group_by(RevocationDone.node)
)


def _meant_by(of: Revocable) -> ColumnElement[bool]:
    match of:
        case Organiser():
            return _of_organiser(of)
        case School():
            return _of_school(of)
        case RevokedTogether():
            return _of_several(of.usernames)
        case _:
            assert_never(of)


def _of_several(usernames: Collection[str]) -> ColumnElement[bool]:
    """Selects the revocations of these organisers that were published last, all at one moment."""
    is_theirs = (Revocation.username.in_(usernames), Revocation.action.in_(ENDING))
    latest = select(func.max(Revocation.at)).where(*is_theirs)
    return and_(*is_theirs, Revocation.at == latest.scalar_subquery())


def _of_organiser(organiser: Organiser) -> ColumnElement[bool]:
    """Selects the latest revocation of the organiser that ended anything."""
    latest = select(func.max(Revocation.id)).where(
        Revocation.username == organiser.username, Revocation.action.in_(ENDING)
    )
    return Revocation.id == latest.scalar_subquery()


def _of_school(school: School) -> ColumnElement[bool]:
    """Selects the revocations of the school's latest suspension."""
    latest = select(func.max(Suspension.id)).where(Suspension.school_id == school.id)
    return and_(
        Revocation.suspension_id == latest.scalar_subquery(), Revocation.action == RevocationAction.SUSPEND
    )
