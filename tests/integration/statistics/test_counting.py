"""The monthly totals: each login counts once, in its month, whatever becomes of clocks and processes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select

from authbridge import retention
from authbridge.login.policy import Verdict
from authbridge.schools.commands import organisers
from authbridge.statistics import counting
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, MonthlyTotal, Organiser, School
from tests.support.factories import ACTOR, KEYED_HASHES, LIMITS
from tests.support.fakes import MORNING, FakeClock
from tests.support.feeds import settle

BERLIN = ZoneInfo("Europe/Berlin")
GRANTED = Verdict.GRANTED.value
NOVEMBER = date(2026, 11, 1)

Numbers = tuple[int, int, int]
"""Accounts, active ones, logins."""


def log_in(
    database: Database, name: str, at: datetime, times: int = 1, verdict: str | None = GRANTED
) -> None:
    """Writes logins into the journal, as they stand there after their answer."""
    with database.write_session() as session:
        query = select(Organiser.id).where(Organiser.username == name)
        organiser_id = session.scalars(query).one()
        session.add_all(
            LoginAttempt(
                at=at,
                request_id="q",
                organiser_id=organiser_id,
                transport="tcp",
                node="node-a",
                verdict=verdict,
            )
            for _ in range(times)
        )


def count(database: Database, now: datetime) -> None:
    """Counts as a service does every five minutes."""
    counting.count(database, clock=lambda: now, timezone=BERLIN)


def totals(database: Database) -> dict[tuple[str, date], Numbers]:
    """What was counted, by school and month."""
    query = select(School.code, MonthlyTotal).join(School, School.id == MonthlyTotal.school_id)
    with database.read_session() as session:
        return {
            (code, row.month): (row.accounts, row.active, row.logins) for code, row in session.execute(query)
        }


def test_a_login_counts_once_and_an_account_once_a_month(database: Database) -> None:
    """However often it is counted, and only what got in."""
    settle(database, "ohg-a", "ohg-b", "ohg-c")
    settle(database, "abc-a", code="abc")
    log_in(database, "ohg-a", MORNING, 3)
    log_in(database, "ohg-b", MORNING)
    log_in(database, "ohg-c", MORNING, verdict=Verdict.REFUSED.value)
    log_in(database, "ohg-c", MORNING, verdict=None)

    for minutes in (6, 11, 16):
        count(database, MORNING + timedelta(minutes=minutes))
    log_in(database, "ohg-a", MORNING + timedelta(minutes=20))
    count(database, MORNING + timedelta(minutes=30))

    assert totals(database) == {("ohg", NOVEMBER): (3, 2, 5), ("abc", NOVEMBER): (1, 0, 0)}


def test_a_login_that_may_still_be_open_is_left_for_the_next_time(database: Database) -> None:
    """Also one that stands before it in the journal, and is older than those after it."""
    settle(database, "ohg-a")
    log_in(database, "ohg-a", MORNING, verdict=None)
    log_in(database, "ohg-a", MORNING - timedelta(minutes=1))

    count(database, MORNING + timedelta(minutes=4, seconds=30))
    assert totals(database)["ohg", NOVEMBER] == (1, 0, 0)

    with database.write_session() as session:
        session.scalars(select(LoginAttempt).where(LoginAttempt.verdict.is_(None))).one().verdict = GRANTED
    count(database, MORNING + timedelta(minutes=5))
    assert totals(database)["ohg", NOVEMBER] == (1, 1, 2)


@pytest.mark.parametrize(
    ("at", "month"),
    [
        pytest.param(datetime(2026, 10, 31, 22, 59, 59, tzinfo=UTC), date(2026, 10, 1), id="winter, before"),
        pytest.param(datetime(2026, 10, 31, 23, 0, tzinfo=UTC), NOVEMBER, id="winter, midnight"),
        pytest.param(datetime(2026, 9, 30, 21, 59, 59, tzinfo=UTC), date(2026, 9, 1), id="summer, before"),
        pytest.param(datetime(2026, 9, 30, 22, 0, tzinfo=UTC), date(2026, 10, 1), id="summer, midnight"),
    ],
)
def test_a_month_begins_at_midnight_where_the_schools_are(
    database: Database, at: datetime, month: date
) -> None:
    """In summer two hours before UTC's, in winter one."""
    settle(database, "ohg-a")
    log_in(database, "ohg-a", at)

    count(database, at + timedelta(hours=3))

    assert totals(database)["ohg", month] == (1, 1, 1)


