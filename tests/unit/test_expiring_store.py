"""What a store in memory forgets, and when; each value that goes is wiped once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from authbridge.expiring_store import ExpiringStore
from tests.support.fakes import MORNING

MINUTE = timedelta(minutes=1)


def make_store(max_size: int | None = None) -> tuple[ExpiringStore[str, list[str]], list[list[str]]]:
    """Returns a store with a lifetime of a minute, and the values that it has wiped."""
    wiped: list[list[str]] = []
    return ExpiringStore(MINUTE, max_size, wipe=wiped.append), wiped


@pytest.mark.parametrize(
    ("age", "found"),
    [
        pytest.param(timedelta(0), True, id="at once"),
        pytest.param(MINUTE - timedelta(microseconds=1), True, id="a moment before the end"),
        pytest.param(MINUTE, False, id="at the end"),
    ],
)
def test_an_entry_ends_with_its_lifetime(age: timedelta, *, found: bool) -> None:
    """Nobody finds, takes or lists it afterwards, whether it was swept or not."""
    store, _ = make_store()
    store.put("a", ["secret"], now=MORNING)
    then = MORNING + age
    assert (store.find("a", now=then) is not None) is found
    assert bool(store.values(now=then)) is found
    assert (store.take("a", now=then) is not None) is found


@pytest.mark.parametrize(("ahead", "found"), [(MINUTE, True), (2 * MINUTE, False)])
def test_a_clock_that_was_ahead_keeps_nothing_for_long(ahead: timedelta, *, found: bool) -> None:
    """What was put then goes when the clock is set back; by less than a lifetime, nothing is lost."""
    store, wiped = make_store()
    store.put("a", ["secret"], now=MORNING + ahead)
    assert bool(store.values(now=MORNING)) is found
    assert store.sweep(now=MORNING) is not found
    assert wiped == ([] if found else [["secret"]])


def test_the_lifetime_begins_anew_with_each_put() -> None:
    """The same value put again is not wiped; another one in its place wipes the first."""
    store, wiped = make_store()
    value = ["first"]
    store.put("a", value, now=MORNING)
    store.put("a", value, now=MORNING + MINUTE / 2)
    assert store.find("a", now=MORNING + MINUTE) is value
    assert wiped == []
    store.put("a", ["second"], now=MORNING + MINUTE)
    assert wiped == [["first"]]


def test_a_held_entry_ends_only_after_it_was_put_again() -> None:
    """Work that takes longer than the lifetime does not lose its result."""
    store, wiped = make_store()
    value = ["work"]
    store.put("a", value, now=MORNING, is_held=True)
    later = MORNING + 10 * MINUTE
    assert not store.sweep(now=later)
    assert store.find("a", now=later) is value
    store.put("a", value, now=later)
    assert store.find("a", now=later + MINUTE) is None
    assert store.sweep(now=later + MINUTE)
    assert wiped == [["work"]]


def test_a_full_store_keeps_what_it_has() -> None:
    """A new entry is wiped at once, until an old one has ended; one with a key that is there is kept."""
    store, wiped = make_store(max_size=2)
    for name, seconds in (("a", 0), ("b", 1), ("c", 2)):
        store.put(name, [name], now=MORNING + timedelta(seconds=seconds))
    now = MORNING + timedelta(seconds=3)
    store.put("a", ["new"], now=now)
    assert store.values(now=now) == [["b"], ["new"]]
    assert wiped == [["c"], ["a"]]
    later = MORNING + MINUTE + timedelta(seconds=1)
    store.put("c", ["c"], now=later)
    assert store.values(now=later) == [["new"], ["c"]]
    assert wiped == [["c"], ["a"], ["b"]]


def test_a_full_store_may_forget_its_oldest() -> None:
    """Where it says so; a key that is there makes nobody else go."""
    wiped: list[list[str]] = []
    store: ExpiringStore[str, list[str]] = ExpiringStore(MINUTE, 2, forgets_oldest=True, wipe=wiped.append)
    for name in ("a", "b", "a", "c"):
        store.put(name, [name], now=MORNING)
    assert store.values(now=MORNING) == [["a"], ["c"]]
    assert wiped == [["a"], ["b"]]


def test_a_value_stands_in_no_repr() -> None:
    """A log that names the store names no secret."""
    store, _ = make_store()
    store.put("a", ["a-secret"], now=MORNING)
    assert "a-secret" not in repr(store)


def test_what_is_taken_is_its_takers() -> None:
    """It is found no more and not wiped; one that is not wanted stays."""
    store, wiped = make_store()
    store.put("a", ["x"], now=MORNING)
    assert store.take("a", lambda value: value == ["y"], now=MORNING) is None
    assert store.take("a", lambda value: value == ["x"], now=MORNING) == ["x"]
    assert store.take("a", now=MORNING) is None
    assert wiped == []


def test_a_sweep_wipes_what_is_over_and_what_is_unwanted() -> None:
    """Each once; the others stay."""
    store, wiped = make_store()
    store.put("old", ["old"], now=MORNING)
    for name in ("mine", "theirs"):
        store.put(name, [name], now=MORNING + MINUTE / 2)
    now = MORNING + MINUTE
    assert store.sweep(lambda value: value == ["theirs"], now=now)
    assert store.values(now=now) == [["mine"]]
    assert wiped == [["old"], ["theirs"]]
    assert not store.sweep(now=now)


def test_a_wipe_may_use_the_store() -> None:
    """It is called without the lock."""
    seen: list[object] = []
    store: ExpiringStore[str, str] = ExpiringStore(
        MINUTE, wipe=lambda value: seen.append((value, store.find("b", now=MORNING + MINUTE)))
    )
    store.put("a", "x", now=MORNING)
    store.put("b", "y", now=MORNING + MINUTE)
    assert seen == [("x", "y")]


def test_of_many_threads_one_takes() -> None:
    """Every value is taken or wiped exactly once."""
    store, wiped = make_store(max_size=50)

    def work(number: int) -> list[list[str] | None]:
        taken = []
        for each in range(100):
            store.put(f"{number % 2}-{each}", [f"{number}-{each}"], now=MORNING)
            taken.append(store.take(f"{number % 2}-{each}", now=MORNING))
        return taken

    with ThreadPoolExecutor(8) as threads:
        taken = [value for values in threads.map(work, range(8)) for value in values if value is not None]
    left = store.values(now=MORNING)
    assert sorted([*taken, *wiped, *left]) == sorted([f"{n}-{e}"] for n in range(8) for e in range(100))
