"""A browser in which both factors were shown is known, also while strangers guess elsewhere."""

from datetime import timedelta

import pytest

from authbridge.login.policy import Reason
from authbridge.staff import commands as staff_commands
from authbridge.staff.one_time_codes import make_invitation, make_recovery_codes
from authbridge.staff.sessions import PanelSession
from authbridge.staff.sign_in import device_token
from authbridge.storage.models import SessionStage
from tests.support.combinations import SQLITE_FIRST
from tests.support.factories import (
    ACTOR,
    ENCRYPTION,
    HASHER,
    KEYED_HASHES,
    Member,
    make_invited,
    make_sign_in_services,
    make_staff,
    make_visit,
)
from tests.support.fakes import MORNING
from tests.support.sign_in import BOTNET, CAFE, GRANTED, LOCKED, OFFICE, REFUSED, Panel


def test_both_factors_make_a_device_known(panel: Panel, anna: Member) -> None:
    """It is told once, and says neither who she is nor how she came in."""
    visit = panel.half(anna)
    first = panel.code(visit, anna.code(MORNING))
    assert first.device is not None
    assert first.device not in repr(first)
    assert "anna" not in first.device
    panel.device = first.device
    assert first.device not in repr(panel.caller(OFFICE))

    panel.clock.advance(minutes=1)
    half = panel.password("anna", anna.password)
    second = panel.code(panel.visit_of(half), anna.code(panel.clock()))

    assert (half.device, second.device, second.decision.verdict) == (None, None, GRANTED)


def test_a_fresh_factor_makes_no_device_known(panel: Panel, anna: Member) -> None:
    """That takes the password, too."""
    visit = panel.comes_in(anna)
    panel.clock.advance(minutes=11)
    assert panel.code(visit, anna.code(panel.clock())).device is None


def strangers_guess(panel: Panel, visit: PanelSession) -> None:
    """Fifty at each of her doors, from everywhere but where she is."""
    device, panel.device = panel.device, None
    for number in range(60):
        panel.guess("anna", BOTNET[number])
        panel.code(visit, f"{number:06}", BOTNET[number])
    panel.device = device


@SQLITE_FIRST
def test_she_comes_in_with_her_device_whoever_guesses(panel: Panel, anna: Member) -> None:
    """After the holidays, at home: nowhere is she known, but the browser is."""
    panel.device = panel.known(anna)
    panel.clock.advance(days=80)
    strangers_guess(panel, panel.half(anna, CAFE))

    assert panel.comes_in(anna, CAFE).stage is SessionStage.SIGNED_IN
    panel.device = None
    panel.clock.advance(days=8)
    strangers_guess(panel, make_visit(panel.database, stage=SessionStage.PASSWORD, now=panel.clock()))
    assert panel.password("anna", anna.password).decision.reason is Reason.ACCOUNT_WAITS


@SQLITE_FIRST
@pytest.mark.parametrize(
    "whose", ["nobody's", "bert's", "old", "of a reset", "of another key", "cut off", ""]
)
def test_what_is_no_device_of_hers_is_none(panel: Panel, anna: Member, whose: str) -> None:
    """Forged, foreign or over: then strangers make her wait."""
    bert = make_staff(panel.database, "bert")
    own = panel.known(anna)
    match whose:
        case "nobody's":
            panel.device = own.replace(own[0], "0" if own[0] != "0" else "1", 1)
        case "bert's":
            panel.device = panel.known(bert)
        case "old":
            panel.device = own
            panel.clock.advance(days=90)
        case "of a reset":
            panel.device = own
            anna = reset(panel, anna)
        case "of another key":
            services = make_sign_in_services(panel.database, secret_key=b"o" * 32)
            panel.device = device_token("anna", services)
        case _:
            panel.device = whose and own[:-1]
    visit = make_visit(panel.database, stage=SessionStage.PASSWORD, now=panel.clock())
    strangers_guess(panel, visit)

    assert panel.password("anna", anna.password, CAFE).decision.reason is Reason.ACCOUNT_WAITS
    assert panel.code(visit, anna.code(panel.clock()), CAFE).decision.reason is Reason.ACCOUNT_WAITS


def reset(panel: Panel, member: Member) -> Member:
    """She is invited anew, and enrols the same hour with what she had."""
    invitation, now = make_invitation(ENCRYPTION), panel.clock() + timedelta(hours=1)
    with panel.database.write_session() as session:
        staff_commands.reset_staff(
            session, member.name, invitation, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=now
        )
    visit = make_visit(panel.database, member.name, SessionStage.ENROLLING, now=now)
    stored = HASHER.hash(member.password, generated=False)
    recovery = make_recovery_codes(ENCRYPTION)
    enrolment = staff_commands.Enrolment(stored, ENCRYPTION.seal(member.secret), step=0, recovery=recovery)
    with panel.database.write_session() as session:
        staff_commands.enrol(session, visit, enrolment, today=now.date(), actor=visit.actor, now=now)
    panel.clock.now = now
    return member


@pytest.mark.parametrize("shown", ["\0", "\udcff", "x" * 100_000, "ü.2026-11-20.ü", "..", "٣" * 32 + ".."])
def test_a_cookie_may_say_anything(panel: Panel, anna: Member, shown: str) -> None:
    """It is as none, at each door."""
    make_invited(panel.database, "bert")
    panel.device = shown
    assert panel.known(anna) != shown
    assert panel.guess("nobody").verdict is REFUSED
    assert panel.invitation("bert", shown).decision.verdict is REFUSED


@SQLITE_FIRST
def test_the_enrolment_makes_a_device_known(panel: Panel, anna: Member) -> None:
    """There both factors were shown as well."""
    panel.device = device_token("anna", panel.services)
    strangers_guess(panel, panel.half(anna))
    assert panel.comes_in(anna, CAFE).stage is SessionStage.SIGNED_IN


def test_a_device_waits_for_itself(panel: Panel, anna: Member) -> None:
    """Five mistakes, half a minute; the office beside it does not notice, and no list shows its name."""
    panel.device = panel.known(anna)
    for _ in range(3):
        assert panel.guesses("anna", 6)[-1] is LOCKED
        assert panel.guess("anna").retry_after == 30
        panel.clock.advance(seconds=29)
        (found,) = panel.waits()
        assert (found.username, found.network, found.at_panel) == ("staff:anna", None, True)
        panel.clock.advance(hours=1)
    panel.guesses("anna", 5)

    mine, panel.device = panel.device, None
    assert panel.password("anna", anna.password).decision.verdict is GRANTED
    panel.device = mine
    panel.clock.advance(seconds=30)
    assert panel.comes_in(anna).stage is SessionStage.SIGNED_IN
    assert panel.guesses("anna", 6)[-2:] == [REFUSED, LOCKED]


@SQLITE_FIRST
def test_at_a_hundred_a_device_waits_too(panel: Panel, anna: Member) -> None:
    """Wherever they came from."""
    panel.device = panel.known(anna)
    for _ in range(100):
        panel.guess("anna")
        panel.clock.advance(seconds=30)
    assert panel.password("anna", anna.password).decision.reason is Reason.ACCOUNT_WAITS
