"""Who may hash now: no more than there are cores, the likely owners first, nobody in vain."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest

from authbridge.login.fair_turns import Place
from authbridge.login.hashing_queue import HashingQueue, SingleFlight
from tests.support.fakes import WatchedMark
from workbench.processes import PATIENCE

ANYBODY = Place("anybody")
LONG = 1000.0  # seconds that a hash takes, so that no test waits for one


@pytest.fixture(name="threads")
def start_threads() -> Iterator[ThreadPoolExecutor]:
    """Threads for those who wait."""
    with ThreadPoolExecutor(64) as threads:
        yield threads


class _Desk:
    """A gate whose slot is taken, and those who queue up before it, in the order in which they are served."""

    def __init__(self, threads: ThreadPoolExecutor, hashing_queue: HashingQueue) -> None:
        self.hashing_queue = hashing_queue
        self.served: list[str] = []
        self._threads = threads
        self._may_leave = threading.Event()
        self._holder = threads.submit(self._hold, taken := threading.Event())
        assert taken.wait(PATIENCE)

    def _hold(self, taken: threading.Event) -> None:
        with self.hashing_queue.slot(ANYBODY, within=LONG * 10):
            taken.set()
            assert self._may_leave.wait(PATIENCE)

    def queue(self, name: str, *, known_good: bool = False, within: float = PATIENCE) -> Future[bool]:
        """One more login; returns when it waits, or was told that there is no use."""
        before = self.hashing_queue.waiting
        login = self._threads.submit(self.come, Place(name, known_good=known_good), within)
        until(lambda: login.done() or self.hashing_queue.waiting != before)
        return login

    def come(self, place: Place, within: float) -> bool:
        """One login, to its end."""
        with self.hashing_queue.slot(place, within=within) as is_admitted:
            if is_admitted:
                self.served.append(place.name)
            return is_admitted

    def leave(self) -> None:
        """The slot is free."""
        self._may_leave.set()
        self._holder.result(PATIENCE)


def until(is_so: Callable[[], bool]) -> None:
    """Lets the others run until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        os.sched_yield()


def test_no_more_than_the_slots_at_once(threads: ThreadPoolExecutor) -> None:
    """Three of thirty at any moment, and everybody in the end."""
    hashing_queue = HashingQueue(3)
    full = threading.Barrier(3)  # is passed by three at once only
    lock = threading.Lock()
    inside: list[int] = [0]
    most: list[int] = []

    def come(_number: int) -> bool:
        with hashing_queue.slot(ANYBODY, within=PATIENCE) as is_admitted:
            with lock:
                inside[0] += 1
                most.append(inside[0])
            full.wait(PATIENCE)
            with lock:
                inside[0] -= 1
            return is_admitted

    assert all(threads.map(come, range(30)))
    assert (max(most), len(most)) == (3, 30)


def test_slots_are_given_in_fair_turns(threads: ThreadPoolExecutor) -> None:
    """Each name once before any of them a second time, known-good pairs first."""
    desk = _Desk(threads, HashingQueue(1))
    logins = [desk.queue(name, known_good=name == "known") for name in ("a", "a", "b", "known", "a")]

    desk.leave()

    assert all(login.result(PATIENCE) for login in logins)
    assert desk.served == ["known", "a", "b", "a", "a"]


def test_who_cannot_be_served_in_time_is_told_at_once(threads: ThreadPoolExecutor) -> None:
    """The one hash under way and the own one take longer than somebody waits."""
    desk = _Desk(threads, HashingQueue(1, typical=LONG))

    assert desk.queue("late", within=LONG).result(PATIENCE) is False
    patient = desk.queue("patient", within=2 * LONG)
    assert desk.queue("behind", within=2 * LONG).result(PATIENCE) is False
    more_patient = desk.queue("more patient", within=3 * LONG)

    desk.leave()
    assert patient.result(PATIENCE) is True
    assert more_patient.result(PATIENCE) is True
    assert desk.served == ["patient", "more patient"]


def test_who_is_overtaken_and_cannot_be_served_any_more_is_told_at_once(threads: ThreadPoolExecutor) -> None:
    """Instead of after the time is over; those who still can make it stay."""
    desk = _Desk(threads, HashingQueue(1, typical=LONG))
    overtaken = desk.queue("overtaken", within=2 * LONG)
    patient = desk.queue("patient", within=9 * LONG)
    assert not overtaken.done()

    owner = threads.submit(desk.come, Place("owner", known_good=True), 2 * LONG)

    assert overtaken.result(PATIENCE) is False
    desk.leave()
    assert owner.result(PATIENCE) is True
    assert patient.result(PATIENCE) is True
    assert desk.served == ["owner", "patient"]


def test_whose_time_is_over_is_told_so(threads: ThreadPoolExecutor) -> None:
    """If hashes take longer than they did; and he is not in the way of those behind."""
    desk = _Desk(threads, HashingQueue(1))
    assert desk.queue("hasty", within=0.01).result(PATIENCE) is False
    patient = desk.queue("patient")

    desk.leave()

    assert patient.result(PATIENCE) is True
    assert (desk.served, desk.hashing_queue.waiting) == (["patient"], 0)


