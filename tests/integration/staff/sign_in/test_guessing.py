"""Guesses are rationed at each step; strangers cannot lock staff out where they are known."""

from collections import Counter
from dataclasses import replace

import pytest

from authbridge.audit import Actor
from authbridge.login import commands as lockout_commands
from authbridge.login.authenticate import authenticate
from authbridge.login.policy import Reason, Verdict
from authbridge.storage.models import LoginFailure, NetworkWait, SessionStage, Staff
from tests.support.combinations import SQLITE_FIRST
from tests.support.factories import (
    ACTOR,
    KEYED_HASHES,
    Member,
    make_attempt,
    make_invited,
    make_organiser,
    make_origin,
    make_school,
    make_services,
    make_staff,
)
from tests.support.fakes import MORNING
from tests.support.sign_in import BOTNET, CAFE, GRANTED, LOCKED, OFFICE, REFUSED, Panel


@pytest.mark.parametrize("guesses", [100, pytest.param(1000, marks=pytest.mark.soak)])
def test_many_passwords_are_stopped_and_noted(panel: Panel, name: str, guesses: int) -> None:
    """From one place at one moment five are checked; it is told at the fifth, whose name it was or not."""
    verdicts = Counter(panel.guesses(name, guesses))

    assert verdicts == {REFUSED: 5, LOCKED: guesses - 5}
    assert (panel.hasher.checks, len(panel.rows(LoginFailure))) == (5, 5)
    assert panel.alarms() == [("staff:guessed", "anna" if panel.rows(Staff) else "unknown name")]


@SQLITE_FIRST
@pytest.mark.parametrize("guesses", [100, pytest.param(1000, marks=pytest.mark.soak)])
def test_a_botnet_gets_fifty_a_day(panel: Panel, name: str, guesses: int) -> None:
    """From many places, in 22 hours."""
    checked = 0
    for number in range(guesses):
        verdict = panel.guess(name, BOTNET[number % len(BOTNET)]).verdict
        checked += verdict is REFUSED
        panel.clock.advance(seconds=80_000 / guesses)

    assert checked == panel.hasher.checks == 50


@SQLITE_FIRST
def test_she_comes_in_where_she_is_known_whoever_guesses_elsewhere(panel: Panel, anna: Member) -> None:
    """Nobody who does not sit in her office locks her out of it."""
    panel.comes_in(anna)
    panel.clock.advance(hours=1)
    for number in range(120):
        panel.guess("anna", BOTNET[number])
    visit = panel.half(anna)
    for number in range(60):
        panel.code(visit, f"{number:06}", BOTNET[number])

    assert panel.password("anna", anna.password, CAFE).decision.reason is Reason.ACCOUNT_WAITS
    assert panel.comes_in(anna).stage is SessionStage.SIGNED_IN


@SQLITE_FIRST
def test_at_a_hundred_everything_waits_until_an_admin_ends_it(panel: Panel, anna: Member) -> None:
    """Guesses from her own office count too; it is told, and one command lets her in again."""
    panel.comes_in(anna)
    for _ in range(100):
        panel.guess("anna")
        panel.clock.advance(seconds=30)
    assert panel.hasher.checks == 101
    assert panel.password("anna", anna.password).decision.reason is Reason.ACCOUNT_WAITS
    assert panel.alarms() == [("staff:guessed", "anna"), ("staff:locked", "anna")]
    (found,) = panel.waits()
    assert (found.username, found.at_panel, found.rule) == ("staff:anna", True, Reason.ACCOUNT_WAITS)

    with panel.database.write_session() as session:
        assert lockout_commands.clear_name(
            session, "staff:anna", keyed_hashes=KEYED_HASHES, actor=Actor("staff:bert"), now=panel.clock()
        )

    assert panel.comes_in(anna).stage is SessionStage.SIGNED_IN
    panel.guesses("anna", 5)
    assert panel.alarms()[-1] == ("staff:guessed", "anna")  # told anew


def test_a_spray_over_many_names_makes_the_network_wait(panel: Panel, anna: Member) -> None:
    """Thirty checks; who is known there passes, and other networks do not notice."""
    panel.comes_in(anna)
    verdicts = [panel.guess(f"name{number}").verdict for number in range(60)]

    assert Counter(verdicts) == {REFUSED: 30, LOCKED: 30}
    assert [wait.network for wait in panel.rows(NetworkWait)] == [f"panel {OFFICE}"]
    assert ("network:locked", f"panel {OFFICE}") in panel.alarms()
    panel.clock.advance(seconds=30)
    assert panel.comes_in(anna).stage is SessionStage.SIGNED_IN
    bert = make_staff(panel.database, "bert")
    assert panel.password("bert", bert.password).decision.reason is Reason.NETWORK_WAITS
    assert panel.password("bert", bert.password, CAFE).decision.verdict is GRANTED

    with panel.database.write_session() as session:
        lockout_commands.clear_network(session, OFFICE, of_staff_too=True, actor=ACTOR, now=panel.clock())
    assert panel.password("bert", bert.password).decision.verdict is GRANTED


def test_the_same_wrong_password_again_is_not_counted(panel: Panel, anna: Member) -> None:
    """A browser that fills in the old one all morning is not guessing."""
    for _ in range(20):
        assert panel.password("anna", "the old one").decision.verdict is REFUSED
    assert (panel.hasher.checks, len(panel.rows(LoginFailure))) == (1, 1)
    assert panel.password("anna", anna.password).decision.verdict is GRANTED


