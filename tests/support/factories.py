"""Schools and organisers as staff make them, and staff as they enrol, through the same commands."""

from base64 import b32encode
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pyotp

from authbridge import staffsessions
from authbridge.audit import Actor
from authbridge.authenticate import Setting
from authbridge.clock import Clock
from authbridge.commands import organisers, schools
from authbridge.commands import staff as staff_commands
from authbridge.commands.organisers import IssuedCredential
from authbridge.database import Database
from authbridge.gate import Gate
from authbridge.journal import Origin
from authbridge.memory import Memory
from authbridge.models import Role, Stage
from authbridge.onetimecodes import make_invitation, make_recovery_codes
from authbridge.passwords import Hasher
from authbridge.policy import Attempt, Limits
from authbridge.roster import get_staff
from authbridge.seals import Seals
from authbridge.signin import SignInSetting
from authbridge.staffsessions import Visit
from authbridge.traces import Traces
from tests.support.fakes import MORNING, FakeClock

ACTOR = Actor("cli:test")
HASHER = Hasher(4)
HOST = "meet.test"
SECRET_KEY = b"k" * 32
LIMITS = Limits()
TRACES = Traces(SECRET_KEY)
SEALS = Seals(SECRET_KEY)


def make_school(database: Database, code: str = "ohg", name: str = "Otto-Hahn-Gymnasium") -> str:
    """Adds a school; returns its code."""
    with database.writing() as session:
        schools.add_school(session, code, name, actor=ACTOR, now=MORNING)
    return code


def make_organiser(
    database: Database, school: str = "ohg", *, valid_until: date | None = None, hasher: Hasher = HASHER
) -> IssuedCredential:
    """Issues one organiser in the morning."""
    passwords = organisers.make_passwords(1, hasher)
    with database.writing() as session:
        (issued,) = organisers.issue_organisers(
            session, school, passwords, valid_until=valid_until, actor=ACTOR, now=MORNING
        )
    return issued


def make_setting(
    database: Database,
    *,
    hasher: Hasher = HASHER,
    clock: Clock | None = None,
    limits: Limits = LIMITS,
    traces: Traces = TRACES,
    remember: bool = True,
) -> Setting:
    """Returns what a login needs; each call is another service process over the same database."""
    return Setting(
        database=database,
        hasher=hasher,
        clock=clock or FakeClock(),
        timezone=ZoneInfo("Europe/Berlin"),
        host=HOST,
        limits=limits,
        traces=traces,
        memory=Memory(limits, remember=remember),
        gate=Gate(2),
    )


def make_attempt(username: str, password: str, **others: str) -> Attempt:
    """Returns one login in the morning."""
    values: dict[str, str | None] = {"ip": None, "user_agent": None, **others}
    return Attempt(username, password, ip=values["ip"], user_agent=values["user_agent"], at=MORNING)


def make_origin(request_id: str = "q-1") -> Origin:
    """Returns how a login reached us."""
    return Origin(request_id, transport="tcp", node="node-a")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of staff with their secrets."""

    name: str
    password: str = field(repr=False)
    secret: str = field(repr=False)
    recovery: tuple[str, ...] = field(repr=False)

    def code(self, at: datetime) -> str:
        """Returns the code that the app shows at that moment."""
        return pyotp.TOTP(self.secret).at(at)


def make_invited(database: Database, name: str = "anna", role: Role = Role.CLERK) -> str:
    """Invites somebody in the morning; returns the code."""
    invitation = make_invitation(SEALS)
    with database.writing() as session:
        staff_commands.add_staff(session, name, role, invitation, actor=ACTOR, now=MORNING)
    return invitation.code


def make_staff(database: Database, name: str = "anna", role: Role = Role.CLERK) -> Member:
    """Invites somebody who enrols at once and signs out.

    The secret follows from the name: a wrong code that a test types is wrong on every run.
    """
    make_invited(database, name, role)
    password, secret = f"Tulpe Regen Kanu {name}", b32encode(name.encode().ljust(20, b".")).decode()
    recovery = make_recovery_codes(SEALS)
    enrolment = staff_commands.Enrolment(
        HASHER.hash(password, generated=False), SEALS.seal(secret), step=0, recovery=recovery
    )
    visit = make_visit(database, name, Stage.ENROLLING)
    with database.writing() as session:
        staff_commands.enrol(session, visit, enrolment, today=MORNING.date(), actor=visit.actor, now=MORNING)
        staffsessions.end_all(session, visit.staff_id)
    return Member(name, password, secret, recovery.codes)


def make_visit(
    database: Database, name: str = "anna", stage: Stage = Stage.SIGNED_IN, *, now: datetime = MORNING
) -> Visit:
    """Opens a session of that member, at any stage."""
    with database.writing() as session:
        staff_id = get_staff(session, name).id
        token = staffsessions.open_session(session, staff_id, stage=stage, user_agent="browser", now=now)
        visit = staffsessions.find(session, token, now=now)
    assert visit is not None
    return visit


def make_sign_in_setting(
    database: Database,
    *,
    hasher: Hasher = HASHER,
    clock: Clock | None = None,
    limits: Limits = LIMITS,
    secret_key: bytes = SECRET_KEY,
) -> SignInSetting:
    """Returns what a sign-in needs; each call is another panel process over the same database."""
    return SignInSetting(
        database=database,
        hasher=hasher,
        clock=clock or FakeClock(),
        timezone=ZoneInfo("Europe/Berlin"),
        limits=limits,
        traces=Traces(secret_key),
        seals=Seals(secret_key),
        memory=Memory(limits, remember=False),
        gate=Gate(2),
    )