def test_a_free_slot_is_for_everybody() -> None:
    """There is nothing to wait for."""
    hashing_queue = HashingQueue(1, typical=LONG)

    with hashing_queue.slot(ANYBODY, within=0) as is_admitted:
        assert is_admitted


def test_a_hash_that_raises_frees_its_slot() -> None:
    """One bug must not cost a core until the restart."""
    hashing_queue = HashingQueue(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), _any_slot(hashing_queue):
            hashing_queue.run(lambda: 1 // 0)

    with _any_slot(hashing_queue) as is_admitted:
        assert is_admitted
        assert hashing_queue.run(lambda: 42) == 42


def _any_slot(hashing_queue: HashingQueue) -> AbstractContextManager[bool]:
    return hashing_queue.slot(ANYBODY, within=0)


def test_only_hashes_tell_how_long_a_hash_takes(threads: ThreadPoolExecutor) -> None:
    """Who got a slot and was told to wait, or stumbled, took no time; that makes nobody's hash shorter."""
    hashing_queue = HashingQueue(1, typical=LONG)
    for _ in range(50):
        with _any_slot(hashing_queue):
            pass

    desk = _Desk(threads, hashing_queue)
    assert desk.queue("late", within=LONG).result(PATIENCE) is False
    desk.leave()


def test_one_hash_that_was_stalled_makes_no_other_long(threads: ThreadPoolExecutor) -> None:
    """The median counts: a machine that stood still for seconds turns nobody away afterwards."""
    hashing_queue = HashingQueue(1, typical=LONG)
    for _ in range(2):
        hashing_queue.run(lambda: None)

    desk = _Desk(threads, hashing_queue)
    login = desk.queue("in time", within=LONG)
    assert not login.done()
    desk.leave()
    assert login.result(PATIENCE) is True


def test_hashing_steps_back() -> None:
    """What answers from memory, and running meetings on the same machine, come first."""

    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert HashingQueue(1).run(niceness) > niceness()


def test_hashing_steps_back_from_a_service_that_is_nice_already(threads: ThreadPoolExecutor) -> None:
    """A unit with Nice=10 hashes at 15, not at 5, which would be before its own answers."""

    def hash_in_a_nice_service() -> int:
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, 10)
        return HashingQueue(1).run(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    assert threads.submit(hash_in_a_nice_service).result(PATIENCE) == 15


# One check at a time of the same name with the same password


@pytest.mark.parametrize("is_right", [True, False])
def test_who_comes_meanwhile_gets_the_same_result(threads: ThreadPoolExecutor, *, is_right: bool) -> None:
    """And is told that the check was another one's."""
    checks, met = SingleFlight[bool](), threading.Event()

    def check() -> bool:
        assert met.wait(PATIENCE)
        return is_right

    results = [threads.submit(checks.do, WatchedMark(b"x", met), check, within=PATIENCE) for _ in range(2)]

    assert sorted(login.result(PATIENCE) for login in results) == [(is_right, False), (is_right, True)]


def test_who_comes_meanwhile_gets_the_same_error(threads: ThreadPoolExecutor) -> None:
    """An outage is an outage for both, and afterwards the next one is checked."""
    checks, met = SingleFlight[bool](), threading.Event()

    def fail() -> bool:
        assert met.wait(PATIENCE)
        raise ZeroDivisionError

    results = [threads.submit(checks.do, WatchedMark(b"x", met), fail, within=PATIENCE) for _ in range(2)]

    for login in results:
        with pytest.raises(ZeroDivisionError):
            login.result(PATIENCE)
    assert checks.do(b"x", lambda: True, within=PATIENCE) == (True, True)


def test_who_comes_meanwhile_waits_no_longer_than_he_would(threads: ThreadPoolExecutor) -> None:
    """The check goes on for the one who asked first."""
    checks, began, may_end = SingleFlight[bool](), threading.Event(), threading.Event()

    def check() -> bool:
        began.set()
        return may_end.wait(PATIENCE)

    first = threads.submit(checks.do, b"x", check, within=PATIENCE)
    assert began.wait(PATIENCE)

    with pytest.raises(TimeoutError):
        checks.do(b"x", lambda: False, within=0)

    may_end.set()
    assert first.result(PATIENCE) == (True, True)


def test_who_comes_afterwards_is_checked(threads: ThreadPoolExecutor) -> None:
    """What was found is for the memory to keep; others are checked at the same time."""
    checks, both = SingleFlight[int](), threading.Barrier(2)

    assert [checks.do(b"x", lambda: number, within=PATIENCE) for number in (1, 2)] == [(1, True), (2, True)]  # noqa: B023
    others = [
        threads.submit(checks.do, mark, lambda: both.wait(PATIENCE), within=PATIENCE) for mark in (b"x", b"y")
    ]
    assert sorted(login.result(PATIENCE) for login in others) == [(0, True), (1, True)]
