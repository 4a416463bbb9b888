"""Tells how long accesses last by the school year, and when somebody is reminded of its end; pure.

An access lasts until a day of September, some weeks into the next school year: a school needs them to say who
stays.  An end that is nearer than two months is therefore not meant any more.  With 30 September that is the
rule of the calendar: what is issued from 1 August on belongs to the new school year.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

_TOO_SOON = timedelta(days=60)  # before an end the one of the next school year is meant

_REMINDERS = (42, 14, 3)  # days before the end: time for the letters, for the telephone, the last chance
_SHOWN = 7  # days that each reminder is shown, for nobody reads it on a weekend

MonthDay = tuple[int, int]
"""Month and day; one that every year has."""


@dataclass(frozen=True, slots=True)
class SchoolCalendar:
    """Which day it is where the schools are, and on which day of the year accesses run out."""

    today: date
    ends: MonthDay

    @property
    def end(self) -> date:
        """Returns the last day of an access that is issued today.

        That is the first end which is not too soon.
        """
        years = (self.today.year, self.today.year + 1, self.today.year + 2)
        return next(end for year in years if (end := date(year, *self.ends)) > self.today + _TOO_SOON)

    @property
    def latest_end(self) -> date:
        """Returns the end that has passed last."""
        this_year = date(self.today.year, *self.ends)
        return this_year if this_year < self.today else date(self.today.year - 1, *self.ends)

    def next_end(self, present: Iterable[date | None]) -> date:
        """Returns the last day that a change of the school year suggests.

        ``present`` are the last days of the accesses as they are, None for no end.  Once all that have not
        passed reach the end of this school year, the next one is meant.
        """
        known = [each for each in present if each is not None and each >= self.today]
        is_reached = bool(known) and min(known) >= self.end
        return date(self.end.year + 1, *self.ends) if is_reached else self.end


def reminded_ends(day: date) -> tuple[tuple[date, date], ...]:
    """Returns the spans of last days, first and last of each, of which staff are reminded on that day."""
    return tuple(
        (day + timedelta(days=max(0, before - _SHOWN + 1)), day + timedelta(days=before))
        for before in _REMINDERS
    )
