"""A recurring job runs when it is due, also by a clock that was set."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from authbridge import background
from authbridge.background import Time, rest
from tests.support.fakes import MORNING
from workbench.processes import PATIENCE


@dataclass
class Jump:
    """Time that passes as the job rests, and a clock that is off by ``shift`` from one moment to another."""

    begins: float  # seconds
    ends: float
    shift: timedelta = timedelta(days=2)
    passed: float = 0.0

    def sleep(self, seconds: float) -> None:
        """Lets them pass at once."""
        self.passed += seconds

    def shown(self) -> datetime:
        """Returns what the clock shows."""
        off = self.shift if self.begins <= self.passed < self.ends else timedelta()
        return MORNING + timedelta(seconds=self.passed) + off


@pytest.mark.parametrize(
    ("jump", "rested"),
    [
        (Jump(10_000, 10_000), 3600),
        (Jump(100, 10_000), 160),
        (Jump(0, 100, timedelta(days=-2)), 160),
        (Jump(100, 150), 3600),
    ],
    ids=["never set", "set for good", "begun two days behind", "wrong for 50 seconds"],
)
def test_a_job_runs_anew_where_the_clock_was_set_for_longer_than_a_minute(jump: Jump, rested: float) -> None:
    """A purge that noted its moment two days ago is not overdue for an hour; and none runs two days early."""
    by = Time(lambda: jump.passed, jump.sleep, jump.shown)

    rest(3600, by.ahead(), by)

    assert rested - 5 <= jump.passed <= rested + 5


def test_a_failure_does_not_end_it() -> None:
    """It is tried again after a while."""
    ran = threading.Semaphore(0)
    failures = [RuntimeError()]

    def job() -> None:
        ran.release()
        if failures:
            raise failures.pop()

    background.run_periodically("job", job, every=3600, after_failure=0)

    assert ran.acquire(timeout=PATIENCE)
    assert ran.acquire(timeout=PATIENCE)
