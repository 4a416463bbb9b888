"""The statistics as pictures: a bar a month; what is not shown as a number is a bar of one height, hollow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from admin.status.bell_chart import round_up
from authbridge.statistics.figures import FEWEST, NONE, Figure, Usage
from authbridge.statistics.reading import MonthUsage

HEIGHT = 100  # units of a picture
MONTH = 10  # units from one bar to the next

_NAMES = 4  # months with a name below; on paper there is room for no more


@dataclass(frozen=True, slots=True)
class UsageBar:
    """A month: where its bar stands, and how high; hollow if it stands for one or two."""

    x: int
    height: float
    is_few: bool


@dataclass(frozen=True, slots=True)
class MonthBars:
    """Bars, and the end of their scale; ``peak`` is the month that has most (None: all have nothing)."""

    bars: tuple[UsageBar, ...]
    top: int
    peak: date | None
    peak_figure: Figure


@dataclass(frozen=True, slots=True)
class UsageChart:
    """The pictures, as wide as ``width``; ``names`` has the months that are named, None for the others.

    ``active`` stands before ``accounts``, on the same scale.
    """

    accounts: MonthBars
    active: MonthBars
    logins: MonthBars
    meetings: MonthBars
    names: tuple[date | None, ...]
    width: int


def usage_chart(months: Sequence[MonthUsage]) -> UsageChart:
    """Draws the months, which are listed oldest first."""
    step = -(-len(months) // _NAMES)
    accounts = _draw(months, lambda usage: usage.accounts)
    return UsageChart(
        accounts,
        _draw(months, lambda usage: usage.active, top=accounts.top),
        _draw(months, lambda usage: usage.logins),
        _draw(months, lambda usage: usage.meetings),
        tuple(each.month if number % step == 0 else None for number, each in enumerate(months)),
        width=len(months) * MONTH,
    )


def _draw(months: Sequence[MonthUsage], figure_of: Callable[[Usage], Figure], top: int = 0) -> MonthBars:
    figures = [figure_of(each.usage) for each in months]
    highest = max(figures, key=lambda each: each.least, default=NONE)
    top = max(top, round_up(highest.least))
    peak = months[figures.index(highest)].month if highest != NONE else None
    bars = tuple(
        UsageBar(number * MONTH, _height(figure, top), figure.is_few)
        for number, figure in enumerate(figures)
        if figure != NONE
    )
    return MonthBars(bars, top, peak, highest)


def _height(figure: Figure, top: int) -> float:
    value = FEWEST - 1 if figure.is_few else figure.least
    return max(1.5, round(value * HEIGHT / top, 1))  # what is more than nothing is seen
