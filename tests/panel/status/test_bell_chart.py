"""The picture of the day's logins: heights, scale, hours, and the table that says the same."""

from datetime import UTC, datetime, timedelta

import pytest

from admin.status.bell_chart import HEIGHT, draw
from authbridge.login.bell import STEP, Count, Usual

SEVEN = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)


def counts(*pairs: tuple[int, int]) -> list[Count]:
    """Returns counts from seven o'clock on."""
    return [Count(SEVEN + number * STEP, *pair) for number, pair in enumerate(pairs)]


def test_bars_stand_on_each_other_within_the_scale() -> None:
    """Refused logins stand on top of the granted ones; the scale ends at the next round number."""
    chart = draw(counts((0, 0), (30, 10)), Usual())
    assert (chart.top, chart.granted, chart.refused) == (50, 30, 10)
    empty, bar = chart.bars
    assert (empty.granted_height, empty.refused_height) == (0, 0)
    assert (bar.granted_height, bar.refused_height) == (HEIGHT * 30 / 50, HEIGHT * 10 / 50)
    assert bar.x > empty.x


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 5), (5, 5), (6, 10), (11, 20), (21, 50), (101, 200), (999, 1000)]
)
def test_the_scale_ends_at_a_round_number(highest: int, top: int) -> None:
    """So that it can be read."""
    assert draw(counts((highest, 0)), Usual()).top == top


def test_a_usual_day_that_is_higher_fits_too() -> None:
    """It is part of the scale, and of the table."""
    chart = draw(counts((1, 0), (0, 0)), Usual(4, {7 * 60 + 5: 18.4}))
    assert chart.top == 20
    assert [bar.usual for bar in chart.eventful] == [0, 18]
    heights = [float(point.partition(",")[2]) for point in chart.line.split()]
    assert heights[1] == pytest.approx(HEIGHT * (1 - 18.4 / 20), abs=0.1)


def test_nothing_to_compare_with_draws_no_line() -> None:
    """As in the first week."""
    chart = draw(counts((3, 0)), Usual())
    assert chart.line == ""
    assert [bar.usual for bar in chart.bars] == [None]


@pytest.mark.parametrize(("steps", "hours"), [(0, 9), (12, 9), (108, 9), (109, 10)])
def test_the_picture_is_as_wide_at_seven_as_at_four(steps: int, hours: int) -> None:
    """Later it grows by whole hours."""
    chart = draw(counts(*[(1, 0)] * steps), Usual())
    assert chart.hours == tuple(range(7, 7 + hours))
    assert chart.width == hours * (timedelta(hours=1) // STEP) * 8
