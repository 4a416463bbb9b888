"""Runs recurring jobs of the service in threads of their own, which no failure ends."""

import logging
import threading
from collections.abc import Callable

from authbridge.errors import StorageError, location_of

_log = logging.getLogger(__name__)


def run_periodically(
    name: str, job: Callable[[], None], *, every: float, after_failure: float
) -> threading.Thread:
    """Runs the job now, and again that many seconds after each run, for as long as the process lives."""

    def run() -> None:
        pause = threading.Event()
        while True:
            pause.wait(every if _succeeds(name, job) else after_failure)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


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
