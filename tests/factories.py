"""Schools and organisers as staff make them, through the same commands."""

from datetime import date
from zoneinfo import ZoneInfo

from authbridge.audit import Actor
from authbridge.authenticate import Setting
from authbridge.clock import Clock
from authbridge.commands import organisers, schools
from authbridge.commands.organisers import IssuedCredential
from authbridge.database import Database
from authbridge.gate import Gate
from authbridge.journal import Origin
from authbridge.memory import Memory
from authbridge.passwords import Hasher
from authbridge.policy import Attempt, Limits
from authbridge.traces import Traces
from tests.fakes import MORNING, FakeClock

ACTOR = Actor("cli:test")
HASHER = Hasher(4)
HOST = "meet.test"
SECRET_KEY = b"k" * 32
LIMITS = Limits()
TRACES = Traces(SECRET_KEY)


def make_school(database: Database, code: str = "ohg", name: str = "Otto-Hahn-Gymnasium") -> str:
    """Adds a school; returns its code."""
    with database.writing() as session:
        schools.add_school(session, code, name, actor=ACTOR, now=MORNING)
    return code


def make_organiser(
    database: Database, school: str = "ohg", *, valid_until: date | None = None, hasher: Hasher = HASHER
) -> IssuedCredential:
    """Issues one organiser."""
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
    """What a login needs; each call is another service process over the same database."""
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
    """One login in the morning."""
    values: dict[str, str | None] = {"ip": None, "user_agent": None, **others}
    return Attempt(username, password, ip=values["ip"], user_agent=values["user_agent"], at=MORNING)


def make_origin(request_id: str = "q-1") -> Origin:
    """How it reached us."""
    return Origin(request_id, transport="tcp", node="node-a")
