"""What the Prosodys that follow the feed have told: what became of a suspension, and how many meetings run.

Nothing here changes anything.  Of meetings there are numbers by organiser and nothing else.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from authbridge.storage.models import (
    Organiser,
    ProsodyNode,
    Revocation,
    RevocationAction,
    RevocationDone,
    School,
    Suspension,
)

_LATE = timedelta(seconds=30)  # a node asks every 20 s at the latest

_ENDING = (RevocationAction.SUSPEND, RevocationAction.END_SESSIONS)


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A Prosody that follows the feed; late: it has asked nothing for half a minute.

    ``meetings`` ran there when it asked last.
    """

    node: str
    last_seen_at: datetime
    is_late: bool
    meetings: int = 0


@dataclass(frozen=True, slots=True)
class RevocationStatus:
    """What became of the latest suspension of somebody, or of the latest end of his sessions.

    The counts are of all nodes together; ``done`` of ``nodes`` nodes have carried it out, the last of them
    at ``last_done_at``.  ``late`` are those that have not although half a minute is over, or that do not ask
    any more.  Not ``is_counted``: one of those that have carried it out did not say how much that ended.
    ``waiting`` remembered logins are deleted as soon as jicofo is back; until then Prosody refuses them.
    """

    action: RevocationAction
    told_at: datetime
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
        """Whether every node has carried it out."""
        return self.done == self.nodes

    @property
    def is_finished(self) -> bool:
        """Whether, moreover, no remembered login is still to be deleted: nothing more is to come."""
        return self.is_complete and not self.waiting

    @property
    def is_awaited(self) -> bool:
        """Whether a node may carry it out at any moment."""
        return self.nodes - self.done > len(self.late)


@dataclass(frozen=True, slots=True)
class SchoolMeetings:
    """How many meetings of a school's organisers are running."""

    code: str
    name: str
    meetings: int


@dataclass(frozen=True, slots=True)
class Meetings:
    """The meetings that run now, in all and of each school, most first.

    It was so at ``told_at``, when the node asked that has not asked for longest; None: none does, and nobody
    knows.
    """

    total: int
    schools: tuple[SchoolMeetings, ...]
    told_at: datetime | None


def nodes(session: Session, *, now: datetime) -> list[NodeRow]:
    """Each Prosody that follows the feed, by name."""
    query = select(ProsodyNode).order_by(ProsodyNode.node)
    return [
        NodeRow(
            node.node,
            node.last_seen_at,
            is_late=now - node.last_seen_at > _LATE,
            meetings=sum(node.meetings.values()),
        )
        for node in session.scalars(query)
    ]


def meetings(session: Session, *, now: datetime) -> Meetings:
    """All that run on nodes that are not late; those of nobody's organisers count in the total alone."""
    told_at, running = _running(session, now)
    if not running:
        return Meetings(0, (), told_at)
    query = (
        select(Organiser.username, School.code, School.name)
        .join(Organiser.school)
        .where(Organiser.username.in_(_names(running)))
    )
    of_schools: Counter[tuple[str, str]] = Counter()
    for username, code, name in session.execute(query):
        of_schools[code, name] += running[username]
    rows = (SchoolMeetings(code, name, count) for (code, name), count in of_schools.items())
    return Meetings(running.total(), tuple(sorted(rows, key=lambda row: (-row.meetings, row.code))), told_at)


def meetings_of(session: Session, whose: Organiser | School, *, now: datetime) -> int | None:
    """How many of his, or of its organisers, run now; None: no node tells."""
    told_at, running = _running(session, now)
    if told_at is None:
        return None
    if isinstance(whose, Organiser):
        return running[whose.username]
    if not running:
        return 0
    query = select(Organiser.username).where(
        Organiser.username.in_(_names(running)), Organiser.school_id == whose.id
    )
    return sum(running[username] for username in session.scalars(query))


def _running(session: Session, now: datetime) -> tuple[datetime | None, Counter[str]]:
    """Since when that is known, and how many each name has running."""
    is_there = ProsodyNode.last_seen_at >= now - _LATE
    told_at: datetime | None = None
    running: Counter[str] = Counter()
    for seen_at, told in session.execute(
        select(ProsodyNode.last_seen_at, ProsodyNode.meetings).where(is_there)
    ):
        told_at = seen_at if told_at is None else min(told_at, seen_at)
        running.update(told)
    return told_at, running


def _names(running: Counter[str]) -> list[str]:
    """Those that can be an organiser's; PostgreSQL takes no NUL."""
    return [name for name in running if name.isascii() and name.isprintable()]


def revocation_status_of(
    session: Session, whose: Organiser | School, *, now: datetime
) -> RevocationStatus | None:
    """What became of the latest suspension, or of the latest end of his sessions; None: of none this week.

    An organiser's suspension is also that of his school.  A school's is that of all whom the click put out,
    and a node has carried it out when it has done so with each of them.
    """
    is_meant = _of_organiser(whose) if isinstance(whose, Organiser) else _of_school(whose)
    query = select(Revocation.action, Revocation.at, func.count()).where(is_meant)
    told = session.execute(query.group_by(Revocation.action, Revocation.at)).one_or_none()
    if told is None:
        return None
    action, told_at, revocations = told
    done = session.execute(_DONE.where(is_meant)).all()
    finished = {each.node for each in done if each.revocations == revocations}
    following = nodes(session, now=now)
    waiting = [node for node in following if node.node not in finished]
    return RevocationStatus(
        action=RevocationAction(action),
        told_at=told_at,
        sessions=sum(each.sessions or 0 for each in done),
        meetings=sum(each.meetings or 0 for each in done),
        logins=sum(each.logins or 0 for each in done),
        done=len(following) - len(waiting),
        nodes=len(following),
        last_done_at=max((each.at for each in done), default=None),
        late=tuple(node.node for node in waiting if node.is_late or now - told_at > _LATE),
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


def _of_organiser(organiser: Organiser) -> ColumnElement[bool]:
    """The latest revocation of his that ended anything."""
    latest = select(func.max(Revocation.id)).where(
        Revocation.username == organiser.username, Revocation.action.in_(_ENDING)
    )
    return Revocation.id == latest.scalar_subquery()


def _of_school(school: School) -> ColumnElement[bool]:
    """Those of its latest suspension: told at the moment of the click, each of somebody of the school."""
    clicked_at = select(func.max(Suspension.since)).where(Suspension.school_id == school.id)
    usernames = select(Organiser.username).where(Organiser.school_id == school.id)
    return and_(
        Revocation.at == clicked_at.scalar_subquery(),
        Revocation.action == RevocationAction.SUSPEND,
        Revocation.username.in_(usernames),
    )
