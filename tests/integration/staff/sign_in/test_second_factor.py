"""The second factor: codes of the app and of the sheet, and the password asked again."""

from datetime import timedelta

import pytest

from authbridge.audit import Action
from authbridge.login.policy import Reason
from authbridge.staff import sessions
from authbridge.staff.sign_in import confirm_password
from authbridge.storage.models import AuditEvent, LoginFailure, RecoveryCode, SessionStage, StaffSession
from tests.support.factories import Member, make_invited, make_staff, make_visit
from tests.support.fakes import MORNING
from tests.support.sign_in import GRANTED, LOCKED, OFFICE, REFUSED, Panel


@pytest.mark.parametrize("minutes", [-5, -1, 1, 5])
def test_a_code_of_a_wrong_clock_is_refused_and_named(panel: Panel, anna: Member, minutes: int) -> None:
    """By how much, so that the page can say what to do; it counts as a failure like any other."""
    outcome = panel.code(panel.half(anna), anna.code(MORNING + timedelta(minutes=minutes)))

    assert outcome.decision.verdict is REFUSED
    assert outcome.token is None
    assert outcome.drift == timedelta(minutes=minutes)
    assert len(panel.rows(LoginFailure)) == 1


def test_a_guesser_gains_nothing_from_what_is_said_of_the_clock(panel: Panel, anna: Member) -> None:
    """A code that will be right in five minutes, and was named, is refused then; the next one is right."""
    visit = panel.half(anna)
    code = anna.code(MORNING + timedelta(minutes=5))
    assert panel.code(visit, code).drift == timedelta(minutes=5)
    panel.clock.advance(minutes=5)
    again = panel.code(visit, code)
    assert (again.decision.verdict, again.drift) == (REFUSED, None)
    panel.clock.advance(seconds=30)
    assert panel.code(visit, anna.code(panel.clock())).decision.verdict is GRANTED


def test_no_second_code_is_named_while_the_first_is_void(panel: Panel, anna: Member) -> None:
    """Only one can be void: naming another would let the first one count again."""
    visit = panel.half(anna)
    codes = [anna.code(MORNING + timedelta(seconds=seconds)) for seconds in (150, 210)]
    assert panel.code(visit, codes[0]).drift == timedelta(seconds=150)
    assert panel.code(visit, codes[1]).drift is None
    panel.clock.advance(seconds=150)
    assert panel.code(visit, codes[0]).decision.verdict is REFUSED
    panel.clock.advance(seconds=60)
    assert panel.code(visit, codes[1]).decision.verdict is GRANTED


def test_a_wrong_code_says_nothing_of_the_clock(panel: Panel, anna: Member) -> None:
    """Nor a recovery code, nor one that was used."""
    code = anna.code(MORNING)
    assert panel.code(panel.half(anna), code).decision.verdict is GRANTED
    panel.clock.advance(minutes=3)
    for typed in ("000000", "vpgd-kxwj-rhms", code):
        assert panel.code(panel.half(anna), typed).drift is None


def test_a_code_counts_once(panel: Panel, anna: Member) -> None:
    """Not a second time, in another session neither; the next one does."""
    first, second = panel.half(anna), panel.half(anna)
    code = anna.code(MORNING)

    assert panel.code(first, code).decision.verdict is GRANTED
    assert panel.code(second, code).decision.verdict is REFUSED
    panel.clock.advance(seconds=30)
    assert panel.code(second, anna.code(panel.clock())).decision.verdict is GRANTED


def test_a_recovery_code_counts_once(panel: Panel, anna: Member) -> None:
    """However it is typed; there are nine left, and the audit tells."""
    first, second = panel.half(anna), panel.half(anna)
    code = anna.recovery[3]

    outcome = panel.code(first, code.upper().replace("-", " "))

    assert (outcome.decision.verdict, outcome.recovered) == (GRANTED, True)
    assert len(panel.rows(RecoveryCode)) == 9
    assert panel.code(second, code).decision.verdict is REFUSED
    assert panel.code(second, anna.recovery[4]).decision.verdict is GRANTED
    events = panel.rows(AuditEvent, AuditEvent.action == Action.STAFF_SIGN_IN)
    assert [event.detail for event in events] == [{"factor": "recovery-code"}] * 2


