"""Guesses, sign-ins, codes and a suspension that arrive at the same moment."""

from collections import Counter
from dataclasses import replace
from functools import partial
from threading import Event

import pytest

from authbridge.login.hashing_queue import HashingQueue
from authbridge.login.networks import parse_address
from authbridge.staff import commands as staff_commands
from authbridge.staff.sign_in import Caller, sign_in
from authbridge.storage.database import Database
from authbridge.storage.models import LoginFailure, Role, SessionStage, StaffSession
from tests.support.factories import ACTOR, LIMITS, Member, make_sign_in_services, make_staff
from tests.support.fakes import MORNING, CountingHasher, WatchedMemory
from tests.support.sign_in import CAFE, GRANTED, LOCKED, OFFICE, REFUSED, Panel
from tests.support.threads import at_once
from workbench.processes import PATIENCE


def test_parallel_guesses_check_five(panel: Panel, name: str) -> None:
    """As many as one after the other, in whichever process."""
    other = Database(panel.database.engine.url.render_as_string(hide_password=False))
    settings = [
        replace(
            make_sign_in_services(database, hasher=panel.hasher, clock=panel.clock),
            hashing_queue=HashingQueue(20),
        )
        for database in (panel.database, other)
    ]

    verdicts = at_once(
        [
            partial(
                sign_in, name, f"wrong {number}", Caller(parse_address(OFFICE), None), settings[number % 2]
            )
            for number in range(40)
        ]
    )

    other.engine.dispose()
    assert Counter(each.decision.verdict for each in verdicts) == {REFUSED: 5, LOCKED: 35}
    assert (panel.hasher.checks, len(panel.rows(LoginFailure))) == (5, 5)


@pytest.mark.parametrize("typed", ["right", "wrong"])
def test_two_equal_sign_ins_at_the_same_time_are_one_check(panel: Panel, anna: Member, typed: str) -> None:
    """A double click is hashed once; both get the verdict, and each its own session."""
    memory = WatchedMemory(LIMITS)
    hasher = CountingHasher(meanwhile=lambda: _await(memory.met))
    panel.services = replace(panel.services, password_cache=memory, hasher=hasher)
    password = anna.password if typed == "right" else "falsch"

    outcomes = at_once([partial(panel.password, anna.name, password, ip) for ip in (OFFICE, CAFE)])

    assert hasher.checks == 1
    assert [each.decision.verdict for each in outcomes] == [GRANTED if typed == "right" else REFUSED] * 2
    assert len({each.token for each in outcomes}) == (2 if typed == "right" else 1)
    assert len(panel.rows(LoginFailure)) == (0 if typed == "right" else 1)


def _await(event: Event) -> None:
    assert event.wait(PATIENCE)


@pytest.mark.parametrize("sign_in_step", ["code", "invitation"])
def test_parallel_guesses_at_codes_check_five(panel: Panel, anna: Member, sign_in_step: str) -> None:
    """They are compared one after the other."""
    visit = panel.half(anna)
    tries = [
        partial(panel.code, visit, f"{number:03}{number:03}")
        if sign_in_step == "code"
        else partial(panel.invitation, "anna", f"vpgd-kxwj-{number}")
        for number in range(12)
    ]

    verdicts = Counter(each.decision.verdict for each in at_once(tries))

    assert verdicts == {REFUSED: 5, LOCKED: 7}
    assert len(panel.rows(LoginFailure)) == 5


@pytest.mark.parametrize("what", ["app", "recovery"])
def test_two_with_the_same_code_at_once(panel: Panel, anna: Member, what: str) -> None:
    """Exactly one comes in, be they in one session or in several."""
    typed = anna.code(MORNING) if what == "app" else anna.recovery[0]
    visits = [panel.half(anna) for _ in range(4)]

    outcomes = at_once([partial(panel.code, visit, typed, ip) for visit in visits for ip in (OFFICE, CAFE)])

    assert [each.decision.verdict for each in outcomes].count(GRANTED) == 1
    assert sum(each.token is not None for each in outcomes) == 1
    (row,) = panel.rows(StaffSession, StaffSession.stage == SessionStage.SIGNED_IN)
    assert row.factor_at == MORNING


def test_a_suspension_at_the_same_moment_leaves_no_session(panel: Panel, anna: Member) -> None:
    """Whichever comes first."""
    visit, code = panel.half(anna), anna.code(MORNING)

    def suspend() -> None:
        with panel.database.write_session() as session:
            staff_commands.suspend_staff(session, "anna", actor=ACTOR, now=MORNING)

    at_once([lambda: panel.code(visit, code), suspend])

    assert panel.rows(StaffSession) == []


def test_a_demoted_admin_is_out_at_once(panel: Panel) -> None:
    """And comes back with what she may do now."""
    chef = make_staff(panel.database, "chef", Role.ADMIN)
    make_staff(panel.database, "andere", Role.ADMIN)
    first = panel.code(panel.half(chef), chef.code(MORNING))

    with panel.database.write_session() as session:
        staff_commands.change_role(session, "chef", Role.AUDITOR, actor=ACTOR, now=MORNING)

    assert panel.visit(first.token) is None
    panel.clock.advance(seconds=30)
    assert panel.comes_in(chef).role is Role.AUDITOR
