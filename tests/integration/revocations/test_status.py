"""What Prosodys have told: the meetings that run now, and what became of a school's suspension."""

from datetime import datetime, timedelta

from authbridge import retention
from authbridge.revocations import feed, reports
from authbridge.revocations import status as prosodys
from authbridge.revocations.reports import Contact, NodeReport
from authbridge.revocations.status import Meetings, RevocationStatus, SchoolMeetings
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.storage.database import Database
from authbridge.storage.models import ProsodyNode
from tests.support.factories import LIMITS
from tests.support.fakes import MORNING, FakeClock
from tests.support.feeds import (
    SECOND,
    SUSPEND,
    WEEK,
    acknowledge,
    end_sessions,
    note,
    position,
    reinstate_school,
    report,
    settle,
    suspend,
    suspend_school,
)


def running(database: Database, **after: float) -> Meetings:
    """What the overview shows."""
    with database.read_session() as session:
        return prosodys.meetings(session, now=MORNING + timedelta(**after))


def running_of(database: Database, name: str, **after: float) -> int | None:
    """What the page of a school ("ohg") or of an organiser ("ohg-a") shows."""
    with database.read_session() as session:
        whose = get_organiser(session, name) if "-" in name else get_school(session, name)
        return prosodys.meetings_of(session, whose, now=MORNING + timedelta(**after))


def school_effect(database: Database, code: str = "ohg", **after: float) -> RevocationStatus | None:
    """What the page of a school shows."""
    with database.read_session() as session:
        now = MORNING + timedelta(**after)
        return prosodys.revocation_status_of(session, get_school(session, code), now=now)


def test_meetings_add_up_over_nodes_and_schools(database: Database) -> None:
    """The busiest school first; whoever is of no school counts in all only."""
    settle(database, "ohg-a", "ohg-b")
    settle(database, "abc-a", code="abc")
    settle(database, "xyz-a", code="xyz")
    report(database, "node-a", {"ohg-a": 1, "abc-a": 1, "gone-x": 2, "": 3})
    report(database, "node-b", {"ohg-a": 1, "ohg-b": 1}, MORNING + 5 * SECOND)

    assert running(database, seconds=20) == Meetings(
        9,
        (SchoolMeetings("ohg", "Otto-Hahn-Gymnasium", 3), SchoolMeetings("abc", "Otto-Hahn-Gymnasium", 1)),
        MORNING,
    )
    names = ("ohg", "abc", "xyz", "ohg-a", "ohg-b", "abc-a")
    assert [running_of(database, name) for name in names] == [3, 1, 0, 2, 1, 1]


def test_each_question_replaces_what_was_told(database: Database) -> None:
    """Nothing of before is left, also where a node begins anew."""
    settle(database, "ohg-a", "ohg-b")
    report(database, "node-a", {"ohg-a": 2})
    report(database, "node-a", {"ohg-b": 1}, MORNING + SECOND)
    assert [running_of(database, name) for name in ("ohg-a", "ohg-b")] == [0, 1]

    note(database, Contact("node-a", None, 0), MORNING + 2 * SECOND)

    assert running(database) == Meetings(0, (), MORNING + 2 * SECOND)


def test_a_late_node_tells_nothing(database: Database) -> None:
    """What it said half a minute ago is not what runs now; when all are late, nobody knows."""
    settle(database, "ohg-a")
    assert running(database) == Meetings(0, (), None)
    report(database, "node-a", {"ohg-a": 2})
    report(database, "node-b", {"ohg-a": 1}, MORNING + 10 * SECOND)

    assert running(database, seconds=30).total == 3
    assert running(database, seconds=31) == Meetings(
        1, (SchoolMeetings("ohg", "Otto-Hahn-Gymnasium", 1),), MORNING + 10 * SECOND
    )
    assert [running_of(database, name, seconds=31) for name in ("ohg", "ohg-a")] == [1, 1]
    assert running(database, seconds=41) == Meetings(0, (), None)
    assert [running_of(database, name, seconds=41) for name in ("ohg", "ohg-a")] == [None, None]


def test_the_list_of_nodes_says_how_many_ran_there(database: Database) -> None:
    """Those of a name and those without one."""
    report(database, "node-a", {"ohg-a": 2, "": 3})
    report(database, "node-b")
    with database.read_session() as session:
        assert [(row.node, row.meetings) for row in prosodys.nodes(session, now=MORNING)] == [
            ("node-a", 5),
            ("node-b", 0),
        ]


