"""Shows print jobs: who printed how many letters when, and what became of them; changes nothing.

A letter is current as long as its password is: a newer one takes the organiser to another print job.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from authbridge.errors import NotFoundError
from authbridge.storage.models import Organiser, PrintJob, School

# As it is read out or typed: in capitals or not, with or without its hyphen.
_TYPED = re.compile(r"\s*([A-Z0-9]{3})[\s\u2010-\u2015-]*([A-Z0-9]{3})\s*", re.IGNORECASE)

_CURRENT = select(func.count()).where(Organiser.print_job_id == PrintJob.id).correlate(PrintJob)
_QUERY = select(PrintJob, School.code, School.name, _CURRENT.scalar_subquery()).join(
    School, School.id == PrintJob.school_id
)


@dataclass(frozen=True, slots=True)
class PrintJobRow:
    """A print job with the number of its letters; ``current`` of them still show the present password.

    ``terms_version`` is the version of the terms of use that travelled, None if that is not known.
    """

    id: str
    school_code: str
    school_name: str
    at: datetime
    actor: str
    letters: int
    current: int
    terms_version: int | None

    @property
    def void(self) -> int:
        """Returns the number of letters whose password was replaced, or whose organiser was deleted."""
        return max(0, self.letters - self.current)


def get_print_job(session: Session, id_: str) -> PrintJobRow:
    """Finds the print job of that number, however it was typed.

    Raises:
        NotFoundError: There is none.
    """
    row = find_print_job(session, id_)
    if row is None:
        raise NotFoundError("There is no print job “%(id)s”.", id=id_)
    return row


def find_print_job(session: Session, typed: str) -> PrintJobRow | None:
    """Returns the print job whose number was typed, None if it is the number of none."""
    match = _TYPED.fullmatch(typed)
    if match is None:
        return None
    number = "-".join(part.upper() for part in match.groups())
    return next(_rows(session, _QUERY.where(PrintJob.id == number)), None)


def list_print_jobs(session: Session, school: School, *, limit: int) -> tuple[PrintJobRow, ...]:
    """Lists the print jobs of a school, latest first."""
    query = _QUERY.where(PrintJob.school_id == school.id).order_by(PrintJob.at.desc(), PrintJob.id)
    return tuple(_rows(session, query.limit(limit)))


def _rows(session: Session, query: Select[Any]) -> Iterator[PrintJobRow]:
    for job, code, name, current in session.execute(query):
        yield PrintJobRow(job.id, code, name, job.at, job.actor, job.letters, current, job.terms_version)
