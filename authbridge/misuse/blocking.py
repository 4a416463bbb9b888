"""Lets the head of a school block an access, or the whole school, by a one-time code at any hour.

The code is the whole authority: there is no account and no session.  A code that is wrong, used, withdrawn or
expired reads alike.  What is blocked is an ordinary suspension, which staff lift like any other.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import SCHOOL_ACTORS, Action, Actor
from authbridge.clock import Clock
from authbridge.errors import NotFoundError
from authbridge.login import alarms
from authbridge.login.alarm_rules import Alarm
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.limits import Limits
from authbridge.login.networks import IPAddress, network_of
from authbridge.login.usernames import Username
from authbridge.misuse.commands import MisuseDescription, add_report, record_misuse
from authbridge.misuse.guesses import CodeGuesses
from authbridge.revocations import feed
from authbridge.schools.commands.suspensions import SuspensionDescription, put_on
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import (
    Organiser,
    ReportCode,
    Reporter,
    RevocationAction,
    School,
    Suspendable,
    SuspensionReason,
)

ALARM_SUBJECT = "report-code"


class BlockOutcome(StrEnum):
    """What became of a block that was asked for; all but the first go to a holder of a code only."""

    CODE_REFUSED = "code-refused"
    BLOCKED = "blocked"
    BLOCKED_BEFORE = "blocked-before"
    NO_SUCH_NAME = "no-such-name"
    TOO_MANY_NAMES = "too-many-names"


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """What the head of a school typed; ``username`` None: the whole school shall be blocked."""

    code: str = field(repr=False)
    username: Username | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class BlockAnswer:
    """The outcome; the names and the moment of the block only for a holder of a code.

    ``username`` is None for the whole school, ``since`` the beginning of the block.  ``retry_after`` is the
    number of seconds that the sender of a wrong code should wait.
    """

    outcome: BlockOutcome
    school_code: str = ""
    school_name: str = ""
    username: str | None = None
    since: datetime | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockServices:
    """The parts of the process that takes codes."""

    database: Database
    keyed_hashes: KeyedHashes
    guesses: CodeGuesses
    limits: Limits
    timezone: ZoneInfo
    clock: Clock


def block_by_code(asked: BlockRequest, sender: IPAddress | None, services: BlockServices) -> BlockAnswer:
    """Blocks at once what the holder of a right code asks for, and opens a report.

    A wrong code takes no lock and writes nothing: a flood of them slows nobody else.

    Raises:
        StorageError: The database does not answer.
        InputError: The words are too long.
    """
    now = services.clock()
    today = now.astimezone(services.timezone).date()
    code_hash = services.keyed_hashes.report_code(asked.code)
    with services.database.read_session() as session:
        code = _find_code(session, code_hash, today)
    if code is None:
        return _refuse(sender, services, now)
    if asked.username is not None and not services.guesses.may_try_name(code_hash):
        return BlockAnswer(BlockOutcome.TOO_MANY_NAMES)
    with services.database.write_session() as session:
        answer = block(session, code_hash, asked, today=today, now=now)
    return answer or _refuse(sender, services, now)


def block(
    session: Session, code_hash: str, asked: BlockRequest, *, today: date, now: datetime
) -> BlockAnswer | None:
    """Suspends by a code, uses it up and opens a report; None if the code is no longer good.

    The code stays good where nothing is blocked by it: there is no such name at its school, or it is blocked
    already.

    Raises:
        InputError: The words are too long.
    """
    code = _find_code(session, code_hash, today, lock=True)
    if code is None:
        return None
    school = session.get_one(School, code.school_id)
    found = _find(session, school, asked.username)
    if found is None:
        return BlockAnswer(BlockOutcome.NO_SUCH_NAME)
    username = found.username if isinstance(found, Organiser) else None
    since = found.suspended_at or school.suspended_at
    if since is not None:
        return BlockAnswer(BlockOutcome.BLOCKED_BEFORE, school.code, school.name, username, since)
    _suspend(session, found, code, school, asked.words, now)
    return BlockAnswer(BlockOutcome.BLOCKED, school.code, school.name, username, now)


def _suspend(
    session: Session, found: Suspendable, code: ReportCode, school: School, words: str, now: datetime
) -> None:
    actor = Actor(f"{SCHOOL_ACTORS}{school.code}")
    description = SuspensionDescription(SuspensionReason.MISUSE, Reporter.SCHOOL_HEAD)
    suspension = put_on(session, found, description, actor=actor, now=now)
    told = MisuseDescription(Reporter.SCHOOL_HEAD, description=words)
    report = add_report(session, found, told, suspension, actor=actor, now=now)
    report.report_code_id, code.used_at = code.id, now
    record_misuse(session, Action.MISUSE_BLOCK, found, report, actor=actor, now=now)
    session.flush()  # before the feed's row is locked, which commands wait for that hold ours
    feed.publish_suspension(session, suspension, RevocationAction.SUSPEND, now=now)


def _find_code(session: Session, code_hash: str, today: date, *, lock: bool = False) -> ReportCode | None:
    query = select(ReportCode).where(ReportCode.code_hash == code_hash)
    code = session.scalars(query.with_for_update() if lock else query).one_or_none()
    is_good = code is not None and code.used_at is None and code.expires_on >= today
    return code if is_good else None


def _find(session: Session, school: School, username: Username | None) -> Suspendable | None:
    """Finds what shall be blocked: nothing but the school of the code, and its organisers."""
    if username is None:
        return SCHOOL.find(session, school.code, lock=True)
    try:
        found = ORGANISER.find(session, username, lock=True)
    except NotFoundError:
        return None
    return found if isinstance(found, Organiser) and found.school_id == school.id else None


def _refuse(sender: IPAddress | None, services: BlockServices, now: datetime) -> BlockAnswer:
    network = network_of(sender).key or ""
    wrong = services.guesses.note_wrong(network, now=now, limits=services.limits)
    if wrong.is_alarming:
        due = [(Alarm.REPORT_CODES, ALARM_SUBJECT)]
        alarms.try_to_raise(services.database, due, now=now, limits=services.limits)
    return BlockAnswer(BlockOutcome.CODE_REFUSED, retry_after=wrong.retry_after)


def find_blocked(session: Session, answer: BlockAnswer) -> Suspendable:
    """Finds what an answer says is blocked."""
    if answer.username is None:
        return SCHOOL.find(session, answer.school_code)
    return ORGANISER.find(session, answer.username)
