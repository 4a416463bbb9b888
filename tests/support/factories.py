"""Schools and organisers as staff make them, and staff as they enrol, through the same commands."""

from base64 import b32encode
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyotp

from authbridge.audit import Actor
from authbridge.clock import Clock
from authbridge.login.attempts import Attempt, Origin
from authbridge.login.authenticate import LoginServices
from authbridge.login.hashing_queue import HashingQueue
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.limits import Limits
from authbridge.login.networks import parse_address
from authbridge.login.password_cache import PasswordCache
from authbridge.login.passwords import Hasher
from authbridge.login.typed_passwords import parse_password
from authbridge.login.usernames import normalise_username
from authbridge.schools.commands import organisers, schools
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.commands.print_jobs import NewPrintJob
from authbridge.schools.commands.report_codes import issue_report_code, make_report_code
from authbridge.staff import commands as staff_commands
from authbridge.staff import sessions
from authbridge.staff.encryption import StaffEncryption
from authbridge.staff.members import get_staff
from authbridge.staff.one_time_codes import make_invitation, make_recovery_codes
from authbridge.staff.sessions import PanelSession
from authbridge.staff.sign_in import SignInServices
from authbridge.storage.database import Database
from authbridge.storage.models import Role, SessionStage
from tests.support.fakes import MORNING, FakeClock

ACTOR = Actor("cli:test")
IDLE = timedelta(hours=1)  # after which a session of the panel ends, unless set
HASHER = Hasher(4)
HOST = "meet.test"
TODAY = MORNING.date()
SECRET_KEY = b"k" * 32
LIMITS = Limits()
KEYED_HASHES = KeyedHashes(SECRET_KEY)
ENCRYPTION = StaffEncryption(SECRET_KEY)


def make_print_job(job_id: str = "D7K-42P") -> NewPrintJob:
    """Letters that are about to be printed."""
    return NewPrintJob(job_id, MORNING.date())


def make_school(
    database: Database, code: str = "ohg", name: str = "Otto-Hahn-Gymnasium", *, quota: int = 50
) -> str:
    """Adds a school; returns its code."""
    with database.write_session() as session:
        schools.add_school(session, code, name, quota=quota, actor=ACTOR, now=MORNING)
    return code


def make_organiser(
    database: Database, school: str = "ohg", *, valid_until: date | None = None, hasher: Hasher = HASHER
) -> IssuedCredential:
    """Issues one organiser in the morning."""
    passwords = organisers.make_passwords(1, hasher)
    with database.write_session() as session:
        (issued,) = organisers.issue_organisers(
            session, school, passwords, valid_until=valid_until, actor=ACTOR, now=MORNING
        )
    return issued


def make_code(
    database: Database,
    school: str = "ohg",
    *,
    today: date = TODAY,
    keyed_hashes: KeyedHashes = KEYED_HASHES,
) -> str:
    """Makes a report code for a school; returns it as it is printed."""
    code = make_report_code(keyed_hashes)
    with database.write_session() as session:
        issue_report_code(session, school, code, today=today, actor=ACTOR, now=MORNING)
    return code.plain


def make_services(
    database: Database,
    *,
    hasher: Hasher = HASHER,
    clock: Clock | None = None,
    limits: Limits = LIMITS,
    keyed_hashes: KeyedHashes = KEYED_HASHES,
    remember: bool = True,
) -> LoginServices:
    """Returns what a login needs; each call is another service process over the same database."""
    return LoginServices(
        database=database,
        hasher=hasher,
        clock=clock or FakeClock(),
        timezone=ZoneInfo("Europe/Berlin"),
        host=HOST,
        limits=limits,
        keyed_hashes=keyed_hashes,
        password_cache=PasswordCache(limits, remember=remember),
        hashing_queue=HashingQueue(2),
    )


def make_attempt(username: str, password: str, **others: str) -> Attempt:
    """Returns one login in the morning, parsed as the wire does it."""
    ip, user_agent = others.get("ip"), others.get("user_agent")
    return replace(parse_attempt(username, password, ip, MORNING), user_agent=user_agent)


def parse_attempt(username: str, password: str, ip: str | None, at: datetime) -> Attempt:
    """Returns one login at that moment, parsed as the wire does it."""
    return Attempt(
        username=normalise_username(username, HOST),
        password=parse_password(password),
        ip=parse_address(ip),
        user_agent=None,
        at=at,
    )


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
    invitation = make_invitation(ENCRYPTION)
    with database.write_session() as session:
        staff_commands.add_staff(session, name, role, invitation, actor=ACTOR, now=MORNING)
    return invitation.code


def make_staff(database: Database, name: str = "anna", role: Role = Role.CLERK) -> Member:
    """Invites somebody who enrols at once and signs out.

    The secret follows from the name: a wrong code that a test types is wrong on every run.
    """
    make_invited(database, name, role)
    password, secret = f"Tulpe Regen Kanu {name}", b32encode(name.encode().ljust(20, b".")).decode()
    recovery = make_recovery_codes(ENCRYPTION)
    enrolment = staff_commands.Enrolment(
        HASHER.hash(password, generated=False), ENCRYPTION.seal(secret), step=0, recovery=recovery
    )
    visit = make_visit(database, name, SessionStage.ENROLLING)
    with database.write_session() as session:
        staff_commands.enrol(session, visit, enrolment, today=MORNING.date(), actor=visit.actor, now=MORNING)
        sessions.end_all(session, visit.staff_id)
    return Member(name, password, secret, recovery.codes)


def make_visit(
    database: Database,
    name: str = "anna",
    stage: SessionStage = SessionStage.SIGNED_IN,
    *,
    now: datetime = MORNING,
) -> PanelSession:
    """Opens a session of that member, at any stage."""
    with database.write_session() as session:
        staff_id = get_staff(session, name).id
        token = sessions.open_session(session, staff_id, stage=stage, user_agent="browser", now=now)
        visit = sessions.find(session, token, idle=IDLE, now=now)
    assert visit is not None
    return visit


def make_sign_in_services(
    database: Database,
    *,
    hasher: Hasher = HASHER,
    clock: Clock | None = None,
    limits: Limits = LIMITS,
    secret_key: bytes = SECRET_KEY,
) -> SignInServices:
    """Returns what a sign-in needs; each call is another panel process over the same database."""
    return SignInServices(
        database=database,
        hasher=hasher,
        clock=clock or FakeClock(),
        timezone=ZoneInfo("Europe/Berlin"),
        limits=limits,
        keyed_hashes=KeyedHashes(secret_key),
        encryption=StaffEncryption(secret_key),
        password_cache=PasswordCache(limits, remember=False),
        hashing_queue=HashingQueue(2),
    )
