"""Runs recurring jobs of the service in threads of their own, which no failure ends."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from authbridge.clock import Clock, utc_now
from authbridge.errors import StorageError, location_of

_log = logging.getLogger(__name__)

_LOOK = 5.0  # seconds between two looks at the clock
_SET = 60.0  # seconds by which a clock differs that somebody has set
_SETTLED = 60.0  # seconds for which it must stay so: what a job deletes does not come back with the time


@dataclass(frozen=True, slots=True)
class Time:
    """How a job learns of time: that which only passes, and that which the clock shows."""

    passed: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    clock: Clock = utc_now

    def ahead(self) -> float:
        """Returns by how many seconds the clock is ahead of the time that passes; it changes if it is set."""
        return self.clock().timestamp() - self.passed()


_REAL = Time()


def run_periodically(
    name: str, job: Callable[[], None], *, every: float, after_failure: float, by: Time = _REAL
) -> threading.Thread:
    """Runs the job now, and again that many seconds after each run, for as long as the process lives.

    It also runs a minute after the clock was set, or the machine was awakened: a job that has noted its
    moment by a wrong clock does so by the right one.
    """

    def run() -> None:
        while True:
            ahead = by.ahead()
            rest(every if _succeeds(name, job) else after_failure, ahead, by)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def rest(seconds: float, ahead: float, by: Time) -> None:
    """Waits that long, or until the clock has not been ahead by that much for a minute."""
    ends_at, was_so_at = by.passed() + seconds, by.passed()
    while (left := ends_at - by.passed()) > 0 and by.passed() - was_so_at < _SETTLED:
        by.sleep(min(left, _LOOK))
        if abs(by.ahead() - ahead) < _SET:
            was_so_at = by.passed()


def _succeeds(name: str, job: Callable[[], None]) -> bool:
    try:
        job()
    except StorageError as error:
        _log.error("%s: %s", name, error)
    except Exception as error:  # noqa: BLE001 - a bug must not end the job for good
        _log.error("%s: bug: %s at %s", name, type(error).__name__, location_of(error))
    else:
        return True
    return False