def test_school_and_panel_do_not_lock_each_other(panel: Panel, anna: Member) -> None:
    """The clerk visits a school in which everybody mistypes; and what fails here is not the school's."""
    make_school(panel.database)
    teacher = make_organiser(panel.database)
    service = make_services(panel.database, clock=panel.clock)

    def login(username: str, password: str) -> Verdict:
        attempt = replace(make_attempt(username, password, ip=OFFICE), at=panel.clock())
        return authenticate(attempt, make_origin(), service, within=9).verdict

    for number in range(40):
        login(f"ohg-nobody{number}", "Sommer2026")
    assert login("ohg-kwtx", "Sommer2026") is LOCKED
    assert panel.password("anna", anna.password).decision.verdict is GRANTED

    panel.clock.advance(minutes=15)
    for number in range(40):
        panel.guess(f"name{number}")
    assert panel.guess("somebody").verdict is LOCKED
    assert login(teacher.username, teacher.password) is GRANTED


@pytest.mark.parametrize("typed", ["staff:anna", "Password anna", "password anna", "Code anna", "anna"])
def test_nobody_fills_her_account_through_prosody(panel: Panel, anna: Member, typed: str) -> None:
    """Logins of organisers never count for staff, whatever name they bear."""
    make_school(panel.database)
    service = make_services(panel.database, clock=panel.clock)
    for number in range(6):
        authenticate(make_attempt(typed, f"x{number}", ip=OFFICE), make_origin(), service, within=9)

    assert panel.guesses("anna", 5) == [REFUSED] * 5
    panel.clock.advance(seconds=30)
    assert panel.password("anna", anna.password).decision.verdict is GRANTED


@SQLITE_FIRST
def test_codes_and_invitations_are_rationed_too(panel: Panel, anna: Member) -> None:
    """Each for itself: who guesses at one does not lock the other."""
    visit = panel.half(anna)
    wrong = [f"{number:06}" for number in range(1000) if f"{number:06}" != anna.code(MORNING)]
    make_invited(panel.database, "bert")

    codes = Counter(panel.code(visit, typed).decision.verdict for typed in wrong)
    letters = Counter(
        panel.invitation("bert", f"vpgd-kxwj-{number:04}").decision.verdict for number in range(200)
    )

    assert codes == {REFUSED: 5, LOCKED: len(wrong) - 5}
    assert letters == {REFUSED: 5, LOCKED: 195}
    assert panel.alarms() == [
        ("staff:code-refused", "anna"),
        ("staff:guessed", "anna"),
        ("staff:guessed", "bert"),
    ]
    assert panel.code(visit, anna.code(MORNING)).decision.retry_after == 30
    assert panel.password("anna", anna.password).decision.verdict is GRANTED
    assert panel.password("bert", "x").decision.verdict is REFUSED


def test_a_success_ends_the_waits_of_both_steps(panel: Panel, anna: Member) -> None:
    """She is there: afterwards she has five mistakes again, and half a minute again."""
    panel.guesses("anna", 4)
    visit = panel.half(anna)
    for number in range(4):
        panel.code(visit, f"{number:06}")

    assert panel.code(visit, anna.code(MORNING)).decision.verdict is GRANTED

    assert panel.guesses("anna", 6) == [REFUSED] * 5 + [LOCKED]
    assert panel.guess("anna").retry_after == 30


@pytest.mark.parametrize("sign_in_step", ["password", "invitation"])
def test_who_must_wait_keeps_no_writer_waiting(panel: Panel, anna: Member, sign_in_step: str) -> None:
    """A locked address that goes on is answered while somebody writes, and leaves nothing behind."""
    make_invited(panel.database, "bert")

    def attempt(number: int) -> Verdict:
        if sign_in_step == "password":
            return panel.guess(anna.name).verdict
        return panel.invitation("bert", f"vpgd-kxwj-{number:04}").decision.verdict

    assert [attempt(number) for number in range(5)] == [REFUSED] * 5
    with panel.database.write_session():
        assert attempt(5) is LOCKED
    assert len(panel.rows(LoginFailure)) == 5


@SQLITE_FIRST
@pytest.mark.parametrize("is_invited", [True, False])
def test_strangers_cannot_kill_an_invitation(panel: Panel, *, is_invited: bool) -> None:
    """It has 49 random bits; whoever was invited comes in, and nobody is said to wait."""
    code = make_invited(panel.database) if is_invited else "vpgd-kxwj-rhms"
    for number in range(150):
        typed = f"vpgd-kxwj-{number:04}"
        assert panel.invitation("anna", typed, BOTNET[number]).decision.verdict is REFUSED

    assert panel.waits() == []
    assert panel.alarms() == [("staff:guessed", "anna" if is_invited else "unknown name")]
    assert panel.invitation("anna", code).decision.verdict is (GRANTED if is_invited else REFUSED)


def test_an_invitation_waits_for_its_network(panel: Panel) -> None:
    """Many names from one address, as at the other doors."""
    code = make_invited(panel.database)
    for number in range(30):
        panel.invitation(f"name{number}", "vpgd-kxwj-rhms", CAFE)

    assert panel.invitation("anna", code, CAFE).decision.reason is Reason.NETWORK_WAITS
    assert panel.invitation("anna", code).decision.verdict is GRANTED
