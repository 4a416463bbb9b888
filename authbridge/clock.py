"""Tells the time; the only place that asks the machine."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Returns the present moment, aware, in UTC."""
    return datetime.now(UTC)


def is_within(span: timedelta, then: datetime, *, now: datetime) -> bool:
    """Tells whether ``then`` is less than ``span`` ago.

    A moment that is still to come is not: it is of a clock that was ahead and has been set back, and what
    was noted then would count for as long as the clock was wrong.
    """
    return timedelta(0) <= now - then < span


def month_of(moment: datetime, timezone: tzinfo) -> date:
    """Returns the first day of the month in which a moment lies, where the clocks show that time zone."""
    return moment.astimezone(timezone).date().replace(day=1)
