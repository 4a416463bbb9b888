"""Long polls: answered as soon as something is told, by whichever process, and never in anybody's way."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from authbridge.errors import StorageError
from authbridge.revocations import reports
from authbridge.revocations import status as prosodys
from authbridge.revocations.feed import Event, Events, Snapshot
from authbridge.revocations.long_polls import LONGEST_WAIT, LongPolls
from authbridge.revocations.numbered_reports import NumberedReport
from authbridge.revocations.reports import Contact
from authbridge.revocations.rule_counts import counts_since
from authbridge.storage.database import Database
from authbridge.storage.models import MeetingRule, MonthlyTotal
from tests.support.fakes import FakeClock
from tests.support.feeds import (
    SUSPEND,
    end_sessions,
    other_process,
    position,
    settle,
    suspend,
    until,
)
from workbench.processes import PATIENCE

BERLIN = ZoneInfo("Europe/Berlin")
SOON = LONGEST_WAIT / 2  # seconds: what is answered before that did not wait for its end


class Nodes:
    """Prosodys that ask one service."""

    def __init__(self, database: Database, threads: ThreadPoolExecutor) -> None:
        self.clock = FakeClock()
        self.polls = LongPolls(database, clock=self.clock, timezone=BERLIN)
        self._database = database
        self._threads = threads

    def ask(self, node: str = "node-a", *, cursor: int = 0, wait: float = 60) -> "Future[Events | Snapshot]":
        """A question that goes on from there, and has reached the service."""
        self.clock.advance(seconds=1)
        asked_at = self.clock.now
        contact = Contact(node, position(self._database)[0], cursor)
        answer = self._threads.submit(self.polls.answer, contact, wait=wait)
        until(lambda: answer.done() or self._last_seen(node) == asked_at)
        return answer

    def totals(self) -> list[tuple[date, int]]:
        """Returns what the statistics have: each month, and the meetings that were opened in it."""
        with self._database.read_session() as session:
            return [(each.month, each.meetings) for each in session.scalars(select(MonthlyTotal))]

    def _last_seen(self, node: str) -> object:
        with self._database.read_session() as session:
            found = prosodys.nodes(session, now=self.clock.now)
        return next((each.last_seen_at for each in found if each.node == node), None)


@pytest.fixture(name="threads")
def make_threads() -> Iterator[ThreadPoolExecutor]:
    """For those who wait."""
    with ThreadPoolExecutor(8) as threads:
        yield threads


@pytest.fixture(name="nodes")
def make_nodes(database: Database, threads: ThreadPoolExecutor) -> Nodes:
    """A school, and a service that is asked."""
    settle(database, "ohg-a", "ohg-b")
    return Nodes(database, threads)


def test_what_is_reported_counts_on_the_day_where_the_schools_are(database: Database, nodes: Nodes) -> None:
    """At half past eleven in the evening, UTC, it is November; a question that comes again adds nothing."""
    nodes.clock.now = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    november = date(2026, 11, 1)
    report = NumberedReport("run", 1, {"ohg-a": 2}, {MeetingRule.NAMES: 1})
    for _ in range(2):
        nodes.polls.answer(Contact("node-a", None, 0, numbered=report), wait=0)

    assert nodes.totals() == [(november, 2)]
    with database.read_session() as session:
        assert counts_since(session, date.min) == {november: {MeetingRule.NAMES: 1}}


def test_a_first_question_is_answered_at_once(database: Database) -> None:
    """However long it would wait."""
    began = time.monotonic()

    answer = LongPolls(database, clock=FakeClock(), timezone=BERLIN).answer(
        Contact("node-a", None, 0), wait=60
    )

    assert isinstance(answer, Snapshot)
    assert time.monotonic() - began < SOON


def test_what_is_there_already_is_told_at_once(database: Database, nodes: Nodes) -> None:
    """Also what was told while nobody asked."""
    suspend(database, "ohg-a")

    assert nodes.ask().result(SOON) == Events(position(database)[0], 1, (Event(1, "ohg-a", SUSPEND),))


def test_without_news_the_answer_is_empty(nodes: Nodes) -> None:
    """After its time, with the cursor that was asked with."""
    for wait in (0, 0.3):
        answer = nodes.ask(wait=wait).result(SOON)
        assert isinstance(answer, Events)
        assert (answer.cursor, answer.events) == (0, ())


def test_another_process_wakes_all_polls(database: Database, nodes: Nodes) -> None:
    """Each of twenty times before the poll would have been answered anyway."""
    with other_process(database) as panel:
        for number in range(20):
            polls = [nodes.ask(node, cursor=number) for node in ("node-a", "node-b", "node-c")]
            assert not any(poll.done() for poll in polls)
            end_sessions(panel, "ohg-a")
            for poll in polls:
                assert poll.result(SOON).cursor == number + 1


def test_two_services_tell_the_same(database: Database, nodes: Nodes, threads: ThreadPoolExecutor) -> None:
    """Each to the nodes that ask it."""
    with other_process(database) as theirs:
        polls = [nodes.ask(), Nodes(theirs, threads).ask("node-b")]
        suspend(database, "ohg-a")
        answers = [poll.result(SOON) for poll in polls]

    assert answers[0] == answers[1]


def test_a_commit_that_tells_nothing_wakes_nobody(database: Database, nodes: Nodes) -> None:
    """Every login commits something."""
    poll = nodes.ask(wait=1)
    for number in range(20):
        with database.write_session() as session:
            reports.note_contact(session, Contact(f"node-{number}", None, 0), now=nodes.clock.now)

    answer = poll.result(SOON)
    assert isinstance(answer, Events)
    assert answer.events == ()


def test_a_second_poll_of_a_node_ends_the_first(database: Database, nodes: Nodes) -> None:
    """A Prosody that was restarted holds no second thread; others' polls stay."""
    first, others = nodes.ask("node-a"), nodes.ask("node-b")
    second = nodes.ask("node-a")

    ended = first.result(SOON)
    assert isinstance(ended, Events)
    assert (ended.cursor, ended.events) == (0, ())
    assert not second.done()
    assert not others.done()
    suspend(database, "ohg-a")
    assert second.result(SOON) == others.result(SOON)


