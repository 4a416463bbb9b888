"""A Prosody that comes for the first time, or cannot go on, gets a snapshot; ids keep their meaning."""

from datetime import timedelta

import pytest

from authbridge import retention
from authbridge.revocations import feed
from authbridge.revocations.feed import AccessState, Events, Snapshot
from authbridge.storage import schema
from authbridge.storage.database import Database
from tests.support.factories import LIMITS
from tests.support.fakes import MORNING, FakeClock
from tests.support.feeds import (
    SECOND,
    WEEK,
    ask,
    end_sessions,
    events_since,
    position,
    reinstate,
    remove,
    settle,
    snapshot,
    suspend,
    suspend_school,
)


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
