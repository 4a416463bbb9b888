"""Makes and withdraws the one-time codes with which the head of a school may block at night.

A code is shown once, like a password; the database has its keyed hash.  49 random bits, so it needs no slow
hash.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.passwords import generate_password
from authbridge.schools.lookup import get_school
from authbridge.storage.models import ReportCode, School
from authbridge.storage.statements import UNSYNCHRONISED

KEPT = timedelta(days=400)  # a school year, and the weeks until the next envelope is in the post
EXPIRED_KEPT = timedelta(days=1)  # after its last day, for it may be yesterday elsewhere


@dataclass(frozen=True, slots=True)
class NewReportCode:
    """A code that was just made, like ``vpgd-kxwj-rhms``; ``plain`` is shown once and kept nowhere."""

    plain: str = field(repr=False)
    hash: str = field(repr=False)


def make_report_code(keyed_hashes: KeyedHashes) -> NewReportCode:
    """Makes a code that belongs to no school yet."""
    plain = generate_password()
    return NewReportCode(plain, keyed_hashes.report_code(plain))


def add_report_code(
    session: Session,
    code: NewReportCode,
    school: School,
    print_job: str | None,
    *,
    today: date,
    now: datetime,
) -> None:
    """Notes the code of an envelope, in the transaction that issues what is in it: its event covers both."""
    session.add(
        ReportCode(
            school_id=school.id,
            code_hash=code.hash,
            print_job_id=print_job,
            made_at=now,
            expires_on=today + KEPT,
        )
    )


def issue_report_code(
    session: Session, school_code: str, code: NewReportCode, *, today: date, actor: Actor, now: datetime
) -> None:
    """Adds a code that stands on no envelope, for a head of school whose code is used up or lost.

    Raises:
        NotFoundError: There is no such school.
    """
    school = get_school(session, school_code)
    add_report_code(session, code, school, None, today=today, now=now)
    record(session, actor=actor, action=Action.REPORT_CODE_ISSUE, subject=school.code, now=now)


def withdraw_report_code(
    session: Session, school_code: str, code_id: int, *, actor: Actor, now: datetime
) -> bool:
    """Deletes a code that was not used yet; from now on it reads like a wrong one.

    Returns whether there was such a code of that school.

    Raises:
        NotFoundError: There is no such school.
    """
    school = get_school(session, school_code)
    query = (
        delete(ReportCode)
        .where(ReportCode.id == code_id, ReportCode.school_id == school.id, ReportCode.used_at.is_(None))
        .returning(ReportCode.id)
    )
    if session.execute(query, execution_options=UNSYNCHRONISED).first() is None:
        return False
    record(session, actor=actor, action=Action.REPORT_CODE_WITHDRAW, subject=school.code, now=now)
    return True


def purge(session: Session, *, now: datetime) -> None:
    """Deletes codes that have expired, used or not."""
    query = delete(ReportCode).where(ReportCode.expires_on < now.date() - EXPIRED_KEPT)
    session.execute(query, execution_options=UNSYNCHRONISED)