def test_the_end_of_the_service_ends_all_polls(nodes: Nodes) -> None:
    """Empty-handed, at once, and without losing their place."""
    stopping = threading.Event()
    nodes.polls.stop_when(stopping.is_set)
    polls = [nodes.ask(node) for node in ("node-a", "node-b", "node-c")]

    stopping.set()

    for poll in polls:
        answer = poll.result(SOON)
        assert isinstance(answer, Events)
        assert (answer.cursor, answer.events) == (0, ())


def test_polls_cost_one_thread_for_all(nodes: Nodes) -> None:
    """Besides those that serve them."""
    before = threading.active_count()
    polls = [nodes.ask(f"node-{number}", wait=1) for number in range(5)]

    assert threading.active_count() <= before + len(polls) + 1
    for poll in polls:
        poll.result(SOON)


@pytest.mark.own_database
def test_a_lost_connection_loses_nothing(database: Database, nodes: Nodes) -> None:
    """PostgreSQL ends all connections, the watcher's too; what is told meanwhile is told all the same."""
    poll = nodes.ask()
    with other_process(database) as admin:
        if not admin.is_sqlite:  # a file does not hang up
            _hang_up(admin)
        suspend(admin, "ohg-a")

        assert poll.result(SOON).cursor == 1
        poll = nodes.ask(cursor=1)
        suspend(admin, "ohg-b")
        assert poll.result(SOON).cursor == 2


def _hang_up(admin: Database) -> None:
    # A connection that is being used would be an outage, which is another story.
    others = (
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'"
    )
    with admin.engine.connect() as connection:
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM ({others}) AS others"))  # noqa: S608


def test_without_storage_a_poll_fails_aloud(database: Database, nodes: Nodes) -> None:
    """An outage is no empty answer: the node keeps what it knows."""
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE revocation_feed RENAME TO elsewhere")
    with ExitStack() as mended:
        mended.callback(_mend, database)
        with pytest.raises(StorageError):
            nodes.polls.answer(Contact("node-a", None, 0), wait=PATIENCE)


def test_a_poll_ends_when_the_storage_goes_away_meanwhile(database: Database, nodes: Nodes) -> None:
    """The node asks another service then, which may have storage still; an empty answer would hide it."""
    poll = nodes.ask()
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE revocation_feed RENAME TO elsewhere")
    with ExitStack() as mended:
        mended.callback(_mend, database)
        with pytest.raises(StorageError):
            poll.result(SOON)
    suspend(database, "ohg-a")
    until(lambda: _is_answered(nodes))


def _is_answered(nodes: Nodes) -> bool:
    try:
        return nodes.ask().result(SOON).cursor == 1
    except StorageError:
        return False


def _mend(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO revocation_feed")
