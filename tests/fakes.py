"""Stand-ins for what a test must steer: time, and the work of hashing."""

from datetime import UTC, datetime, timedelta

MORNING = datetime(2026, 11, 20, 7, 55, tzinfo=UTC)


class FakeClock:
    """A clock that stands until it is told to go on."""

    def __init__(self, now: datetime = MORNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The present moment."""
        return self.now

    def advance(self, **duration: float) -> None:
        """Goes on by ``timedelta(**duration)``."""
        self.now += timedelta(**duration)