def test_a_code_is_its_owners_alone(panel: Panel, anna: Member) -> None:
    """Neither another's app nor another's sheet."""
    bert = make_staff(panel.database, "bert")
    visit = panel.half(anna)

    assert panel.code(visit, bert.code(MORNING)).decision.verdict is REFUSED
    assert panel.code(visit, bert.recovery[0]).decision.verdict is REFUSED
    assert len(panel.rows(RecoveryCode)) == 20


def test_the_factor_is_made_fresh(panel: Panel, anna: Member) -> None:
    """Later, before staff are changed: the same session with a new token; a double click is no harm."""
    visit = panel.comes_in(anna)
    panel.clock.advance(minutes=11)
    code = anna.code(panel.clock())

    assert panel.code(visit, "000000").decision.verdict is REFUSED
    outcome = panel.code(visit, code)
    assert outcome.decision.verdict is GRANTED
    again = panel.code(visit, code)
    assert (again.decision.verdict, again.token) == (GRANTED, None)

    (row,) = panel.rows(StaffSession)
    assert (row.id_hash, row.factor_at) == (visit.id_hash, panel.clock())
    assert len(panel.rows(AuditEvent, AuditEvent.action == Action.STAFF_SIGN_IN)) == 1


def test_a_recovery_code_leaves_a_line_wherever_it_is_used(panel: Panel, anna: Member) -> None:
    """Also before staff are changed; the code of the app, which is nothing special there, does not."""
    visit = panel.comes_in(anna)
    panel.clock.advance(minutes=11)
    outcome = panel.code(visit, anna.recovery[0])

    assert (outcome.decision.verdict, outcome.recovered) == (GRANTED, True)
    events = sorted(panel.rows(AuditEvent, AuditEvent.action == Action.STAFF_SIGN_IN), key=lambda e: e.id)
    assert [(event.actor, event.detail) for event in events] == [
        ("staff:anna", {"factor": "app"}),
        ("staff:anna", {"factor": "recovery-code", "again": True}),
    ]


@pytest.mark.parametrize("stage", [SessionStage.PASSWORD, SessionStage.SIGNED_IN])
def test_a_session_that_was_ended_cannot_go_on(panel: Panel, anna: Member, stage: SessionStage) -> None:
    """Nor is the code used up, nor anything counted."""
    visit = make_visit(panel.database, stage=stage)
    with panel.database.write_session() as session:
        sessions.end(session, visit)

    assert panel.code(visit, anna.code(MORNING)).decision.reason is Reason.SESSION_ENDED

    assert panel.rows(LoginFailure) == []
    assert panel.code(panel.half(anna), anna.code(MORNING)).decision.verdict is GRANTED


def test_an_enrolment_is_no_first_step(panel: Panel) -> None:
    """Who shows an invitation has neither password nor factor yet."""
    make_invited(panel.database)
    visit = make_visit(panel.database, stage=SessionStage.ENROLLING)
    assert panel.code(visit, "000000").decision.reason is Reason.SESSION_ENDED


def test_the_password_is_asked_again(panel: Panel, anna: Member) -> None:
    """Before it is changed; guesses there are guesses, and no session begins."""
    visit = panel.comes_in(anna)
    caller = panel.caller(OFFICE)

    assert confirm_password(visit, anna.password, caller, panel.services).verdict is GRANTED
    verdicts = [confirm_password(visit, f"x{number}", caller, panel.services).verdict for number in range(6)]

    assert verdicts == [REFUSED] * 5 + [LOCKED]
    assert len(panel.rows(StaffSession)) == 1
