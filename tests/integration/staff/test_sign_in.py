"""How staff come in, and what keeps others out: the login policy at the panel, over real databases."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Barrier, Event, get_ident
from typing import TypeVar

import pytest
from sqlalchemy import ColumnElement, select, text

from authbridge.audit import POLICY, Action, Actor
from authbridge.config import read_config
from authbridge.login import commands as lockout_commands
from authbridge.login import lockouts
from authbridge.login.authenticate import authenticate
from authbridge.login.fair_turns import Place
from authbridge.login.hashing_queue import HashingQueue
from authbridge.login.lockouts import Lockout
from authbridge.login.networks import parse_address
from authbridge.login.policy import Decision, Reason, Verdict
from authbridge.staff import commands as staff_commands
from authbridge.staff import sessions
from authbridge.staff.members import get_staff
from authbridge.staff.one_time_codes import make_invitation, make_recovery_codes
from authbridge.staff.sessions import PanelSession
from authbridge.staff.sign_in import (
    Caller,
    Outcome,
    confirm_code,
    confirm_password,
    device_token,
    sign_in,
    sign_in_services_of,
    verify_invitation,
)
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AuditEvent,
    Base,
    LoginFailure,
    NetworkWait,
    RecoveryCode,
    Role,
    SessionStage,
    Staff,
    StaffSession,
)
from tests.support.combinations import SQLITE_FIRST
from tests.support.factories import (
    ACTOR,
    ENCRYPTION,
    HASHER,
    HOST,
    IDLE,
    KEYED_HASHES,
    LIMITS,
    Member,
    make_attempt,
    make_invited,
    make_organiser,
    make_origin,
    make_school,
    make_services,
    make_sign_in_services,
    make_staff,
    make_visit,
)
from tests.support.fakes import MORNING, CountingHasher, FakeClock, WatchedMemory
from workbench.processes import PATIENCE

_T = TypeVar("_T")
_Row = TypeVar("_Row", bound=Base)

OFFICE, CAFE = "198.51.100.7", "203.0.113.9"
BOTNET = [f"203.0.113.{number}" for number in range(10, 250)]
GRANTED, REFUSED, LOCKED, SUSPENDED = Verdict.GRANTED, Verdict.REFUSED, Verdict.LOCKED, Verdict.SUSPENDED


class Panel:
    """The panel over a fresh database, at a moment of ours."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()
        self.hasher = CountingHasher()
        self.services = make_sign_in_services(database, hasher=self.hasher, clock=self.clock)
        self.guessed = 0
        self.device: str | None = None

    def password(self, name: str, password: str, ip: str | None = OFFICE) -> Outcome:
        """The first step."""
        return sign_in(name, password, self.caller(ip), self.services)

    def caller(self, ip: str | None) -> Caller:
        """Somebody there, in a browser that may be a device."""
        return Caller(parse_address(ip), "browser", self.device)

    def guess(self, name: str, ip: str | None = OFFICE) -> Decision:
        """A password that nobody tried before."""
        self.guessed += 1
        return self.password(name, f"wrong {self.guessed}", ip).decision

    def guesses(self, name: str, times: int, ip: str | None = OFFICE) -> list[Verdict]:
        """So many at one moment."""
        return [self.guess(name, ip).verdict for _ in range(times)]

    def visit(self, token: str | None) -> PanelSession | None:
        """The session of that token."""
        assert token is not None
        with self.database.read_session() as session:
            return sessions.find(session, token, idle=IDLE, now=self.clock())

    def visit_of(self, outcome: Outcome) -> PanelSession:
        """The session that began with it."""
        visit = self.visit(outcome.token)
        assert visit is not None
        return visit

    def half(self, member: Member, ip: str | None = OFFICE) -> PanelSession:
        """A session after the password."""
        return self.visit_of(self.password(member.name, member.password, ip))

    def code(self, visit: PanelSession, typed: str, ip: str | None = OFFICE) -> Outcome:
        """The second step."""
        return confirm_code(visit, typed, self.caller(ip), self.services)

    def invitation(self, name: str, code: str, ip: str | None = OFFICE) -> Outcome:
        """The page for the first time."""
        return verify_invitation(name, code, self.caller(ip), self.services)

    def comes_in(self, member: Member, ip: str | None = OFFICE) -> PanelSession:
        """Both steps, with a code of this half minute."""
        return self.visit_of(self.code(self.half(member, ip), member.code(self.clock()), ip))

    def known(self, member: Member, ip: str | None = OFFICE) -> str:
        """Both steps; what makes the browser one of hers."""
        outcome = self.code(self.half(member, ip), member.code(self.clock()), ip)
        assert outcome.device is not None
        return outcome.device

    def waits(self) -> list[Lockout]:
        """The list of who waits."""
        with self.database.read_session() as session:
            return lockouts.list_lockouts(session, KEYED_HASHES, now=self.clock(), limits=LIMITS)

    def rows(self, model: type[_Row], *conditions: ColumnElement[bool]) -> list[_Row]:
        """The rows of a table, in some order."""
        with self.database.read_session() as session:
            return list(session.scalars(select(model).where(*conditions)))

    def alarms(self) -> list[tuple[str, str]]:
        """What admins were told, oldest first."""
        events = sorted(self.rows(AuditEvent, AuditEvent.actor == POLICY), key=lambda event: event.id)
        return [(event.action, event.subject) for event in events]


