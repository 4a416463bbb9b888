"""Counts of logins per five minutes: today's since seven, and the usual school day; both databases."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from authbridge.login.bell import Count, count_logins, usual_logins
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, RejectedAttempts

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 27, 8, 12, tzinfo=BERLIN)  # a Friday


def add(database: Database, at: datetime, *verdicts: str | None) -> None:
    """Writes logins of that moment into the journal."""
    with database.write_session() as session:
        session.add_all(
            LoginAttempt(at=at, request_id="r", transport="bosh", node="meet", verdict=verdict, closed_at=at)
            for verdict in verdicts
        )


def today(hour: int, minute: int, second: int = 0) -> datetime:
    """Returns a moment of this morning."""
    return NOW.replace(hour=hour, minute=minute, second=second)


def counts_of(database: Database, now: datetime = NOW) -> dict[str, tuple[int, int]]:
    """Returns what is counted, by the clock, where there is something."""
    with database.read_session() as session:
        counted = count_logins(session, now=now, timezone=BERLIN)
    return {
        f"{each.at.astimezone(BERLIN):%H:%M}": (each.granted, each.refused)
        for each in counted
        if each.granted or each.refused
    }


def test_each_five_minutes_since_seven(database: Database) -> None:
    """Also the empty ones, so that a page can draw them; the step that has just begun counts already."""
    with database.read_session() as session:
        counted = count_logins(session, now=NOW, timezone=BERLIN)
    assert [each.at for each in counted] == [
        today(7, 0).astimezone(UTC) + number * timedelta(minutes=5) for number in range(15)
    ]
    assert set(counted) == {Count(each.at, 0, 0) for each in counted}


def test_granted_and_refused_are_counted_apart(database: Database) -> None:
    """An attempt without a verdict was no login; it died with the service."""
    add(database, today(7, 45), "granted", "granted", "refused")
    add(database, today(7, 49, 59), "granted", "suspended", "expired", "unavailable", None)
    add(database, today(7, 50), "granted")
    add(database, today(6, 59, 59), "granted")
    assert counts_of(database) == {"07:45": (3, 5), "07:50": (1, 0)}


def test_waits_are_refused_too(database: Database) -> None:
    """They are counted a minute, without a line of their own."""
    with database.write_session() as session:
        session.add(
            RejectedAttempts(minute=today(7, 46), pair="p", network="", repeated=2, locked=30, unavailable=1)
        )
    assert counts_of(database) == {"07:45": (0, 33)}


def test_what_is_known_already_is_not_counted_again(database: Database) -> None:
    """The first counts are taken over, those after them counted; those of another day help nobody."""
    add(database, today(7, 45), "granted")
    with database.read_session() as session:
        counted = count_logins(session, now=NOW, timezone=BERLIN)
    known = [Count(each.at, 7, 7) for each in counted[:-2]]
    add(database, today(8, 8), "granted", "refused")
    with database.read_session() as session:
        again = count_logins(session, now=NOW, timezone=BERLIN, known=known)
        tomorrow = count_logins(session, now=NOW + timedelta(days=1), timezone=BERLIN, known=known)
    assert again[:-2] == tuple(known)
    assert [(each.granted, each.refused) for each in again[-2:]] == [(1, 1), (0, 0)]
    assert {(each.granted, each.refused) for each in tomorrow} == {(0, 0)}


@pytest.mark.parametrize("now", [today(6, 30), today(7, 0)], ids=["before seven", "at seven"])
def test_before_the_first_bell_there_is_nothing(database: Database, now: datetime) -> None:
    """The day begins at seven."""
    add(database, today(6, 20), "granted")
    with database.read_session() as session:
        assert count_logins(session, now=now, timezone=BERLIN) == ()


def test_the_usual_day_is_the_mean_of_school_days(database: Database) -> None:
    """Weekends, days on which nobody logged in, and today are left out."""
    for back, logins in ((1, 4), (2, 8), (5, 100), (6, 100)):  # Thursday, Wednesday, Sunday, Saturday
        add(database, today(7, 46) - timedelta(days=back), *["granted"] * logins, "refused")
    add(database, today(7, 46), "granted")
    with database.read_session() as session:
        usual = usual_logins(session, today=NOW.date(), timezone=BERLIN)
    assert (usual.days, usual.granted) == (2, {7 * 60 + 45: 6})


def test_nothing_is_older_than_a_week(database: Database) -> None:
    """A login of a week ago counts nowhere, even before it is deleted: not at any time of today."""
    add(database, today(0, 0) - timedelta(days=6, seconds=1), "granted")
    with database.read_session() as session:
        assert usual_logins(session, today=NOW.date(), timezone=BERLIN).days == 0


def test_the_clock_is_that_of_the_schools(database: Database) -> None:
    """Also beyond the change from summer time."""
    monday = datetime(2026, 10, 26, 7, 46, tzinfo=BERLIN)
    add(database, monday - timedelta(days=3), "granted")
    with database.read_session() as session:
        usual = usual_logins(session, today=date(2026, 10, 26), timezone=BERLIN)
    assert usual.granted == {7 * 60 + 45: 1}
