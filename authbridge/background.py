"""What the service does besides answering, again and again, in threads of its own that nothing ends."""

import logging
import threading
from collections.abc import Callable

from authbridge.errors import StorageError, location_of

_log = logging.getLogger(__name__)


def repeat(name: str, duty: Callable[[], None], *, every: float, after_failure: float) -> threading.Thread:
    """Does it now, and then again after so many seconds, for as long as the process lives."""

    def run() -> None:
        pause = threading.Event()
        while True:
            pause.wait(every if _is_done(name, duty) else after_failure)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _is_done(name: str, duty: Callable[[], None]) -> bool:
    try:
        duty()
    except StorageError as error:
        _log.error("%s: %s", name, error)
    except Exception as error:  # noqa: BLE001 - a bug must not end the duty for good
        _log.error("%s: bug: %s at %s", name, type(error).__name__, location_of(error))
    else:
        return True
    return False
