"""A wrong password or invitation tells nothing about an account, and starts no session."""

from dataclasses import replace

import pytest

from authbridge.login.fair_turns import Place
from authbridge.login.hashing_queue import HashingQueue
from authbridge.login.policy import Decision, Reason, Verdict
from authbridge.staff import commands as staff_commands
from authbridge.staff import sessions
from authbridge.staff.one_time_codes import make_invitation
from authbridge.staff.sign_in import Outcome
from authbridge.storage.models import LoginFailure, StaffSession
from tests.support.factories import ACTOR, ENCRYPTION, KEYED_HASHES, Member
from tests.support.fakes import MORNING, CountingHasher
from tests.support.sign_in import CAFE, GRANTED, REFUSED, SUSPENDED, Panel


def test_a_wrong_password_is_refused_alike(panel: Panel, name: str) -> None:
    """One hash, one row, the same words, for everybody's and nobody's name."""
    outcome = panel.password(name, "wrong")

    assert outcome == Outcome(Decision(REFUSED, Reason.WRONG_PASSWORD))
    assert (panel.hasher.checks, len(panel.rows(LoginFailure)), panel.rows(StaffSession)) == (1, 1, [])


def test_a_wrong_invitation_is_refused_alike(panel: Panel, name: str) -> None:
    """Whether somebody was invited or not."""
    outcome = panel.invitation(name, "vpgd-kxwj-rhms")
    assert outcome == Outcome(Decision(REFUSED, Reason.WRONG_PASSWORD))
    assert len(panel.rows(LoginFailure)) == 1


@pytest.mark.parametrize("typed", ["", "\0", "\udcff", "x" * 100_000, "ü" * 40, "סיסמה"])
def test_what_can_be_no_password_takes_the_same_way(panel: Panel, anna: Member, typed: str) -> None:
    """A hash and a row, no error; at each door."""
    assert panel.password(anna.name, typed).decision.verdict is REFUSED
    assert (panel.hasher.checks, len(panel.rows(LoginFailure))) == (1, 1)
    assert panel.invitation(anna.name, typed).decision.verdict is REFUSED
    assert panel.code(panel.half(anna), typed).decision.verdict is REFUSED


def test_the_password_alone_opens_nothing(panel: Panel, anna: Member) -> None:
    """The session after the first step is neither signed in nor fresh, and makes no network known."""
    half = panel.half(anna, CAFE)
    assert not sessions.is_fresh(half, MORNING)

    panel.guesses("anna", 5, CAFE)
    panel.clock.advance(seconds=30)
    panel.guess("anna", CAFE)

    assert panel.guess("anna", CAFE).retry_after == 60  # where she is known it would be 30 again


def test_a_suspended_member_is_told_so_with_the_right_password_only(panel: Panel, anna: Member) -> None:
    """A wrong one learns nothing."""
    with panel.database.write_session() as session:
        staff_commands.suspend_staff(session, "anna", actor=ACTOR, now=MORNING)

    outcome = panel.password("anna", anna.password)

    assert (outcome.decision.verdict, outcome.token) == (SUSPENDED, None)
    assert panel.guess("anna").verdict is REFUSED
    assert panel.rows(StaffSession) == []


@pytest.mark.parametrize(("what", "verdict"), [("suspend", SUSPENDED), ("reset", REFUSED)])
def test_what_happens_during_the_hash_wins(panel: Panel, anna: Member, what: str, verdict: Verdict) -> None:
    """A suspension or a reset that arrived meanwhile: no session begins."""

    def happen() -> None:
        with panel.database.write_session() as session:
            if what == "suspend":
                staff_commands.suspend_staff(session, "anna", actor=ACTOR, now=MORNING)
            else:
                invitation = make_invitation(ENCRYPTION)
                staff_commands.reset_staff(
                    session, "anna", invitation, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING
                )

    panel.services = replace(panel.services, hasher=CountingHasher(meanwhile=happen))

    outcome = panel.password("anna", anna.password)

    assert (outcome.decision.verdict, outcome.token) == (verdict, None)
    assert panel.rows(StaffSession) == []


def test_a_password_is_on_record_while_it_is_hashed(panel: Panel, anna: Member) -> None:
    """A crash leaves a failure behind; no transaction is open meanwhile; once it matched it was none."""
    counted: list[int] = []

    def look() -> None:
        counted.append(len(panel.rows(LoginFailure)))
        with panel.database.write_session():
            pass  # nobody else is kept from writing

    panel.services = replace(panel.services, hasher=CountingHasher(meanwhile=look))

    assert panel.password("anna", anna.password).decision.verdict is GRANTED
    assert (counted, panel.rows(LoginFailure)) == ([1], [])


def test_no_slot_in_time_is_said_at_once(panel: Panel, anna: Member) -> None:
    """A flood of sign-ins keeps nobody waiting in vain."""
    panel.services = replace(panel.services, hashing_queue=HashingQueue(1, typical=60.0))
    with panel.services.hashing_queue.slot(Place("another"), within=60) as is_admitted:
        assert is_admitted
        outcome = panel.password("anna", anna.password)
    assert outcome.decision.reason is Reason.QUEUE_TOO_LONG
    assert panel.rows(LoginFailure) == []