def test_a_node_is_behind_by_what_it_has_not_shown_to_be_done(database: Database) -> None:
    """After a snapshot everything of the week may be open, until the node asks for what comes next."""
    settle(database, "anna", "bert")
    suspend(database, "anna", MORNING)
    note(database, Contact("node-a", None, 0), MORNING)
    later = MORNING + timedelta(minutes=1)
    suspend(database, "bert", later)

    assert behind(database) == (2, MORNING)
    acknowledge(database, "node-a", 1)
    assert behind(database) == (1, later)
    acknowledge(database, "node-a", 2)
    assert behind(database) == (0, None)


def test_a_node_stays_behind_when_old_revocations_are_deleted(database: Database) -> None:
    """It has not carried them out, and they are at least as old as the feed keeps them."""
    settle(database, "anna")
    acknowledge(database, "node-a", 0)
    suspend(database, "anna", MORNING)
    now = MORNING + feed.KEPT + timedelta(minutes=1)
    with database.write_session() as session:
        feed.purge_batch(session, now=now)

    assert behind(database, now) == (1, now - feed.KEPT)


def behind(database: Database, now: datetime = MORNING) -> tuple[int, datetime | None]:
    """How many revocations the only node has not carried out, and since when the oldest of them waits."""
    with database.read_connection() as connection:
        (node,) = prosodys.progress(connection, now=now)
    return node.waiting, node.waiting_since


def test_what_a_silent_node_told_is_forgotten(database: Database) -> None:
    """By the hourly purge, after an hour; the node itself stays until somebody forgets it."""
    clock = FakeClock()
    report(database, "node-a", {"ohg-a": 2})
    clock.advance(hours=1)
    report(database, "node-b", {"ohg-a": 1}, clock.now)
    told = {}
    for seconds in (0, 1):
        clock.advance(seconds=seconds)
        retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
        with database.read_session() as session:
            told[seconds] = {node.node: node.meetings for node in session.query(ProsodyNode)}
    assert told[0] == {"node-a": {"ohg-a": 2}, "node-b": {"ohg-a": 1}}
    assert told[1] == {"node-a": {}, "node-b": {"ohg-a": 1}}


def test_a_forgotten_node_leaves_nothing(database: Database) -> None:
    """Its numbers go with it."""
    report(database, "node-a", {"ohg-a": 2})
    with database.write_session() as session:
        assert reports.forget_node(session, "node-a")
    assert running(database) == Meetings(0, (), None)


def test_names_may_be_whatever_a_question_holds(database: Database) -> None:
    """Neither kind of database stumbles over one."""
    odd = {"\0": 1, "\ud800": 1, "'\"": 1, "x" * 1023: 1, "ü": 1}
    note(database, Contact("node-a", None, 0, meetings=odd))
    assert running(database).total == len(odd)
    assert running(database).schools == ()


def test_a_schools_effect_is_that_of_all_its_organisers(database: Database) -> None:
    """Their counts add up; a node has carried it out once it has done so with each of them."""
    settle(database, "ohg-a", "ohg-b", "ohg-c")
    suspend(database, "ohg-c", MORNING - SECOND)
    for node in ("node-a", "node-b"):
        acknowledge(database, node, 1, NodeReport(1, 9, 9, 9))
    suspend_school(database)
    before = school_effect(database)
    acknowledge(database, "node-a", 3, NodeReport(2, 2, 1, 1), NodeReport(3, 1, 0, 0), now=MORNING + SECOND)
    acknowledge(database, "node-b", 2, NodeReport(2, 1, 1, 0), now=MORNING + 2 * SECOND)
    half = school_effect(database)
    late = school_effect(database, seconds=31)
    acknowledge(database, "node-b", 3, NodeReport(3, 0, 0, 1), now=MORNING + 3 * SECOND)

    assert before == RevocationStatus(SUSPEND, MORNING, 0, 0, 0, done=0, nodes=2, last_done_at=None, late=())
    assert before.is_awaited
    assert half is not None
    assert (half.done, half.nodes, half.is_awaited, half.late) == (1, 2, True, ())
    assert late is not None
    assert (late.late, late.is_awaited, late.is_complete) == (("node-b",), False, False)
    done = school_effect(database)
    assert done == RevocationStatus(
        SUSPEND, MORNING, 4, 2, 2, done=2, nodes=2, last_done_at=MORNING + 3 * SECOND, late=()
    )
    assert done.is_complete


