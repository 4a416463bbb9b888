"""A Prosody's report of an order counts once, and settles what was waiting."""

import pytest

from authbridge.revocations import reports
from authbridge.revocations.reports import Contact, NodeReport
from authbridge.storage.database import Database
from tests.support.fakes import MORNING
from tests.support.feeds import SECOND, acknowledge, effect, note, position, settle, suspend, suspend_school


def test_a_report_counts_once(database: Database) -> None:
    """Repeated it changes nothing, nor does what is reported of another feed or of no event."""
    settle(database, "ohg-a")
    suspend(database, "ohg-a")
    acknowledge(database, "node-a", 1, NodeReport(1, 2, 0, 0), NodeReport(7, 9, 9, 9))
    first = effect(database)
    acknowledge(database, "node-a", 1, NodeReport(1, 0, 0, 0), NodeReport(1, 5, 5, 5), now=MORNING + SECOND)
    note(database, Contact("node-b", "0" * 32, 1, (NodeReport(1, 5, 5, 5),)))
    note(database, Contact("node-c", position(database)[0], 2, (NodeReport(1, 5, 5, 5),)))

    again = effect(database)
    assert first is not None
    assert again is not None
    assert (first.sessions, first.done, first.nodes) == (2, 1, 1)
    assert (again.sessions, again.done, again.nodes) == (2, 1, 3)


FIRST = NodeReport(1, 1, 1, 0, waiting=1)  # jicofo is away
SETTLED = NodeReport(1, 1, 1, 1)  # it is back, and has confirmed


@pytest.mark.parametrize(
    ("reports", "counts", "finished_after"),
    [
        pytest.param([FIRST], (1, 1, 0, 1), 0, id="the first"),
        pytest.param([FIRST, SETTLED], (1, 1, 1, 0), 1, id="both in order"),
        pytest.param([FIRST, FIRST], (1, 1, 0, 1), 0, id="the first repeated"),
        pytest.param([FIRST, SETTLED, SETTLED], (1, 1, 1, 0), 1, id="the second repeated"),
        pytest.param([FIRST, SETTLED, FIRST], (1, 1, 1, 0), 1, id="the first again after the second"),
        pytest.param([SETTLED, FIRST], (1, 1, 1, 0), 0, id="reversed"),
        pytest.param([FIRST, NodeReport(1, 1, 1, 0, waiting=2)], (1, 1, 0, 1), 0, id="more"),
        pytest.param([NodeReport(1, 1, 1, 0), SETTLED], (1, 1, 0, 0), 0, id="nothing waited"),
        pytest.param([FIRST, NodeReport(1, 9, 9, 1)], (1, 1, 1, 0), 1, id="sessions and meetings stay"),
        pytest.param(
            [NodeReport(1, 1, 0, 0, waiting=3), NodeReport(1, 1, 0, 2, waiting=1), NodeReport(1, 1, 0, 3)],
            (1, 0, 3, 0),
            2,
            id="one after the other",
        ),
        pytest.param(
            [NodeReport(1, 2, 1, 1, waiting=1), NodeReport(1, 0, 0, 0)],
            (2, 1, 1, 0),
            1,
            id="zeros after a loss",
        ),
    ],
)
def test_a_later_report_settles_what_was_waiting(
    database: Database, reports: list[NodeReport], counts: tuple[int, ...], finished_after: int
) -> None:
    """It ends no session and no meeting once more; its moment is the one when it was finished."""
    settle(database, "ohg-a")
    suspend(database, "ohg-a")
    for seconds, report in enumerate(reports):
        acknowledge(database, "node-a", 1, report, now=MORNING + seconds * SECOND)

    found = effect(database)
    assert found is not None
    assert (found.sessions, found.meetings, found.logins, found.waiting) == counts
    assert found.last_done_at == MORNING + finished_after * SECOND
    assert (found.is_complete, found.is_awaited) == (True, False)
    assert found.is_finished == (found.waiting == 0)


def test_both_reports_may_come_in_one_question(database: Database) -> None:
    """The service was away meanwhile."""
    settle(database, "ohg-a")
    suspend(database, "ohg-a")
    acknowledge(database, "node-a", 1, FIRST, SETTLED)

    found = effect(database)
    assert found is not None
    assert (found.sessions, found.logins, found.waiting) == (1, 1, 0)


@pytest.mark.parametrize(
    "epoch", [pytest.param(None, id="restarted"), pytest.param("0" * 32, id="other feed")]
)
def test_a_node_that_begins_anew_has_nothing_waiting(database: Database, epoch: str | None) -> None:
    """It has forgotten what it was to report, and what others wait for stays; no login counts as deleted."""
    settle(database, "ohg-a", "ohg-b")
    suspend_school(database)
    for node in ("node-a", "node-b"):
        acknowledge(database, node, 2, FIRST, NodeReport(2, 0, 0, 1, waiting=2))

    note(database, Contact("node-a", epoch, 0), MORNING + SECOND)
    acknowledge(database, "node-a", 2, SETTLED, now=MORNING + 2 * SECOND)

    first, second = effect(database), effect(database, "ohg-b")
    assert first is not None
    assert second is not None
    assert (first.logins, first.waiting, second.logins, second.waiting) == (0, 1, 2, 2)
    assert first.last_done_at == MORNING


def test_a_forgotten_node_has_nothing_waiting(database: Database) -> None:
    """It is gone for good; what it ended stays noted."""
    settle(database, "ohg-a")
    suspend(database, "ohg-a")
    acknowledge(database, "node-a", 1, FIRST)
    acknowledge(database, "node-b", 1, NodeReport(1, 0, 0, 0))
    with database.write_session() as session:
        reports.forget_node(session, "node-a")

    found = effect(database)
    assert found is not None
    assert (found.sessions, found.waiting, found.nodes, found.is_finished) == (1, 0, 1, True)
