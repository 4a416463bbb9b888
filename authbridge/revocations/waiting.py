"""Waits a moment until the Prosody servers have carried a revocation out, so that the next page shows it."""

import time
from collections.abc import Callable

from sqlalchemy.orm import Session

from authbridge.clock import Clock
from authbridge.revocations.status import Revocable, RevocationStatus, revocation_status_of
from authbridge.storage.database import Database

_LOOK = 0.02  # seconds between two looks; a Prosody takes about as long

Find = Callable[[Session], Revocable]


def wait_until_applied(
    database: Database, find: Find, *, clock: Clock, patience: float
) -> RevocationStatus | None:
    """Returns the status of the latest revocation of what ``find`` returns.

    It returns as soon as no Prosody is left that may carry it out at any moment (it waits for none that is
    late), after ``patience`` seconds at the latest.

    Raises:
        StorageError: The database does not answer.
    """
    deadline = time.monotonic() + patience
    while True:
        with database.read_session() as session:
            status = revocation_status_of(session, find(session), now=clock())
        if status is None or not status.is_awaited or time.monotonic() >= deadline:
            return status
        time.sleep(_LOOK)
