"""What the tests of the feed share: organisers without hashes, and the feed as a Prosody reads it."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import select

from authbridge.revocations import feed, reports
from authbridge.revocations import status as prosodys
from authbridge.revocations.feed import Event, Events, Snapshot
from authbridge.revocations.reports import Contact, NodeReport
from authbridge.revocations.status import NodeRow, RevocationStatus
from authbridge.schools.commands import organisers, suspensions
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Organiser, RevocationAction, School
from tests.support.factories import ACTOR, KEYED_HASHES, make_school
from tests.support.fakes import MORNING
from workbench.processes import PATIENCE

SUSPEND = RevocationAction.SUSPEND
REINSTATE = RevocationAction.REINSTATE
END_SESSIONS = RevocationAction.END_SESSIONS

WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)


Published = list[tuple[str, RevocationAction]]


def settle(database: Database, *names: str, code: str = "ohg") -> None:
    """A school with organisers of these names."""
    make_school(database, code)
    with database.write_session() as session:
        school = get_school(session, code)
        session.add_all(_new_organiser(school, name) for name in names)


def _new_organiser(school: School, name: str) -> Organiser:
    return Organiser(
        username=name,
        school=school,
        password_hash="$2b$04$" + "." * 53,
        password_generated=True,
        created_at=MORNING,
    )


def suspend(database: Database, name: str, now: datetime = MORNING) -> bool:
    """Suspends an organiser."""
    with database.write_session() as session:
        return suspensions.suspend(session, ORGANISER, name, reason=None, actor=ACTOR, now=now)


def reinstate(database: Database, name: str, now: datetime = MORNING) -> bool:
    """Ends his suspension."""
    with database.write_session() as session:
        return suspensions.reinstate(session, ORGANISER, name, actor=ACTOR, now=now)


def suspend_school(database: Database, code: str = "ohg", now: datetime = MORNING) -> bool:
    """Suspends a school."""
    with database.write_session() as session:
        return suspensions.suspend(session, SCHOOL, code, reason=None, actor=ACTOR, now=now)


def reinstate_school(database: Database, code: str = "ohg", now: datetime = MORNING) -> bool:
    """Ends its suspension."""
    with database.write_session() as session:
        return suspensions.reinstate(session, SCHOOL, code, actor=ACTOR, now=now)


def end_sessions(database: Database, name: str, now: datetime = MORNING) -> bool:
    """Logs an organiser out everywhere."""
    with database.write_session() as session:
        return organisers.end_sessions(session, name, actor=ACTOR, now=now)


def remove(database: Database, name: str) -> None:
    """Deletes an organiser."""
    with database.write_session() as session:
        organisers.delete_organiser(session, name, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING)


def position(database: Database) -> tuple[str, int]:
    """The epoch and the last id."""
    with database.read_connection() as connection:
        return feed.position(connection)


def ask(database: Database, epoch: str | None, cursor: int, *, now: datetime = MORNING) -> Events | Snapshot:
    """What a node is told that stands there."""
    with database.read_session() as session:
        return feed.read(session, epoch, cursor, now=now)


def note(database: Database, contact: Contact, now: datetime = MORNING) -> None:
    """A node was there."""
    with database.write_session() as session:
        reports.note_contact(session, contact, now=now)


def acknowledge(
    database: Database, node: str, cursor: int, *reports: NodeReport, now: datetime = MORNING
) -> None:
    """A node has carried out everything up to there."""
    note(database, Contact(node, position(database)[0], cursor, reports), now)


def report(
    database: Database, node: str, meetings: dict[str, int] | None = None, now: datetime = MORNING
) -> None:
    """A node asks, and says what runs there."""
    note(database, Contact(node, *position(database), meetings=meetings or {}), now)


def events_since(database: Database, cursor: int = 0) -> tuple[Event, ...]:
    """Everything told after that id, however many answers it takes."""
    return tuple(_all_events(database, cursor))


def _all_events(database: Database, cursor: int) -> Iterator[Event]:
    epoch, _ = position(database)
    while True:
        answer = ask(database, epoch, cursor)
        assert isinstance(answer, Events)
        if not answer.events:
            return
        yield from answer.events
        cursor = answer.cursor


def published_since(database: Database, cursor: int = 0) -> Published:
    """To whom which, in order."""
    return [(event.username, event.action) for event in events_since(database, cursor)]


def suspended_after(events: Iterable[Event]) -> set[str]:
    """Whom a node holds for suspended that began with nobody and was told these."""
    suspended: set[str] = set()
    for event in events:
        if event.action is SUSPEND:
            suspended.add(event.username)
        elif event.action is REINSTATE:
            suspended.discard(event.username)
    return suspended


def snapshot(database: Database, now: datetime = MORNING) -> Snapshot:
    """What a node is told that comes for the first time."""
    answer = ask(database, None, 0, now=now)
    assert isinstance(answer, Snapshot)
    return answer


def suspended_in(answer: Snapshot) -> set[str]:
    """Whom the snapshot calls suspended."""
    return {state.username for state in answer.states if state.suspended}


def effect(database: Database, name: str = "ohg-a", **after: float) -> RevocationStatus | None:
    """What the panel shows."""
    with database.read_session() as session:
        now = MORNING + timedelta(**after)
        return prosodys.revocation_status_of(session, get_organiser(session, name), now=now)


def nodes(database: Database, **after: float) -> list[NodeRow]:
    """The Prosodys, as the panel shows them."""
    with database.read_session() as session:
        return prosodys.nodes(session, now=MORNING + timedelta(**after))


def audited(database: Database) -> list[str]:
    """The audit's actions, oldest first."""
    with database.read_session() as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def until(condition: Callable[[], bool]) -> None:
    """Returns once it is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def other_process(database: Database) -> Iterator[Database]:
    """The same database as another process has it: with connections of its own."""
    other = Database(database.engine.url.render_as_string(hide_password=False))
    yield other
    other.engine.dispose()
