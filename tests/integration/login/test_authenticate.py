"""The login flow over real databases."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from authbridge.login.authenticate import LoginServices, authenticate
from authbridge.login.passwords import Hasher
from authbridge.login.policy import Verdict
from authbridge.login.typed_passwords import StoredPassword, TypedPassword
from authbridge.login.usernames import normalise_username
from authbridge.schools.commands import organisers, suspensions
from authbridge.schools.lookup import get_organiser
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, Organiser, SuspensionReason
from tests.support.factories import (
    ACTOR,
    HASHER,
    KEYED_HASHES,
    make_attempt,
    make_organiser,
    make_origin,
    make_school,
    make_services,
)
from tests.support.fakes import MORNING, FakeClock
from workbench.processes import PATIENCE


def login(services: LoginServices, username: str, password: str) -> Verdict:
    """One login; its verdict."""
    return authenticate(make_attempt(username, password), make_origin(), services, within=9).verdict


def the_attempt(database: Database) -> LoginAttempt:
    """The only attempt on record."""
    with database.read_session() as session:
        return session.scalars(select(LoginAttempt)).one()


@dataclass(frozen=True)
class _InterruptedHasher(Hasher):
    """Something happens while the password is being checked."""

    meanwhile: Callable[[], None] = lambda: None

    def matches(self, typed: TypedPassword, stored: StoredPassword | None) -> bool:
        """Checks, and lets the other thing happen before it is done."""
        self.meanwhile()
        return super(_InterruptedHasher, self).matches(typed, stored)  # noqa: UP008 - slots lose the class


def test_the_right_password_is_granted_and_dated(database: Database) -> None:
    """The day of the last login is kept, in the operator's time zone, and nothing finer."""
    make_school(database)
    issued = make_organiser(database)
    clock = FakeClock(datetime(2026, 11, 20, 23, 30, tzinfo=UTC))

    assert login(make_services(database, clock=clock), issued.username, issued.password) is Verdict.GRANTED

    with database.read_session() as session:
        assert get_organiser(session, issued.username).last_login_on == date(2026, 11, 21)


def test_a_typed_name_may_have_capitals_blanks_and_our_domain(database: Database) -> None:
    """What a person means is understood also where Prosody is not in between."""
    make_school(database)
    issued = make_organiser(database)

    typed = f"  {issued.username.upper()}@meet.test "

    assert login(make_services(database), typed, issued.password) is Verdict.GRANTED


def test_a_c_that_was_read_as_an_e_logs_in(database: Database) -> None:
    """Both spellings are one password: what was wrong with an e is as wrong with a c, and counts once."""
    make_school(database)
    services = make_services(database)
    issued = next(each for each in (make_organiser(database) for _ in range(40)) if "c" in each.password)
    read = issued.password.replace("c", "e")

    wrong = [login(services, issued.username, read + letter) for letter in "ec" * 4]
    assert set(wrong) == {Verdict.REFUSED}, "eight distinct ones would have to wait"
    assert login(services, issued.username, read) is Verdict.GRANTED
    assert login(services, issued.username, issued.password) is Verdict.GRANTED


@pytest.mark.parametrize(
    "name", ["ohg-zzzz", "", "x" * 1000, "ohg-\udcff", "ohg\0kwtx", "'; DROP TABLE organisers; --"]
)
def test_an_unknown_name_is_refused(database: Database, name: str) -> None:
    """Whatever is typed, it is nobody's name."""
    make_school(database)

    assert login(make_services(database), name, "vpgd-kxwj-rhms") is Verdict.REFUSED


def test_suspended_expired_and_reinstated(database: Database) -> None:
    """Every change of state counts from the next login on, and only for who has the password."""
    make_school(database)
    issued = make_organiser(database)
    services = make_services(database)
    name, password = issued.username, issued.password

    with database.write_session() as session:
        suspensions.suspend(
            session, ORGANISER, name, reason=SuspensionReason.MISUSE, actor=ACTOR, now=MORNING
        )
    assert login(services, name, password) is Verdict.SUSPENDED
    assert login(services, name, "wrong") is Verdict.REFUSED

    with database.write_session() as session:
        suspensions.reinstate(session, ORGANISER, name, actor=ACTOR, now=MORNING)
        suspensions.suspend(session, SCHOOL, "ohg", reason=SuspensionReason.OTHER, actor=ACTOR, now=MORNING)
    assert login(services, name, password) is Verdict.SUSPENDED

    with database.write_session() as session:
        suspensions.reinstate(session, SCHOOL, "ohg", actor=ACTOR, now=MORNING)
        organisers.change_validity(
            session, name, date(2026, 11, 19), today=MORNING.date(), actor=ACTOR, now=MORNING
        )
    assert login(services, name, password) is Verdict.EXPIRED
    assert login(services, name, "wrong") is Verdict.REFUSED

    with database.write_session() as session:
        organisers.change_validity(session, name, None, today=MORNING.date(), actor=ACTOR, now=MORNING)
    assert login(services, name, password) is Verdict.GRANTED


