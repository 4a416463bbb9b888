"""What every Prosody is told: effective changes only, each once, in an order in which none is lost."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from authbridge import retention
from authbridge.audit import Action
from authbridge.revocations import feed, reports
from authbridge.revocations import status as prosodys
from authbridge.revocations.feed import AccessState, Events, Snapshot
from authbridge.revocations.reports import Contact, NodeReport
from authbridge.revocations.status import NodeRow, RevocationStatus
from authbridge.schools.commands import organisers
from authbridge.schools.commands.print_jobs import new_print_job_id
from authbridge.schools.lookup import get_organiser
from authbridge.storage import schema
from authbridge.storage.database import Database
from tests.support.combinations import SQLITE_FIRST
from tests.support.factories import ACTOR, HASHER, KEYED_HASHES, LIMITS, make_print_job
from tests.support.fakes import MORNING, FakeClock
from tests.support.feeds import (
    END_SESSIONS,
    REINSTATE,
    SUSPEND,
    Published,
    acknowledge,
    ask,
    audited,
    end_sessions,
    events_since,
    note,
    position,
    published_since,
    reinstate,
    reinstate_school,
    settle,
    snapshot,
    suspend,
    suspend_school,
    suspended_after,
    suspended_in,
)

WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)
YESTERDAY = MORNING.date() - timedelta(days=1)


def reset(database: Database, name: str) -> None:
    """A new password, printed."""
    print_job = make_print_job(new_print_job_id())
    (password,) = organisers.make_passwords(1, HASHER, print_job=print_job)
    with database.write_session() as session:
        organisers.reset_password(
            session, name, password, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING
        )


def set_validity(database: Database, name: str, day: date | None) -> None:
    """The last day of validity."""
    with database.write_session() as session:
        organisers.change_validity(session, name, day, today=MORNING.date(), actor=ACTOR, now=MORNING)


def remove(database: Database, name: str) -> None:
    """Deletes an organiser."""
    with database.write_session() as session:
        organisers.delete_organiser(session, name, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING)


SCHOOLS = ("a", "b")
NAMES = ("a1", "a2", "b1")  # of the school with their first letter


@dataclass
class County:
    """The rule in sets: who is suspended, himself or with his school, and what that is worth telling."""

    suspended: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    told: Published = field(default_factory=list)

    def effective(self) -> set[str]:
        """Returns the names that may not open a meeting."""
        return {name for name in NAMES if {name, name[0]} & self.suspended} - self.deleted

    def do(self, what: str, whom: str) -> None:
        """One command."""
        before = self.effective()
        if whom in self.deleted:
            return
        match what:
            case "suspend":
                self.suspended.add(whom)
            case "reinstate":
                self.suspended.discard(whom)
            case "delete":
                self.told.append((whom, REINSTATE if whom in before else END_SESSIONS))
                self.deleted.add(whom)
                return
            case _:
                if whom not in before:
                    self.told.append((whom, END_SESSIONS))
        after = self.effective()
        self.told += [(name, SUSPEND) for name in sorted(after - before)]
        self.told += [(name, REINSTATE) for name in sorted(before - after)]


COMMANDS: dict[str, Callable[[Database, str], object]] = {
    "suspend": suspend,
    "reinstate": reinstate,
    "end": end_sessions,
    "reset": reset,
    "delete": remove,
}
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["suspend", "reinstate"]), st.sampled_from(SCHOOLS)),
        st.tuples(st.sampled_from(list(COMMANDS)), st.sampled_from(NAMES)),
    ),
    max_size=14,
)
_serial = count()


@SQLITE_FIRST
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
@example(steps=[("suspend", "a1"), ("suspend", "a"), ("reinstate", "a"), ("reinstate", "a1")])
@example(steps=[("suspend", "a"), ("suspend", "a1"), ("reinstate", "a1"), ("reinstate", "a")])
@example(steps=[("suspend", "a"), ("suspend", "a1"), ("reinstate", "a"), ("delete", "a1"), ("end", "a2")])
@example(steps=[("suspend", "b1"), ("suspend", "b1"), ("end", "b1"), ("reset", "b1"), ("reinstate", "b")])
def test_exactly_the_effective_changes_are_told(database: Database, steps: list[tuple[str, str]]) -> None:
    """In any order, of schools and of organisers; and a snapshot says what the events add up to."""
    ours = f"{next(_serial):04}"  # each story has names of its own in the same database
    for school in SCHOOLS:
        settle(database, *(f"{name}-{ours}" for name in NAMES if name[0] == school), code=school + ours)
    _, start = position(database)
    county = County()

    for what, whom in steps:
        if whom in county.deleted:
            continue
        county.do(what, whom)
        if whom not in SCHOOLS:
            COMMANDS[what](database, f"{whom}-{ours}")
        elif what == "suspend":
            suspend_school(database, whom + ours)
        else:
            reinstate_school(database, whom + ours)

    events = events_since(database, start)
    assert [(event.username, event.action) for event in events] == [
        (f"{name}-{ours}", action) for name, action in county.told
    ]
    assert [event.id for event in events] == list(range(start + 1, start + 1 + len(events)))
    effective = {f"{name}-{ours}" for name in county.effective()}
    assert suspended_after(events) == effective
    ended = {f"{name}-{ours}" for name, action in county.told if action is not REINSTATE}
    states = {each.username: each for each in snapshot(database).states if ours in each.username}
    assert {name for name, each in states.items() if each.suspended} == effective
    assert {name for name, each in states.items() if each.sessions_end_before} == ended


def test_changes_at_the_same_moment_add_up(database: Database) -> None:
    """Whoever suspends a school and whoever reinstates one of its organisers meanwhile see each other."""
    settle(database, "ohg-a", "ohg-b")
    changes: list[Callable[[], object]] = [
        lambda: suspend_school(database),
        lambda: reinstate_school(database),
        lambda: suspend(database, "ohg-a"),
        lambda: reinstate(database, "ohg-a"),
        lambda: reset(database, "ohg-b"),
    ]

    def change(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - a story, no secret
        for _ in range(15):
            chance.choice(changes)()

    with ThreadPoolExecutor(4) as people:
        list(people.map(change, range(4)))

    events = events_since(database)
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert suspended_after(events) == suspended_in(snapshot(database))
    for name in ("ohg-a", "ohg-b"):
        told = [event.action for event in events if event.username == name]
        told = [action for action in told if action is not END_SESSIONS]
        assert told == [SUSPEND, REINSTATE] * (len(told) // 2) + [SUSPEND] * (len(told) % 2)


def test_a_new_password_and_a_past_day_end_the_sessions(database: Database) -> None:
    """A day that is still to come, or none, does not; the command's own audit event is the only one."""
    settle(database, "ohg-a")
    changes: list[Callable[[], None]] = [
        lambda: reset(database, "ohg-a"),
        lambda: set_validity(database, "ohg-a", MORNING.date()),
        lambda: set_validity(database, "ohg-a", YESTERDAY),
        lambda: set_validity(database, "ohg-a", None),
        lambda: remove(database, "ohg-a"),
    ]
    told = []
    for change in changes:
        _, before = position(database)
        change()
        told.append([action for _, action in published_since(database, before)])

    assert told == [[END_SESSIONS], [], [END_SESSIONS], [], [END_SESSIONS]]
    assert len(audited(database)) == 1 + len(told)


