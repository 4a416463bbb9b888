"""The panel shows how many Prosodys have carried out an order, and which are late."""

from datetime import timedelta

import pytest

from authbridge import retention
from authbridge.revocations.reports import Contact, NodeReport
from authbridge.revocations.status import NodeRow, RevocationStatus
from authbridge.storage.database import Database
from tests.support.factories import LIMITS
from tests.support.fakes import MORNING, FakeClock
from tests.support.feeds import (
    END_SESSIONS,
    SECOND,
    SUSPEND,
    WEEK,
    acknowledge,
    effect,
    end_sessions,
    nodes,
    note,
    position,
    reinstate,
    settle,
    suspend,
    suspend_school,
)


def test_the_effect_adds_up_over_the_nodes(database: Database) -> None:
    """Two of two; a third that died is named after half a minute, and not before."""
    settle(database, "ohg-a")
    for node in ("node-a", "node-b", "node-c"):
        acknowledge(database, node, 0)
    suspend(database, "ohg-a")
    before = effect(database)
    acknowledge(database, "node-a", 1, NodeReport(1, 2, 1, 1), now=MORNING + SECOND)
    acknowledge(database, "node-b", 1, NodeReport(1, 1, 0, 0), now=MORNING + 2 * SECOND)

    assert before == RevocationStatus(SUSPEND, MORNING, 0, 0, 0, done=0, nodes=3, last_done_at=None, late=())
    assert effect(database, seconds=30) == RevocationStatus(
        SUSPEND, MORNING, 3, 1, 1, done=2, nodes=3, last_done_at=MORNING + 2 * SECOND, late=()
    )
    late = effect(database, seconds=31)
    assert late is not None
    assert late.late == ("node-c",)


def test_a_node_that_asks_and_does_not_carry_out_is_late_too(database: Database) -> None:
    """It is there, and does nothing."""
    settle(database, "ohg-a")
    acknowledge(database, "node-a", 0)
    suspend(database, "ohg-a")
    acknowledge(database, "node-a", 0, now=MORNING + 30 * SECOND)

    assert not nodes(database, seconds=31)[0].is_late
    late = effect(database, seconds=31)
    assert late is not None
    assert late.late == ("node-a",)


def test_what_came_in_a_snapshot_counts_as_carried_out(database: Database) -> None:
    """A Prosody that was restarted reports no counts; a report that comes later is still taken."""
    settle(database, "ohg-a")
    suspend(database, "ohg-a")
    epoch, _ = position(database)
    note(database, Contact("node-a", None, 0))
    on_the_way = effect(database)
    acknowledge(database, "node-a", 1, now=MORNING + SECOND)
    caught_up = effect(database)
    acknowledge(database, "node-a", 1, NodeReport(1, 2, 0, 0, waiting=1), now=MORNING + 2 * SECOND)
    counted = effect(database)

    assert on_the_way is not None
    assert caught_up is not None
    assert counted is not None
    assert (on_the_way.done, caught_up.done, counted.done) == (0, 1, 1)
    assert (caught_up.sessions, caught_up.last_done_at) == (0, MORNING + SECOND)
    assert (counted.sessions, counted.waiting) == (2, 1)
    assert position(database) == (epoch, 1)


def test_the_latest_end_is_shown(database: Database) -> None:
    """A reinstatement does not hide it; after a week there is nothing to show."""
    settle(database, "ohg-a", "ohg-b")
    suspend(database, "ohg-a")
    reinstate(database, "ohg-a", MORNING + SECOND)
    first = effect(database)
    end_sessions(database, "ohg-a", MORNING + 2 * SECOND)
    second = effect(database)
    clock = FakeClock()
    clock.advance(days=8)
    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)

    assert first is not None
    assert second is not None
    assert (first.action, second.action) == (SUSPEND, END_SESSIONS)
    assert effect(database) is None
    assert effect(database, "ohg-b") is None


def test_a_purge_takes_the_reports_along(database: Database) -> None:
    """Nodes stay until they are forgotten."""
    settle(database, "ohg-a")
    suspend(database, "ohg-a")
    acknowledge(database, "node-a", 1, NodeReport(1, 2, 0, 0))
    clock = FakeClock()
    clock.advance(days=8)

    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)

    assert [node.node for node in nodes(database)] == ["node-a"]
    suspend_school(database)
    reinstate(database, "ohg-a")
    assert effect(database) is None


@pytest.mark.parametrize(("seconds", "is_late"), [(30, False), (31, True)])
def test_a_node_is_late_after_half_a_minute(database: Database, seconds: int, *, is_late: bool) -> None:
    """By name, with the moment of its last question, also of its first one."""
    note(database, Contact("node-b", None, 0), MORNING)
    note(database, Contact("node-a", None, 0), MORNING + timedelta(seconds=5))
    note(database, Contact("node-b", None, 0), MORNING)

    assert nodes(database, seconds=seconds) == [
        NodeRow("node-a", MORNING + timedelta(seconds=5), is_late=False),
        NodeRow("node-b", MORNING, is_late=is_late),
    ]