@pytest.mark.parametrize(
    ("moment", "verdict"),
    [
        pytest.param(datetime(2026, 7, 31, 21, 59, 59, tzinfo=UTC), Verdict.GRANTED, id="23:59:59 in Berlin"),
        pytest.param(datetime(2026, 7, 31, 22, 0, 0, tzinfo=UTC), Verdict.EXPIRED, id="midnight in Berlin"),
    ],
)
def test_validity_ends_with_the_day_in_the_operators_time_zone(
    database: Database, moment: datetime, verdict: Verdict
) -> None:
    """The last day counts to its end, as the letter says it."""
    make_school(database)
    issued = make_organiser(database, valid_until=date(2026, 7, 31))

    services = make_services(database, clock=FakeClock(moment))

    assert login(services, issued.username, issued.password) is verdict


def test_a_suspension_that_arrives_during_the_check_wins(database: Database) -> None:
    """The state counts as it is when the password has been checked."""
    make_school(database)
    issued = make_organiser(database)

    def suspend() -> None:
        with database.write_session() as session:
            suspensions.suspend(
                session, ORGANISER, issued.username, reason=SuspensionReason.MISUSE, actor=ACTOR, now=MORNING
            )

    services = make_services(database, hasher=_InterruptedHasher(4, meanwhile=suspend))

    assert login(services, issued.username, issued.password) is Verdict.SUSPENDED


def test_a_reset_that_arrives_during_the_check_wins(database: Database) -> None:
    """The old password is dead from the moment of the reset."""
    make_school(database)
    issued = make_organiser(database)

    def reset() -> None:
        (password,) = organisers.make_passwords(1, HASHER)
        with database.write_session() as session:
            organisers.reset_password(
                session, issued.username, password, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING
            )

    services = make_services(database, hasher=_InterruptedHasher(4, meanwhile=reset))

    assert login(services, issued.username, issued.password) is Verdict.REFUSED


@pytest.mark.parametrize("cost", [pytest.param(4, id="same cost"), pytest.param(5, id="raised cost")])
def test_a_change_that_is_being_committed_during_the_check_wins(database: Database, cost: int) -> None:
    """A login waits for a reset under way, and never puts the old password back."""
    make_school(database)
    issued = make_organiser(database)
    name = issued.username
    (password,) = organisers.make_passwords(1, HASHER)
    changed, commit = threading.Event(), threading.Event()

    def reset_slowly() -> None:
        with database.write_session() as session:
            organisers.reset_password(
                session, name, password, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING
            )
            session.flush()
            changed.set()
            commit.wait(PATIENCE)

    admin = threading.Thread(target=reset_slowly)

    def meanwhile() -> None:
        admin.start()
        assert changed.wait(PATIENCE)
        threading.Timer(0.3, commit.set).start()

    services = make_services(database, hasher=_InterruptedHasher(cost, meanwhile=meanwhile))

    assert login(services, name, issued.password) is Verdict.REFUSED
    admin.join()
    assert login(make_services(database), name, issued.password) is Verdict.REFUSED
    assert login(make_services(database), name, password.plain) is Verdict.GRANTED


def test_an_attempt_is_on_record_while_it_is_checked(database: Database) -> None:
    """A service that dies during the check leaves an open attempt, and no transaction is held meanwhile."""
    make_school(database)
    issued = make_organiser(database)
    seen: list[str | None] = []

    services = make_services(
        database, hasher=_InterruptedHasher(4, meanwhile=lambda: seen.append(the_attempt(database).verdict))
    )
    login(services, issued.username, issued.password)

    assert seen == [None]
    assert the_attempt(database).verdict == Verdict.GRANTED


def test_the_journal_holds_what_was_promised_and_no_more(database: Database) -> None:
    """Address, time, browser and verdict of an organiser; of an unknown name only a keyed hash."""
    make_school(database)
    attempt = make_attempt("meinpasswort123", "x", ip="198.51.100.7", user_agent="Mozilla/5.0")

    authenticate(attempt, make_origin("q-9"), make_services(database), within=9)

    row = the_attempt(database)
    assert (row.at, row.ip, row.user_agent, row.request_id) == (MORNING, "198.51.100.7", "Mozilla/5.0", "q-9")
    assert (row.organiser_id, row.verdict, row.reason) == (None, "refused", "unknown-name")
    assert row.unknown_name is not None
    assert len(row.unknown_name) == 32
    stored = {str(getattr(row, column.key)) for column in LoginAttempt.__table__.columns}
    assert not any("meinpasswort" in value for value in stored)


def test_a_raised_cost_is_applied_at_the_next_success(database: Database) -> None:
    """A refused login changes nothing, a granted one renews the hash, and the password stays the same."""
    make_school(database)
    issued = make_organiser(database, hasher=Hasher(4))
    services = make_services(database, hasher=Hasher(5))

    login(services, issued.username, "wrong")
    assert the_hash(database).startswith("$2b$04$")

    assert login(services, issued.username, issued.password) is Verdict.GRANTED
    assert the_hash(database).startswith("$2b$05$")
    assert login(services, issued.username, issued.password) is Verdict.GRANTED


def the_hash(database: Database) -> str:
    """The stored hash of the only organiser."""
    with database.read_session() as session:
        return session.scalars(select(Organiser.password_hash)).one()


def test_names_and_hosts_are_a_setting_of_the_call(database: Database) -> None:
    """A domain part that is not ours makes an unknown username."""
    make_school(database)
    issued = make_organiser(database)
    typed = normalise_username(f"{issued.username}@meet.test", host="other.test")
    attempt = replace(make_attempt(issued.username, issued.password), username=typed)

    decision = authenticate(attempt, make_origin(), make_services(database), within=9)

    assert decision.verdict is Verdict.REFUSED
