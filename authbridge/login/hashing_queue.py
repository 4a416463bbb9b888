"""Admission queue for bcrypt: one slot per core, fair turns, early rejection.

A login whose deadline cannot be met is rejected at once, not after the deadline.
"""

import os
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from authbridge.login.fair_turns import FairTurns, Place

_T = TypeVar("_T")

_NICENESS = 5  # added: answers from memory, Prosody and running meetings come before hashing
_MEASURED = 15  # hashes whose median tells how long the next one takes; one that was stalled does not
# A Prosody sends at most 512 questions: logins that wait for a hash, of guessers perhaps, leave more than 200
# for those that are answered from memory.
_MOST_IN_QUEUE = 250  # hashing or waiting
_MOST_FOLLOWING = 50

_MARGIN = 1.1  # with an estimate a little too short a login would wait and then miss its deadline


@dataclass(eq=False, slots=True)
class _Waiting:
    """One login in the queue."""

    deadline: float  # of time.monotonic
    turn: threading.Event = field(default_factory=threading.Event)
    admitted: bool = False


class HashingQueue:
    """The slots for hashing, and the queue before them."""

    def __init__(self, slots: int, *, typical: float = 0.0, most: int = _MOST_IN_QUEUE) -> None:
        """Expects a hash to take ``typical`` seconds, until it has measured some.

        ``most``: logins that hash or wait at once; beyond that the last in the queue are rejected.
        """
        self._free = slots
        self._slots = slots
        self._most = most
        self._durations = deque([typical], _MEASURED)
        self._queue = FairTurns[_Waiting]()
        self._lock = threading.Lock()
        self._hashers = ThreadPoolExecutor(slots, "hasher", initializer=_step_back)

    @contextmanager
    def slot(self, place: Place, *, within: float) -> Iterator[bool]:
        """Waits for a slot and holds it during the block; yields False if there is none in time.

        ``within``: seconds from now until nobody waits for the answer any more.
        """
        if not self._enter(place, time.monotonic() + within):
            yield False
            return
        try:
            yield True
        finally:
            self._leave()

    def run(self, hashing: Callable[[], _T], *, measured: Callable[[float], object] | None = None) -> _T:
        """Runs the work of a slot in a thread of low priority, and measures how long it takes.

        ``measured`` is called with the seconds.
        """
        started = time.monotonic()
        result = self._hashers.submit(hashing).result()
        # Measured here, not around the slot: attempts refused in their slot would make a hash seem short.
        seconds = time.monotonic() - started
        with self._lock:
            self._durations.append(seconds)
        if measured is not None:
            measured(seconds)
        return result

    @property
    def waiting(self) -> int:
        """Returns the number of logins that wait for a slot."""
        with self._lock:
            return len(self._queue)

    def _enter(self, place: Place, deadline: float) -> bool:
        waiting = _Waiting(deadline)
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            self._queue.add(place, waiting)
            self._reject_from(waiting)
        waiting.turn.wait(max(0.0, deadline - time.monotonic()))
        with self._lock:
            self._queue.remove(waiting)
            return waiting.admitted

    def _leave(self) -> None:
        with self._lock:
            while len(self._queue):
                first = self._queue.pop()
                first.admitted = not self._misses_deadline(first, 1)
                first.turn.set()
                if first.admitted:
                    return
            self._free += 1

    def _reject_from(self, newcomer: _Waiting) -> None:
        # Those before the newcomer are served as soon as without it.
        in_order = self._queue.in_order()
        position = in_order.index(newcomer)
        for waiting in in_order[position:]:
            # All slots are taken, each for half a hash more on average; then the queue, then its own hash.
            is_late = self._misses_deadline(waiting, position // self._slots + 1.5)
            if is_late or position >= self._most - self._slots:
                self._queue.remove(waiting)
                waiting.turn.set()
            else:
                position += 1

    def _misses_deadline(self, waiting: _Waiting, hashes: float) -> bool:
        typical = statistics.median(self._durations)
        return time.monotonic() + hashes * typical * _MARGIN > waiting.deadline


def _step_back() -> None:
    # On Linux niceness is a thread's own.  Where a sandbox forbids it, it hashes as fast as the others run.
    thread = threading.get_native_id()
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS)


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