def test_a_schools_effect_is_of_its_latest_suspension(database: Database) -> None:
    """Neither of an earlier one, nor of another school's at the same moment, nor of one organiser's."""
    settle(database, "ohg-a", "ohg-b")
    settle(database, "abc-a", code="abc")
    settle(database, code="xyz")
    assert school_effect(database) is None
    for moment in (MORNING, MORNING + 10 * SECOND):
        for code in ("ohg", "abc", "xyz"):
            suspend_school(database, code, moment)
        for code in ("ohg", "abc", "xyz"):
            reinstate_school(database, code, moment + SECOND)
    end_sessions(database, "ohg-a", MORNING + 20 * SECOND)
    acknowledge(database, "node-a", 3, NodeReport(1, 9, 9, 9))
    assert school_effect(database, seconds=20) == RevocationStatus(
        SUSPEND, MORNING + 10 * SECOND, 0, 0, 0, done=0, nodes=1, last_done_at=None, late=()
    )
    (_, last_id) = position(database)
    acknowledge(
        database, "node-a", last_id, NodeReport(7, 1, 0, 0), NodeReport(8, 1, 0, 0), NodeReport(9, 5, 5, 5)
    )

    effect = school_effect(database, seconds=20)
    assert effect is not None
    assert (effect.sessions, effect.done) == (2, 1)
    assert school_effect(database, "xyz") is None, "nobody of it was told"


def test_suspensions_of_the_same_moment_are_told_apart(database: Database) -> None:
    """The school's status has none of an organiser's own suspension, though both began at the same moment."""
    settle(database, "ohg-a", "ohg-b")
    suspend(database, "ohg-b")
    suspend_school(database)
    acknowledge(database, "node-a", 2, NodeReport(1, 9, 9, 9), NodeReport(2, 1, 0, 0))
    effect = school_effect(database)
    assert effect is not None
    assert (effect.sessions, effect.meetings, effect.logins, effect.done) == (1, 0, 0, 1)


def test_a_schools_effect_counts_all_the_logins_that_wait(database: Database) -> None:
    """Of all its organisers on all nodes; carried out is not finished, and no click waits for it."""
    settle(database, "ohg-a", "ohg-b")
    suspend_school(database)
    acknowledge(database, "node-a", 2, NodeReport(1, 1, 0, 0, waiting=1), NodeReport(2, 0, 0, 0, waiting=2))
    acknowledge(database, "node-b", 2, NodeReport(1, 0, 0, 1), NodeReport(2, 0, 0, 0, waiting=1))
    before = school_effect(database)
    acknowledge(database, "node-a", 2, NodeReport(1, 1, 0, 1), NodeReport(2, 0, 0, 2), now=MORNING + SECOND)
    acknowledge(database, "node-b", 2, NodeReport(2, 0, 0, 1), now=MORNING + 2 * SECOND)

    assert before == RevocationStatus(
        SUSPEND, MORNING, 1, 0, 1, waiting=4, done=2, nodes=2, last_done_at=MORNING, late=()
    )
    assert (before.is_complete, before.is_awaited, before.is_finished) == (True, False, False)
    after = school_effect(database)
    assert after is not None
    assert (after.logins, after.waiting, after.is_finished) == (5, 0, True)
    assert after.last_done_at == MORNING + 2 * SECOND


def test_what_was_not_counted_is_not_called_nothing(database: Database) -> None:
    """A node that came by a snapshot has carried it out, and did not say how much that ended."""
    settle(database, "ohg-a", "ohg-b")
    suspend_school(database)
    acknowledge(database, "node-a", 2, NodeReport(1, 0, 0, 0))
    effect = school_effect(database)
    assert effect is not None
    assert (effect.is_complete, effect.is_counted) == (True, False)
    acknowledge(database, "node-a", 2, NodeReport(2, 0, 0, 0))
    effect = school_effect(database)
    assert effect is not None
    assert effect.is_counted
