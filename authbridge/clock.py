"""Tells the time; the only place that asks the machine."""

from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Returns the present moment, aware, in UTC."""
    return datetime.now(UTC)


def month_of(moment: datetime, timezone: tzinfo) -> date:
    """Returns the first day of the month in which a moment lies, where the clocks show that time zone."""
    return moment.astimezone(timezone).date().replace(day=1)
