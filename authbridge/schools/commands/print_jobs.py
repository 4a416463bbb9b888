"""Notes which letters were printed at once; each of them shows the id, to be read out on the telephone."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, exists, update
from sqlalchemy.orm import Session

from authbridge.audit import FORGOTTEN_STAFF, Actor
from authbridge.audit import KEPT as AUDIT_KEPT
from authbridge.schools.commands.report_codes import NewReportCode, add_report_code
from authbridge.schools.commands.terms import TermsOfUse, note_terms
from authbridge.storage.models import Organiser, PrintJob, School
from authbridge.storage.statements import UNSYNCHRONISED

_ALPHABET = "CDFHJKMNPRTVWX234679"  # no vowels, and no two that look alike
_GROUP = 3  # characters; twice: 20^6 ids, short enough for the telephone


@dataclass(frozen=True, slots=True)
class NewPrintJob:
    """Letters that are about to be printed: the id and the day on them, and what travels with them.

    ``terms`` are the terms of use, ``report_code`` the code on the envelope; None if there is none.
    """

    id: str
    day: date
    terms: TermsOfUse | None = None
    report_code: NewReportCode | None = None


def new_print_job_id() -> str:
    """Returns an id for letters that are printed at once, such as ``D7K-42P``."""
    letters = [secrets.choice(_ALPHABET) for _ in range(2 * _GROUP)]
    return "".join([*letters[:_GROUP], "-", *letters[_GROUP:]])


def add_print_job(
    session: Session, job: NewPrintJob | None, school: School, letters: int, *, actor: Actor, now: datetime
) -> dict[str, object]:
    """Notes a print job, if there is one, with what travels in it; returns the audit's words about it.

    Raises:
        TermsError: The terms of use do not go with those that were printed.
    """
    if job is None:
        return {}
    version = None if job.terms is None else note_terms(session, job.terms, now=now)
    session.add(
        PrintJob(id=job.id, school_id=school.id, at=now, actor=actor, letters=letters, terms_version=version)
    )
    session.flush()  # before the organisers whose letters name it
    if job.report_code is not None:
        add_report_code(session, job.report_code, school, job.id, today=job.day, now=now)
    return {"print_job": job.id}


def purge(session: Session, *, now: datetime) -> None:
    """Deletes print jobs that are older than the audit.

    One with a current letter stays, without the name of the printer: it tells which terms of use travelled.
    """
    is_current = exists().where(Organiser.print_job_id == PrintJob.id)
    is_old = PrintJob.at < now - AUDIT_KEPT
    for query in (
        delete(PrintJob).where(is_old, ~is_current),
        update(PrintJob).where(is_old, PrintJob.actor != FORGOTTEN_STAFF).values(actor=FORGOTTEN_STAFF),
    ):
        session.execute(query, execution_options=UNSYNCHRONISED)
