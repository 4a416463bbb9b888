"""Runs recurring jobs of the service in threads of their own, which no failure ends."""

import logging
import threading
import time
from collections.abc import Callable

from authbridge.clock import utc_now
from authbridge.errors import StorageError, location_of

_log = logging.getLogger(__name__)

_LOOK = 5.0  # seconds between two looks at the clock
_SET = 60.0  # seconds by which a clock differs that somebody has set


def run_periodically(
    name: str, job: Callable[[], None], *, every: float, after_failure: float
) -> threading.Thread:
    """Runs the job now, and again that many seconds after each run, for as long as the process lives.

    It also runs as soon as the clock was set, or the machine was awakened: a job that has noted its moment by
    a wrong clock does so by the right one.
    """

    def run() -> None:
        while True:
            shown = _ahead_of_time()
            _rest(every if _succeeds(name, job) else after_failure, shown)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _rest(seconds: float, shown: float) -> None:
    """Waits that long, or until the clock is not ahead of passing time by ``shown`` seconds any more."""
    ends_at = time.monotonic() + seconds
    while (left := ends_at - time.monotonic()) > 0 and abs(_ahead_of_time() - shown) < _SET:
        time.sleep(min(left, _LOOK))


def _ahead_of_time() -> float:
    return utc_now().timestamp() - time.monotonic()


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
