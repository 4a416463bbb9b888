"""Makes the one-time codes with which the head of a school may block at night; each stands on one envelope.

A code is shown once, like a password; the database has its keyed hash.  49 random bits, so it needs no slow
hash.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.passwords import generate_password
from authbridge.storage.models import ReportCode, School

KEPT = timedelta(days=400)  # a school year, and the weeks until the next envelope is in the post


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