def test_to_log_out_everywhere_is_a_command_of_its_own(database: Database) -> None:
    """Audited once; whoever is suspended was logged out then, and nothing is told or written again."""
    settle(database, "ohg-a")

    assert end_sessions(database, "ohg-a")
    suspend(database, "ohg-a")
    assert not end_sessions(database, "ohg-a")

    assert published_since(database) == [("ohg-a", END_SESSIONS), ("ohg-a", SUSPEND)]
    assert audited(database).count(Action.ORGANISER_END_SESSIONS) == 1


def test_what_is_not_committed_is_not_told(database: Database) -> None:
    """A command that fails tells nothing, and its id is somebody else's then."""
    settle(database, "ohg-a", "ohg-b")

    def fail() -> None:
        with database.write_session() as session:
            organisers.end_sessions(session, "ohg-a", actor=ACTOR, now=MORNING)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    end_sessions(database, "ohg-b")

    assert [(event.id, event.username) for event in events_since(database)] == [(1, "ohg-b")]


def test_a_first_contact_gets_a_snapshot(database: Database) -> None:
    """Who is suspended, whoever did it; whose sessions ended this week, also if he is in order or gone."""
    settle(database, "ohg-a", "ohg-b", "ohg-c", "ohg-d")
    settle(database, "gsw-a", code="gsw")
    times = [MORNING + timedelta(minutes=minute) for minute in range(6)]
    suspend(database, "ohg-a", times[0])
    suspend_school(database, "gsw", times[1])
    end_sessions(database, "ohg-b", times[2])
    end_sessions(database, "ohg-b", times[3])
    suspend(database, "ohg-c", times[4])
    reinstate(database, "ohg-c", times[5])
    remove(database, "ohg-d")

    epoch, last_id = position(database)
    assert snapshot(database) == Snapshot(
        epoch,
        last_id,
        (
            AccessState("gsw-a", suspended=True, sessions_end_before=times[1]),
            AccessState("ohg-a", suspended=True, sessions_end_before=times[0]),
            AccessState("ohg-b", suspended=False, sessions_end_before=times[3]),
            AccessState("ohg-c", suspended=False, sessions_end_before=times[4]),
            AccessState("ohg-d", suspended=False, sessions_end_before=MORNING),
        ),
        MORNING,
    )


