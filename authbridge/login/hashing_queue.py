"""Admission queue for bcrypt: one slot per core, familiar networks first, early rejection of the rest.

A login whose deadline cannot be met is rejected at once, not after the deadline.
"""

import bisect
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_T = TypeVar("_T")

_NICENESS = 5  # answers from memory, Prosody and running meetings come before hashing
_SMOOTHING = 0.2  # of the running average
# A Prosody sends at most 512 questions, and the service has more threads than that: logins that wait for a
# hash leave threads for those that are answered from memory.
_MOST_IN_QUEUE = 400  # hashing or waiting
_MOST_FOLLOWING = 100

_MARGIN = 1.1  # with an estimate a little too short a login would wait and then miss its deadline


@dataclass(order=True, slots=True)
class _Waiting:
    """One login in the queue; compared by rank, then by arrival."""

    rank: tuple[bool, int]
    arrival: int
    deadline: float = field(compare=False)
    turn: threading.Event = field(compare=False, default_factory=threading.Event)
    admitted: bool = field(compare=False, default=False)


class HashingQueue:
    """The slots for hashing, and the queue before them."""

    def __init__(self, slots: int, *, typical: float = 0.0, most: int = _MOST_IN_QUEUE) -> None:
        """Expects a hash to take ``typical`` seconds, until it has measured some.

        ``most``: logins that hash or wait at once; beyond that the last in the queue are rejected.
        """
        self._free = slots
        self._slots = slots
        self._most = most
        self._typical = typical
        self._queue: list[_Waiting] = []
        self._arrivals = itertools.count()
        self._lock = threading.Lock()
        self._hashers = ThreadPoolExecutor(slots, "hasher", initializer=_step_back)

    @contextmanager
    def slot(self, *, known_good: bool, recent_failures: int, within: float) -> Iterator[bool]:
        """Waits for a slot and holds it during the block; yields False if there is none in time.

        ``within``: seconds from now until nobody waits for the answer any more.
        """
        if not self._enter((not known_good, recent_failures), time.monotonic() + within):
            yield False
            return
        try:
            yield True
        finally:
            self._leave()

    def run(self, hashing: Callable[[], _T]) -> _T:
        """Runs the work of a slot in a thread of low priority, and measures how long it takes."""
        started = time.monotonic()
        result = self._hashers.submit(hashing).result()
        # Measured here, not around the slot: attempts refused in their slot would make a hash seem short.
        with self._lock:
            self._typical += _SMOOTHING * (time.monotonic() - started - self._typical)
        return result

    @property
    def waiting(self) -> int:
        """Returns the number of logins that wait for a slot."""
        with self._lock:
            return len(self._queue)

    def _enter(self, rank: tuple[bool, int], deadline: float) -> bool:
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            waiting = _Waiting(rank, next(self._arrivals), deadline)
            place = bisect.bisect(self._queue, waiting)
            if self._misses_deadline(waiting, place):
                return False
            self._queue.insert(place, waiting)
            self._reject_behind(place)
            while len(self._queue) > self._most - self._slots:
                self._queue.pop().turn.set()
        waiting.turn.wait(max(0.0, deadline - time.monotonic()))
        with self._lock:
            if waiting in self._queue:
                self._queue.remove(waiting)
            return waiting.admitted

    def _leave(self) -> None:
        with self._lock:
            while self._queue:
                first = self._queue.pop(0)
                first.admitted = not self._misses_deadline(first, -1)
                first.turn.set()
                if first.admitted:
                    return
            self._free += 1

    def _misses_deadline(self, waiting: _Waiting, place: int) -> bool:
        # All slots are taken, each for half a hash more on average; then the queue, then its own hash.
        rounds = place // self._slots + 1.5 if place >= 0 else 1
        return time.monotonic() + rounds * self._typical * _MARGIN > waiting.deadline

    def _reject_behind(self, place: int) -> None:
        staying = self._queue[: place + 1]
        for waiting in self._queue[place + 1 :]:
            if self._misses_deadline(waiting, len(staying)):
                waiting.turn.set()
            else:
                staying.append(waiting)
        self._queue = staying


def _step_back() -> None:
    # On Linux niceness is a thread's own.  Where a sandbox forbids it, it hashes as fast as the others run.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


class SingleFlight(Generic[_T]):
    """One check at a time of the same name with the same password; equal attempts share its result."""

    def __init__(self) -> None:
        self._under_way: dict[bytes, Future[_T]] = {}
        self._lock = threading.Lock()
        self._following = threading.BoundedSemaphore(_MOST_FOLLOWING)

    def do(self, key: bytes, check: Callable[[], _T], *, within: float) -> tuple[_T, bool]:
        """Returns the result, and whether the check was ours.

        Raises:
            TimeoutError: the check of an equal attempt takes longer than ``within`` s, or too many wait.
            BaseException: the check raised it.
        """
        with self._lock:
            under_way = self._under_way.get(key)
            if under_way is None:
                mine: Future[_T] = Future()
                self._under_way[key] = mine
        if under_way is not None:
            return self._follow(under_way, within), False
        try:
            result = check()
        except BaseException as error:
            mine.set_exception(error)
            raise
        else:
            mine.set_result(result)
            return result, True
        finally:
            with self._lock:
                del self._under_way[key]

    def _follow(self, under_way: Future[_T], within: float) -> _T:
        if not self._following.acquire(blocking=False):
            raise TimeoutError
        try:
            return under_way.result(within)
        finally:
            self._following.release()
