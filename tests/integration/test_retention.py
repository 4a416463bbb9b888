"""One week of logs, and then really gone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from authbridge import readiness, retention
from authbridge.login.authenticate import authenticate
from authbridge.schools.commands import suspensions
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AlarmRaised,
    AuditEvent,
    LoginAttempt,
    LoginFailure,
    NetworkWait,
    Suspension,
    SuspensionReason,
)
from tests.support.factories import (
    ACTOR,
    LIMITS,
    make_attempt,
    make_organiser,
    make_origin,
    make_school,
    make_services,
)
from tests.support.fakes import MORNING, FakeClock

WEEK = timedelta(days=7)


def attempts(database: Database) -> int:
    """How many attempts are on record."""
    with database.read_session() as session:
        return session.scalar(select(func.count(LoginAttempt.id))) or 0


def log_in(database: Database, clock: FakeClock) -> None:
    """Somebody tries a name that nobody has."""
    attempt = replace(make_attempt("nobody", "x"), at=clock())
    authenticate(attempt, make_origin(), make_services(database, clock=clock), within=9)


@pytest.mark.parametrize(
    ("age", "left"),
    [
        pytest.param(WEEK, 1, id="seven days"),
        pytest.param(WEEK + timedelta(seconds=1), 0, id="seven days and a second"),
    ],
)
def test_a_login_is_forgotten_after_a_week(database: Database, age: timedelta, left: int) -> None:
    """Address, time and browser live seven days and no longer."""
    clock = FakeClock()
    authenticate(make_attempt("nobody", "x"), make_origin(), make_services(database), within=9)
    clock.now += age

    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)

    assert attempts(database) == left


def test_a_flood_is_deleted_in_short_transactions(database: Database) -> None:
    """More rows than one batch go too."""
    clock = FakeClock()
    with database.write_session() as session:
        session.add_all(
            LoginAttempt(at=clock(), request_id="q", transport="tcp", node="n") for _ in range(1200)
        )
    clock.advance(days=8)

    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)

    assert attempts(database) == 0


@pytest.mark.parametrize(("ahead", "left"), [(timedelta(minutes=10), 1), (timedelta(days=2), 0)])
def test_what_was_written_by_a_clock_ahead_goes_when_it_is_right(
    database: Database, ahead: timedelta, left: int
) -> None:
    """Else a network would wait for two days; minutes do not matter.  The journal has a rule of its own."""
    clock = FakeClock()
    clock.now += ahead
    services = make_services(database, clock=clock)
    for number in range(LIMITS.network_failures):
        wrong = make_attempt(f"ohg-kw{number:02d}", "bcdf-bcdf-bcdf", ip="198.51.100.7")
        authenticate(replace(wrong, at=clock()), make_origin(), services, within=9)
    with database.read_session() as session:
        assert session.scalar(select(func.count(NetworkWait.network))) == 1
    clock.now -= ahead

    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)

    assert attempts(database) == LIMITS.network_failures
    with database.read_session() as session:
        for model in (LoginFailure.id, NetworkWait.network, AlarmRaised.about):
            assert bool(session.scalar(select(func.count(model)))) == bool(left)


def test_a_login_of_tomorrow_goes_when_the_present_clock_has_proven_right(database: Database) -> None:
    """Two days ahead, it would else stay for nine days instead of seven, and years ahead for years."""
    clock = FakeClock(MORNING + timedelta(days=700))
    log_in(database, clock)
    clock.now = MORNING
    left = []
    for _ in range(6):
        log_in(database, clock)
        retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
        left.append(attempts(database))
        clock.advance(days=1)

    assert left == [2, 3, 4, 5, 5, 6]


@pytest.mark.parametrize("behind", [timedelta(hours=2), timedelta(days=2), timedelta(days=20_000)])
def test_a_clock_that_is_behind_deletes_no_login(database: Database, behind: timedelta) -> None:
    """As after a start without a time server; what it wrote itself goes as soon as it is right again."""
    clock = FakeClock()
    for _ in range(5):
        log_in(database, clock)
        clock.advance(days=1)
    clock.now -= behind
    log_in(database, clock)
    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
    assert attempts(database) == 6

    clock.now += behind
    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
    assert attempts(database) in {5, 6}


def test_the_audit_lives_a_year_and_a_note_ninety_days(database: Database) -> None:
    """The history of suspensions stays; what was written about it goes."""
    clock = FakeClock()
    make_school(database)
    username = make_organiser(database).username
    with database.write_session() as session:
        suspensions.suspend(
            session, ORGANISER, username, reason=SuspensionReason.MISUSE, actor=ACTOR, now=clock()
        )
        suspensions.reinstate(session, ORGANISER, username, actor=ACTOR, now=clock())
    with database.write_session() as session:
        session.scalars(select(Suspension)).one().note = "Anruf der Schulleitung"

    clock.advance(days=89)
    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
    with database.read_session() as session:
        assert session.scalars(select(Suspension)).one().note is not None

    clock.advance(days=2)
    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
    with database.read_session() as session:
        assert session.scalars(select(Suspension)).one().note is None
        assert session.scalar(select(func.count(AuditEvent.id)))

    clock.advance(days=275)
    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
    with database.read_session() as session:
        assert session.scalar(select(func.count(AuditEvent.id))) == 0
        assert session.scalars(select(Suspension)).one().reason == "misuse"


def test_readiness_says_when_old_rows_were_not_deleted(database: Database) -> None:
    """A week that is not kept is seen by the monitoring, not by the data-protection officer."""
    clock = FakeClock()
    assert "never" in readiness.examine(database, now=clock()).words["purge"]

    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
    clock.advance(hours=2)
    assert readiness.examine(database, now=clock()).ready

    clock.advance(seconds=1)
    report = readiness.examine(database, now=clock())
    assert not report.ready
    assert "07:55" in report.words["purge"]