@pytest.mark.parametrize(
    ("age", "told"), [pytest.param(WEEK, True, id="a week"), pytest.param(WEEK + SECOND, False, id="more")]
)
def test_the_end_of_sessions_is_told_for_a_week(database: Database, age: timedelta, *, told: bool) -> None:
    """Purged or not; a suspension is told for as long as it lasts."""
    settle(database, "ohg-a", "ohg-b")
    end_sessions(database, "ohg-a")
    suspend(database, "ohg-b")
    clock = FakeClock()
    clock.now += age

    for _ in range(2):
        states = {each.username: each for each in snapshot(database, clock.now).states}
        assert ("ohg-a" in states) == told
        assert (states["ohg-b"].sessions_end_before is not None) == told
        assert states["ohg-b"].suspended
        retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)


def test_who_cannot_go_on_gets_a_snapshot(database: Database) -> None:
    """Another epoch, an id that was never given out, and one after which something is purged."""
    settle(database, "ohg-a")
    clock = FakeClock()
    for minute in range(3):
        end_sessions(database, "ohg-a", MORNING + timedelta(minutes=minute))
    epoch, last_id = position(database)
    assert last_id == 3

    assert isinstance(ask(database, epoch, 0), Events)
    assert ask(database, epoch, 3) == Events(epoch, 3, ())
    for strange in (ask(database, "0" * 32, 3), ask(database, epoch, 4), ask(database, None, 3)):
        assert strange == snapshot(database)

    clock.now += WEEK + timedelta(minutes=1, seconds=1)  # the first two are too old
    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
    for cursor, kind in ((0, Snapshot), (1, Snapshot), (2, Events), (3, Events)):
        assert isinstance(ask(database, epoch, cursor, now=clock.now), kind)


def test_ids_grow_after_everything_is_purged(database: Database, database_url: str) -> None:
    """And after a restart: an id that a node holds never means something else."""
    settle(database, "ohg-a")
    clock = FakeClock()
    end_sessions(database, "ohg-a")
    epoch, _ = position(database)
    clock.advance(days=8)
    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
    database.engine.dispose()

    restarted = Database(database_url)
    end_sessions(restarted, "ohg-a", clock.now)
    answer = ask(restarted, epoch, 1, now=clock.now)
    restarted.engine.dispose()

    assert isinstance(answer, Events)
    assert [event.id for event in answer.events] == [2]


@pytest.mark.own_database
def test_a_new_feed_has_a_new_epoch(database: Database) -> None:
    """Ids of another database mean nothing in this one."""
    epoch, _ = position(database)
    while schema.version(database) is not None:
        schema.downgrade(database)
    schema.upgrade(database)

    anew, last_id = position(database)

    assert (len(epoch), len(anew), last_id) == (len(anew), len(epoch), 0)
    assert anew[:32] != epoch[:32]


def test_a_large_school_is_told_in_several_answers(database: Database) -> None:
    """Five hundred at a time, and nobody twice."""
    settle(database, *(f"ohg-{number:04}" for number in range(feed.MOST_EVENTS + 20)))
    suspend_school(database)
    epoch, _ = position(database)

    first = ask(database, epoch, 0)

    assert isinstance(first, Events)
    assert (len(first.events), first.cursor) == (feed.MOST_EVENTS, feed.MOST_EVENTS)
    assert [event.id for event in events_since(database)] == list(range(1, feed.MOST_EVENTS + 21))


def effect(database: Database, name: str = "ohg-a", **after: float) -> RevocationStatus | None:
    """What the panel shows."""
    with database.read_session() as session:
        now = MORNING + timedelta(**after)
        return prosodys.revocation_status_of(session, get_organiser(session, name), now=now)


def nodes(database: Database, **after: float) -> list[NodeRow]:
    """The Prosodys, as the panel shows them."""
    with database.read_session() as session:
        return prosodys.nodes(session, now=MORNING + timedelta(**after))


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
