"""How staff come in: two steps in order, or an invitation."""

from dataclasses import replace
from datetime import timedelta

import pytest

from authbridge.audit import Action
from authbridge.login.policy import Verdict
from authbridge.staff.members import get_staff
from authbridge.storage.models import AuditEvent, LoginFailure, SessionStage
from tests.support.factories import Member, make_invited
from tests.support.fakes import MORNING, CountingHasher
from tests.support.sign_in import GRANTED, REFUSED, Panel


def test_two_steps_lead_in(panel: Panel, anna: Member) -> None:
    """Password, then code; each with a session of its own, and one line in the audit."""
    first = panel.password(" ANNA ", anna.password)
    half = panel.visit(first.token)
    assert half is not None
    assert (first.decision.verdict, half.stage, half.factor_at) == (GRANTED, SessionStage.PASSWORD, None)

    second = panel.code(half, anna.code(MORNING))

    whole = panel.visit(second.token)
    assert whole is not None
    assert (whole.name, whole.stage, whole.factor_at) == ("anna", SessionStage.SIGNED_IN, MORNING)
    assert panel.visit(first.token) is None
    assert not second.recovered
    with panel.database.read_session() as session:
        assert get_staff(session, "anna").last_sign_in_on == MORNING.date()
    (event,) = panel.rows(AuditEvent, AuditEvent.action == Action.STAFF_SIGN_IN)
    assert (event.actor, event.subject, event.detail) == ("staff:anna", "anna", {"factor": "app"})
    assert panel.rows(LoginFailure) == []
    for outcome in (first, second):
        assert outcome.token
        assert outcome.token not in repr(outcome)


def test_a_refused_sign_in_leaves_a_line_each_quarter_of_an_hour(panel: Panel, anna: Member) -> None:
    """For each step one, whoever was tried; neither the typed name nor the owner's stands in it."""
    half = panel.visit(panel.password(anna.name, anna.password).token)
    assert half is not None
    for name in (anna.name, "nobody", anna.name):
        panel.password(name, "wrong")
        panel.code(half, "000000")
    events = panel.rows(AuditEvent, AuditEvent.action == Action.STAFF_REFUSE_SIGN_IN)
    assert [(each.actor, each.subject, each.detail) for each in events] == [
        ("unknown", "staff", {"step": "Password"}),
        ("unknown", "staff", {"step": "Code"}),
    ]
    panel.clock.advance(minutes=15)
    panel.password(anna.name, "wrong again")
    assert len(panel.rows(AuditEvent, AuditEvent.action == Action.STAFF_REFUSE_SIGN_IN)) == 3


def test_the_day_of_the_sign_in_is_the_operators(panel: Panel, anna: Member) -> None:
    """Shortly after midnight in Berlin."""
    panel.clock.advance(hours=15, minutes=30)  # 23:25 UTC
    panel.comes_in(anna)
    with panel.database.read_session() as session:
        assert get_staff(session, "anna").last_sign_in_on == MORNING.date() + timedelta(days=1)


def test_an_invitation_leads_to_the_enrolment(panel: Panel) -> None:
    """With the code as it is written or typed; it is not used up by that."""
    code = make_invited(panel.database)

    for typed in (code, code.replace("-", " ").upper()):
        outcome = panel.invitation("Anna", typed)
        visit = panel.visit(outcome.token)
        assert visit is not None
        assert (outcome.decision.verdict, visit.stage) == (GRANTED, SessionStage.ENROLLING)


@pytest.mark.parametrize(
    ("later", "verdict"),
    [
        pytest.param(timedelta(hours=24, microseconds=-1), GRANTED, id="just in time"),
        pytest.param(timedelta(hours=24), REFUSED, id="a day later"),
    ],
)
def test_an_invitation_lasts_a_day(panel: Panel, later: timedelta, verdict: Verdict) -> None:
    """To the moment."""
    code = make_invited(panel.database)
    panel.clock.now += later
    assert panel.invitation("anna", code).decision.verdict is verdict


def test_a_cheaper_hash_is_renewed(panel: Panel, anna: Member) -> None:
    """A raised cost holds from the next sign-in on."""
    panel.services = replace(panel.services, hasher=CountingHasher(cost=5))
    assert panel.password("anna", anna.password).decision.verdict is GRANTED
    with panel.database.read_session() as session:
        assert (get_staff(session, "anna").password_hash or "").startswith("$2b$05$")
    assert panel.password("anna", anna.password).decision.verdict is GRANTED
