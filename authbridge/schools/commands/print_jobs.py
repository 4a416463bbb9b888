"""Notes which letters were printed at once; each of them shows the id, to be read out on the telephone."""

import secrets
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from authbridge.audit import KEPT as AUDIT_KEPT
from authbridge.audit import Actor
from authbridge.storage.models import PrintJob, School
from authbridge.storage.statements import UNSYNCHRONISED

_ALPHABET = "CDFHJKMNPRTVWX234679"  # no vowels, and no two that look alike
_GROUP = 3  # characters; twice: 20^6 ids, short enough for the telephone


def new_print_job_id() -> str:
    """Returns an id for letters that are printed at once, such as ``D7K-42P``."""
    letters = [secrets.choice(_ALPHABET) for _ in range(2 * _GROUP)]
    return "".join([*letters[:_GROUP], "-", *letters[_GROUP:]])


def add_print_job(
    session: Session, print_job: str | None, school: School, letters: int, *, actor: Actor, now: datetime
) -> dict[str, object]:
    """Notes a print job, if there is one; returns the audit's words about it."""
    if print_job is None:
        return {}
    session.add(PrintJob(id=print_job, school_id=school.id, at=now, actor=actor, letters=letters))
    session.flush()  # before the organisers whose letters name it
    return {"print_job": print_job}


def purge(session: Session, *, now: datetime) -> None:
    """Deletes print jobs that are older than the audit."""
    query = delete(PrintJob).where(PrintJob.at < now - AUDIT_KEPT)
    session.execute(query, execution_options=UNSYNCHRONISED)
