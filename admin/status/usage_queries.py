"""Which school and which months an address asks the statistics for, and what is shown of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from flask import request
from flask_babel import gettext as _

from admin.panel import current_panel, today
from admin.web.i18n import month
from admin.web.query_params import asked_choice, asked_month
from authbridge.schools.lookup import get_school, list_schools
from authbridge.schools.search_text import in_order_of
from authbridge.statistics import counting, reading
from authbridge.statistics.counting import MONTHS_KEPT, months_before
from authbridge.statistics.figures import NONE, Figure, Usage, over_schools
from authbridge.statistics.reading import MonthUsage, SchoolUsage

_YEAR = re.compile(r"20[0-9]{2}")
_AUGUST = 8  # the school year begins on its first day


class Period(StrEnum):
    """How many months are shown, the present one among them."""

    YEAR = "12"
    TWO_YEARS = "24"
    THREE_YEARS = "36"


@dataclass(frozen=True, slots=True)
class AskedMonths:
    """The months of a school, or of all together (``code`` and ``name`` empty), oldest first."""

    code: str
    name: str
    period: Period
    months: tuple[MonthUsage, ...]
    counted_at: datetime | None

    @property
    def logins(self) -> Figure:
        """Returns the logins of all these months."""
        return sum((each.usage.logins for each in self.months), NONE)

    @property
    def meetings(self) -> Figure:
        """Returns the meetings of all these months."""
        return sum((each.usage.meetings for each in self.months), NONE)


@dataclass(frozen=True, slots=True)
class Span:
    """A month or a school year; ``value`` is what stands in the address."""

    value: str
    since: date
    until: date

    @property
    def is_month(self) -> bool:
        """Tells whether it is one month."""
        return self.since == self.until

    @property
    def name(self) -> str:
        """Returns its name, such as November 2026 or School year 2026/27."""
        if self.is_month:
            return month(self.since)
        return _("School year %(years)s", years=f"{self.since.year}/{self.until.year % 100:02}")


@dataclass(frozen=True, slots=True)
class AskedSchools:
    """All schools by name, with what is shown of them in a month or a school year."""

    span: Span
    schools: tuple[SchoolUsage, ...]
    counted_at: datetime | None

    @property
    def together(self) -> Usage:
        """Returns the sum of all schools."""
        return over_schools(each.usage for each in self.schools if each.usage is not None)


def asked_months() -> AskedMonths:
    """Returns the months that the address asks for.

    Raises:
        NotFoundError: There is no such school.
    """
    period = asked_choice("months", Period) or Period.YEAR
    code = request.args.get("school", "")
    since = months_before(today(), int(period) - 1)
    with current_panel().database.read_session() as session:
        school = get_school(session, code) if code else None
        months = reading.months_of(session, school, since=since, until=today())
        counted_at = counting.counted_at(session)
    named = ("", "") if school is None else (school.code, school.name)
    return AskedMonths(*named, period, tuple(months), counted_at)


def asked_schools() -> AskedSchools:
    """Returns the schools in the month or school year that the address asks for; else in the present year."""
    span = _asked_span()
    with current_panel().database.read_session() as session:
        schools = reading.schools_within(session, since=span.since, until=span.until)
        counted_at = counting.counted_at(session)
    by_name = sorted(schools, key=lambda each: in_order_of(each.name))
    return AskedSchools(span, tuple(by_name), counted_at)


def schools_to_choose() -> list[tuple[str, str]]:
    """Returns code and name of all schools, by name."""
    with current_panel().database.read_session() as session:
        schools = [(each.code, each.name) for each in list_schools(session)]
    return sorted(schools, key=lambda each: in_order_of(each[1]))


def spans_to_choose() -> tuple[list[Span], list[Span]]:
    """Returns the school years and the months that may have been counted, latest first."""
    with current_panel().database.read_session() as session:
        first = reading.first_month(session) or months_before(today(), 0)
    first = max(first, months_before(today(), MONTHS_KEPT))
    months = list(_months_back_to(first))
    years = dict.fromkeys(_year_of(each) for each in months)
    return [_school_year(each) for each in years], [_month(each) for each in months]


def _months_back_to(first: date) -> Iterator[date]:
    for number in range(MONTHS_KEPT + 1):
        if (each := months_before(today(), number)) >= first:
            yield each


def _asked_span() -> Span:
    if asked := asked_month("of"):
        return _month(asked)
    typed = request.args.get("of", "")
    return _school_year(int(typed) if _YEAR.fullmatch(typed) else _year_of(today()))


def _month(first: date) -> Span:
    return Span(f"{first:%Y-%m}", first, first)


def _school_year(year: int) -> Span:
    return Span(str(year), date(year, _AUGUST, 1), date(year + 1, _AUGUST - 1, 1))


def _year_of(day: date) -> int:
    """Returns the year in which the school year of that day began."""
    return day.year if day.month >= _AUGUST else day.year - 1
