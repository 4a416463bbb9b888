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

from authbridge.audit import Action
from authbridge.schools.commands import organisers
from authbridge.schools.commands.print_jobs import new_print_job_id
from authbridge.storage.database import Database
from tests.support.combinations import SQLITE_FIRST
from tests.support.factories import ACTOR, HASHER, KEYED_HASHES, make_print_job
from tests.support.fakes import MORNING
from tests.support.feeds import (
    END_SESSIONS,
    REINSTATE,
    SUSPEND,
    Published,
    audited,
    end_sessions,
    events_since,
    position,
    published_since,
    reinstate,
    reinstate_school,
    remove,
    settle,
    snapshot,
    suspend,
    suspend_school,
    suspended_after,
    suspended_in,
)

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