def test_an_account_is_active_in_both_months_that_one_count_finds(database: Database) -> None:
    """A service that was off at the end of a month catches up; accounts are those of today there too."""
    settle(database, "ohg-a", "ohg-b")
    log_in(database, "ohg-a", datetime(2026, 10, 30, 9, tzinfo=UTC), 600)
    log_in(database, "ohg-a", datetime(2026, 11, 2, 9, tzinfo=UTC), 600)

    count(database, datetime(2026, 11, 5, 9, tzinfo=UTC))

    assert totals(database) == {
        ("ohg", date(2026, 10, 1)): (2, 1, 600),
        ("ohg", NOVEMBER): (2, 1, 600),
    }


def test_two_services_at_once_count_no_login_twice(database: Database) -> None:
    """Nor do they wait for each other for ever."""
    settle(database, "ohg-a", "ohg-b")
    for name in ("ohg-a", "ohg-b") * 3:
        log_in(database, name, MORNING, 400)
    now = MORNING + timedelta(hours=1)

    with ThreadPoolExecutor(2) as services:
        list(services.map(lambda _: count(database, now), range(2)))

    assert totals(database) == {("ohg", NOVEMBER): (2, 2, 2400)}


def test_a_clock_that_is_set_back_or_was_wrong_doubles_nothing_and_loses_nothing(database: Database) -> None:
    """Not by an hour, nor by four years; what was written in a year to come counts now."""
    settle(database, "ohg-a")
    log_in(database, "ohg-a", MORNING)
    log_in(database, "ohg-a", datetime(2030, 11, 23, 8, tzinfo=UTC))
    count(database, datetime(2030, 11, 23, 8, 10, tzinfo=UTC))
    log_in(database, "ohg-a", datetime(2030, 11, 23, 8, 10, tzinfo=UTC))
    log_in(database, "ohg-a", MORNING - timedelta(hours=1), 2)
    count(database, MORNING - timedelta(minutes=50))
    log_in(database, "ohg-a", MORNING, 4)
    for hours in (1, 2, 24):
        count(database, MORNING + timedelta(hours=hours))

    assert sum(logins for _, _, logins in totals(database).values()) == 9
    assert totals(database)["ohg", NOVEMBER][2] == 8


def test_what_was_counted_outlives_an_organiser_and_the_journal(database: Database) -> None:
    """And after long holidays, with an empty journal, the count goes on."""
    settle(database, "ohg-a", "ohg-b")
    clock = FakeClock(MORNING)
    log_in(database, "ohg-a", clock(), 5)
    clock.advance(hours=1)
    count(database, clock())
    with database.write_session() as session:
        organisers.delete_organiser(session, "ohg-a", keyed_hashes=KEYED_HASHES, actor=ACTOR, now=clock())
        session.execute(delete(LoginAttempt))
    count(database, clock())
    assert totals(database) == {("ohg", NOVEMBER): (1, 1, 5)}

    log_in(database, "ohg-b", clock())
    clock.advance(hours=1)
    count(database, clock())
    assert totals(database) == {("ohg", NOVEMBER): (1, 2, 6)}


def test_totals_are_kept_for_thirty_six_months_beside_the_present_one(database: Database) -> None:
    """And then deleted by the hourly purge."""
    settle(database, "ohg-a")
    months = [date(2023, 10, 1), date(2023, 11, 1), NOVEMBER]
    with database.write_session() as session:
        school_id = session.scalars(select(School.id)).one()
        session.add_all(MonthlyTotal(school_id=school_id, month=month) for month in months)

    retention.purge(database, clock=FakeClock(MORNING), retention=timedelta(days=7), limits=LIMITS)

    assert [month for _, month in totals(database)] == months[1:]