@pytest.fixture(name="panel")
def open_panel(database: Database) -> Panel:
    """Nobody has guessed so far."""
    return Panel(database)


@pytest.fixture(name="anna")
def make_anna(database: Database) -> Member:
    """A clerk."""
    return make_staff(database)


@pytest.fixture(name="name", params=["somebody's", "invited", "nobody's"])
def choose_name(request: pytest.FixtureRequest, database: Database) -> str:
    """A name that exists, has not enrolled, or does not exist: outside they look alike."""
    match request.param:
        case "somebody's":
            return make_staff(database).name
        case "invited":
            make_invited(database)
            return "anna"
        case _:
            return "anna"


def at_once(tasks: Sequence[Callable[[], _T]]) -> list[_T]:
    """All at the same moment, each in a thread of its own; their results."""
    together = Barrier(len(tasks))

    def run(task: Callable[[], _T]) -> _T:
        together.wait(PATIENCE)
        return task()

    with ThreadPoolExecutor(len(tasks)) as threads:
        return list(threads.map(run, tasks))


# In order


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


# Who has not got it learns nothing


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


# Guessing


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


# Strangers


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


# What is told


def test_the_first_wrong_code_is_told(panel: Panel, anna: Member) -> None:
    """Somebody has her password; once a day, and anew after an admin looked at it."""
    visit = panel.half(anna)
    for number in range(3):
        panel.code(visit, f"{number:06}")
    assert panel.alarms() == [("staff:code-refused", "anna")]

    panel.clock.advance(days=1)
    panel.code(panel.half(anna), "000000")
    assert panel.alarms() == [("staff:code-refused", "anna")] * 2


@pytest.mark.usefixtures("anna")
def test_it_is_told_after_the_answer(panel: Panel) -> None:
    """So that the answer takes no longer for a name that is somebody's."""
    later: list[Callable[[], None]] = []
    panel.services = replace(panel.services, run_later=later.append)
    panel.guesses("anna", 5)
    panel.code(make_visit(panel.database, stage=SessionStage.PASSWORD), "000000")
    assert panel.alarms() == []

    for tell in later:
        tell()

    assert panel.alarms() == [("staff:guessed", "anna"), ("staff:code-refused", "anna")]


@pytest.mark.own_database
@pytest.mark.usefixtures("anna")
def test_what_cannot_be_told_breaks_nothing(panel: Panel, caplog: pytest.LogCaptureFixture) -> None:
    """The guess is refused and counted; the log says where it failed, and no more."""
    with panel.database.write_session() as session:
        session.execute(text("DROP TABLE alarms_raised"))
        session.execute(text("CREATE TABLE alarms_raised (about VARCHAR, at TIMESTAMP)"))

    assert panel.guesses("anna", 6) == [REFUSED] * 5 + [LOCKED]

    (said,) = caplog.messages
    assert said.startswith("an alarm was not raised: StorageError at ")
    assert "anna" not in said


def test_in_production_another_thread_tells(database: Database, tmp_path: Path) -> None:
    """After a moment, in which the answer is given."""
    for name in ("api-token", "secret-key"):
        (tmp_path / name).write_text("k" * 32)
    environ = {
        "AUTHBRIDGE_DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
        "AUTHBRIDGE_API_TOKEN_FILE": str(tmp_path / "api-token"),
        "AUTHBRIDGE_SECRET_KEY_FILE": str(tmp_path / "secret-key"),
        "AUTHBRIDGE_XMPP_HOST": HOST,
    }
    services, who, told = sign_in_services_of(read_config(environ), database), [0], Event()

    def tell() -> None:
        who[0] = get_ident()
        told.set()

    services.run_later(tell)

    assert told.wait(PATIENCE)
    assert who[0] != get_ident()


# The second factor


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


# At the same moment


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
    tries: list[Callable[[], Outcome]] = [
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
    visit = panel.half(anna)

    def suspend() -> None:
        with panel.database.write_session() as session:
            staff_commands.suspend_staff(session, "anna", actor=ACTOR, now=MORNING)

    both: list[Callable[[], object]] = [partial(panel.code, visit, anna.code(MORNING)), suspend]
    at_once(both)

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
