"""Notes what each Prosody server reports: that it asks, what it has carried out, which meetings run there.

It never changes what the feed publishes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, literal, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from authbridge.revocations import feed
from authbridge.revocations.numbered_reports import NumberedReport
from authbridge.storage.models import ProsodyNode, Revocation, RevocationDone, UtcDateTime, table_of
from authbridge.storage.statements import UNSYNCHRONISED, upsert

SILENT = timedelta(hours=1)  # without a question, after which nobody needs to know what ran there

_done, _nodes = table_of(RevocationDone), table_of(ProsodyNode)
# The first report counts: a node that carries a revocation out once more finds nothing left to end.
# A later report may only settle what was waiting; see :func:`_settle`.
_COUNT = upsert(
    _done,
    key=("revocation_id", "node"),
    changed=("sessions", "meetings", "logins", "waiting"),
    where=_done.c.sessions.is_(None),
)
_SEE = upsert(_nodes, key=("node",), changed=("last_seen_at", "meetings"))
_SEE_AT = upsert(_nodes, key=("node",), changed=("cursor", "last_seen_at", "meetings"))
_NOTHING_OPENED = {"opened_run": None, "opened_number": None}  # as yet counted, of a new node


@dataclass(frozen=True, slots=True)
class NodeReport:
    """How much a node ended when it carried out the revocation of that id.

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
    """A question of a node that has carried out everything up to ``cursor`` of ``epoch`` (None: nothing yet).

    ``meetings`` holds the number of meetings that run there now, by the organiser who started them; the key
    "" stands for several organisers.  ``numbered`` is what counts once of it; None: there is no news.
    """

    node: str
    epoch: str | None
    cursor: int
    reports: tuple[NodeReport, ...] = ()
    meetings: Mapping[str, int] = field(default_factory=dict)
    numbered: NumberedReport | None = None


def note_contact(session: Session, contact: Contact, *, now: datetime) -> None:
    """Notes that the node asked, what it has carried out and which meetings run there.

    A repeated report changes nothing.
    """
    epoch, last_id = feed.position(session.connection())
    seen = {"node": contact.node, "last_seen_at": now, "meetings": dict(contact.meetings), **_NOTHING_OPENED}
    if contact.epoch != epoch:
        # The node was restarted, or followed another feed: it has forgotten what it was to report, and the
        # status would say "still to be deleted" for a week.  No login counts as deleted for that, and none
        # needs to be: the snapshot tells the node to refuse such a login, which it ends when it is shown.
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
    """Takes the number of waiting logins from later reports; the last of them dates the revocation.

    :data:`_COUNT` has locked the rows, so two questions of a node never settle at the same time: otherwise
    the older one could write its larger number last.
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
            row.logins = max(row.logins or 0, report.logins)  # deleted logins stay deleted


def _clear_waiting(session: Session, node: str) -> None:
    """Notes that no login waits on the node any more; what was counted stays."""
    query = update(RevocationDone).where(RevocationDone.node == node, RevocationDone.waiting > 0)
    session.execute(query.values(waiting=0), execution_options=UNSYNCHRONISED)


def _note_uncounted(session: Session, contact: Contact, before: int, now: datetime) -> None:
    """Notes revocations that the node passed without a report: it got them in a snapshot."""
    if before >= contact.cursor:
        return
    passed = select(Revocation.id, literal(contact.node), literal(now, UtcDateTime())).where(
        Revocation.id > before, Revocation.id <= contact.cursor
    )
    session.execute(
        postgresql.insert(_done).from_select(["revocation_id", "node", "at"], passed).on_conflict_do_nothing()
    )


def forget_node(session: Session, node: str) -> bool:
    """Forgets a Prosody that is gone for good; returns whether there was one.

    What it carried out stays noted; no login waits there any more.
    """
    _clear_waiting(session, node)
    query = delete(ProsodyNode).where(ProsodyNode.node == node)
    gone = session.execute(query, execution_options=UNSYNCHRONISED)
    assert isinstance(gone, CursorResult)  # noqa: S101 - as of every DELETE
    return gone.rowcount > 0


def purge(session: Session, *, now: datetime) -> None:
    """Forgets which meetings ran on nodes that have been silent for an hour."""
    is_silent = ProsodyNode.last_seen_at < now - SILENT
    session.execute(
        update(ProsodyNode).where(is_silent).values(meetings={}), execution_options=UNSYNCHRONISED
    )
