"""A recurring job runs when it is due, also by a clock that was set."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from authbridge import background
from workbench.processes import PATIENCE


@pytest.mark.parametrize("hours", [-48, 48])
def test_a_job_runs_again_as_soon_as_the_clock_was_set(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """A purge that noted its moment two days ago is not overdue until the next hour."""
    off = timedelta(hours=hours)
    runs, ran = [], threading.Semaphore(0)

    def job() -> None:
        runs.append(off)
        ran.release()

    monkeypatch.setattr(background, "_LOOK", 0.01)
    monkeypatch.setattr(background, "utc_now", lambda: datetime.now(UTC) + off)
    background.run_periodically("job", job, every=3600, after_failure=3600)
    assert ran.acquire(timeout=PATIENCE)

    off = timedelta()

    assert ran.acquire(timeout=PATIENCE)
    assert runs == [timedelta(hours=hours), timedelta()]


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
