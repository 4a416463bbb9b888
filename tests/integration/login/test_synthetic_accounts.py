"""The account of a synthetic login takes the way of every other one, lets in once, and leaves no trace."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from authbridge.login.authenticate import LoginServices, authenticate
from authbridge.login.passwords import Hasher
from authbridge.login.policy import Verdict
from authbridge.login.synthetic_accounts import LIFETIME, draw_username
from authbridge.login.usernames import Username
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AlarmRaised,
    AuditEvent,
    Base,
    KnownNetwork,
    LoginAttempt,
    LoginFailure,
    NetworkWait,
    RejectedAttempts,
    SyntheticLogin,
)
from authbridge.synthetic_login import records
from authbridge.synthetic_login.outcomes import SyntheticOutcome, SyntheticResult
from tests.support.factories import HASHER, LIMITS, make_attempt, make_origin, make_services
from tests.support.fakes import MORNING, CountingHasher, FakeClock

RIGHT, WRONG = "vpgd-kxwj-rhms", "bbdf-ghjk-mnpr"
IP = "198.51.100.7"
TRACES: tuple[type[Base], ...] = (
    AlarmRaised,
    AuditEvent,
    KnownNetwork,
    LoginAttempt,
    LoginFailure,
    NetworkWait,
    RejectedAttempts,
)


def make_account(database: Database) -> Username:
    """Opens the account of a synthetic login in the morning."""
    username = draw_username()
    with database.write_session() as session:
        hashed = HASHER.hash(RIGHT, generated=True).hash
        records.begin(session, "meet-1", username, hashed, now=MORNING)
    return username


def login(services: LoginServices, username: str, password: str) -> Verdict:
    """One login from the machine's own address; its verdict."""
    attempt = make_attempt(username, password, ip=IP)
    return authenticate(attempt, make_origin(), services, within=9).verdict


def traces(database: Database) -> dict[str, int]:
    """The rows that logins have left, by table."""
    with database.read_session() as session:
        counts = [session.scalar(select(func.count()).select_from(each)) or 0 for each in TRACES]
    return {each.__tablename__: count for each, count in zip(TRACES, counts, strict=True) if count}


def test_it_lets_in_once(database: Database) -> None:
    """The second login with the very password is refused, in the process that remembers it and in another."""
    username = make_account(database)
    services = make_services(database)

    assert login(services, username, RIGHT) is Verdict.GRANTED
    assert login(services, username, RIGHT) is Verdict.REFUSED
    assert login(make_services(database), username, RIGHT) is Verdict.REFUSED


def test_both_passwords_are_hashed(database: Database) -> None:
    """The quick check of the service spares neither: that bcrypt refuses is to be seen."""
    username = make_account(database)
    hasher = CountingHasher(4, Hasher.with_quick_checks(4, b"k" * 32).quick_checks)
    services = make_services(database, hasher=hasher)

    assert login(services, username, WRONG) is Verdict.REFUSED
    assert login(services, username, RIGHT) is Verdict.GRANTED
    assert hasher.checked == [WRONG, RIGHT]


def test_nothing_of_it_is_left(database: Database) -> None:
    """No line in the journal, no failure that counts, no network that is known, no alarm."""
    services = make_services(database)
    for _ in range(2 * LIMITS.account_failures):
        username = make_account(database)
        assert login(services, username, WRONG) is Verdict.REFUSED
        assert login(services, username, RIGHT) is Verdict.GRANTED

    assert traces(database) == {}


def test_it_lets_nobody_in_when_its_time_is_over(database: Database) -> None:
    """A killed run leaves an account behind that is of no use, and the next run wipes it."""
    username = make_account(database)
    clock = FakeClock(MORNING + LIFETIME)

    assert login(make_services(database, clock=clock), username, RIGHT) is Verdict.REFUSED
    with database.write_session() as session:
        records.begin(session, "meet-1", draw_username(), "x", now=clock())
        row = session.get_one(SyntheticLogin, 1)
        assert (row.username, row.password_hash, row.outcome) == (None, None, None)


def test_a_closed_account_lets_nobody_in(database: Database) -> None:
    """Whatever came of the run."""
    username = make_account(database)
    with database.write_session() as session:
        records.finish(session, 1, SyntheticResult(SyntheticOutcome.NO_ANSWER))

    assert login(make_services(database), username, RIGHT) is Verdict.REFUSED


@pytest.mark.parametrize("password", [RIGHT, WRONG])
def test_a_name_that_only_looks_like_one_is_anybodys(database: Database, password: str) -> None:
    """Somebody who guesses at such names is in the journal, and their failures count."""
    assert login(make_services(database), draw_username(), password) is Verdict.REFUSED
    assert traces(database) == {"login_attempts": 1, "login_failures": 1}


def test_an_account_that_is_closed_while_its_password_is_checked_lets_nobody_in(database: Database) -> None:
    """The state after the hash decides, as it does for organisers."""
    username = make_account(database)

    def close() -> None:
        with database.write_session() as session:
            records.finish(session, 1, SyntheticResult(SyntheticOutcome.NO_ANSWER))

    services = make_services(database, hasher=CountingHasher(meanwhile=close))

    assert login(services, username, RIGHT) is Verdict.REFUSED


def test_what_is_kept_of_a_run_is_kept_for_a_week(database: Database) -> None:
    """And not a moment longer."""
    make_account(database)
    for age, left in ((records.KEPT, 1), (records.KEPT + timedelta(seconds=1), 0)):
        with database.write_session() as session:
            records.purge(session, now=MORNING + age)
            assert session.scalar(select(func.count(SyntheticLogin.id))) == left
