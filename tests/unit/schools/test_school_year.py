"""How long accesses last by the school year, and when somebody is reminded of their end."""

from datetime import date, timedelta

import pytest

from authbridge.schools.school_year import SchoolCalendar, reminded_ends

SEPTEMBER = (9, 30)


@pytest.mark.parametrize(
    ("issued_on", "last_day"),
    [
        pytest.param("2026-11-27", "2027-09-30", id="in the middle of a school year"),
        pytest.param("2026-08-15", "2027-09-30", id="the school year has begun"),
        pytest.param("2026-08-01", "2027-09-30", id="on its first day"),
        pytest.param("2026-07-31", "2026-09-30", id="on the last day of the one before"),
        pytest.param("2026-09-29", "2027-09-30", id="a day before the end"),
        pytest.param("2026-09-30", "2027-09-30", id="on the day of the end itself"),
        pytest.param("2026-10-01", "2027-09-30", id="a day after the end"),
        pytest.param("2027-12-31", "2028-09-30", id="on New Year's Eve"),
        pytest.param("2028-02-29", "2028-09-30", id="on a day that few years have"),
    ],
)
def test_an_access_lasts_into_september_after_its_school_year(issued_on: str, last_day: str) -> None:
    """The school year begins on 1 August, and leaves two months to say who stays."""
    assert SchoolCalendar(date.fromisoformat(issued_on), SEPTEMBER).end == date.fromisoformat(last_day)


@pytest.mark.parametrize(
    ("issued_on", "last_day"), [("2027-05-31", "2027-07-31"), ("2027-06-01", "2028-07-31")]
)
def test_another_end_of_the_year_is_kept_likewise(issued_on: str, last_day: str) -> None:
    """An end that is nearer than two months is not meant any more, whatever the day of the year."""
    assert SchoolCalendar(date.fromisoformat(issued_on), (7, 31)).end == date.fromisoformat(last_day)


@pytest.mark.parametrize(
    ("day", "latest"),
    [("2026-09-30", "2025-09-30"), ("2026-10-01", "2026-09-30"), ("2027-03-01", "2026-09-30")],
)
def test_the_latest_end_has_passed(day: str, latest: str) -> None:
    """On the day of an end accesses are valid still."""
    assert SchoolCalendar(date.fromisoformat(day), SEPTEMBER).latest_end == date.fromisoformat(latest)


@pytest.mark.parametrize(
    ("day", "present", "suggested"),
    [
        pytest.param("2027-07-10", ["2027-09-30"], "2028-09-30", id="before the holidays"),
        pytest.param("2027-09-20", ["2027-09-30"], "2028-09-30", id="after the holidays"),
        pytest.param("2027-10-05", ["2027-09-30"], "2028-09-30", id="late, everything has expired"),
        pytest.param("2027-09-20", ["2027-09-30", "2028-09-30"], "2028-09-30", id="some were issued since"),
        pytest.param("2027-03-01", [None, None], "2027-09-30", id="nothing had an end"),
        pytest.param("2027-03-01", [], "2027-09-30", id="nobody"),
    ],
)
def test_a_change_suggests_the_end_that_is_not_reached_yet(
    day: str, present: list[str | None], suggested: str
) -> None:
    """The clerk who works before the holidays means the next school year, too."""
    ends = [None if each is None else date.fromisoformat(each) for each in present]
    assert SchoolCalendar(date.fromisoformat(day), SEPTEMBER).next_end(ends) == date.fromisoformat(suggested)


def test_reminders_come_42_14_and_3_days_before() -> None:
    """Each is shown for a week at most, so that no weekend hides it; between them it is quiet."""
    end = date(2027, 9, 30)
    reminded = [
        before
        for before in range(60, -2, -1)
        if any(first <= end <= last for first, last in reminded_ends(end - timedelta(days=before)))
    ]
    assert reminded == [*range(42, 35, -1), *range(14, 7, -1), *range(3, -1, -1)]
