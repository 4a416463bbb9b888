"""Waits until the Prosodys have carried something out, but not for long: who clicked wants to see it done."""

import time
from collections.abc import Callable

from sqlalchemy.orm import Session

from authbridge.clock import Clock
from authbridge.revocations.status import RevocationStatus, revocation_status_of
from authbridge.storage.database import Database
from authbridge.storage.models import Organiser, School

_LOOK = 0.02  # seconds between two looks; a Prosody takes about as long

Find = Callable[[Session], Organiser | School]


def wait_until_applied(
    database: Database, find: Find, *, clock: Clock, patience: float
) -> RevocationStatus | None:
    """What became of the latest suspension or end of sessions of whom ``find`` finds.

    Returns as soon as no Prosody is left that may carry it out at any moment (one that is late is not waited
    for), after ``patience`` seconds at the latest.
    """
    deadline = time.monotonic() + patience
    while True:
        with database.read_session() as session:
            effect = revocation_status_of(session, find(session), now=clock())
        if effect is None or not effect.is_awaited or time.monotonic() >= deadline:
            return effect
        time.sleep(_LOOK)
