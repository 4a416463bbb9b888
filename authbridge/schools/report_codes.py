"""Lists the report codes of a school: when they were made and used; changes nothing, and shows no code."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.storage.models import ReportCode, School


@dataclass(frozen=True, slots=True)
class ReportCodeRow:
    """A code in a list; ``print_job`` is the envelope on which it stands, None for a sheet of its own."""

    id: int
    made_at: datetime
    print_job: str | None
    expires_on: date
    used_at: datetime | None


def list_report_codes(session: Session, school: School) -> tuple[ReportCodeRow, ...]:
    """Lists the codes of a school that have not expired, latest first; used ones stay until they expire."""
    query = (
        select(ReportCode)
        .where(ReportCode.school_id == school.id)
        .order_by(ReportCode.made_at.desc(), ReportCode.id.desc())
    )
    return tuple(
        ReportCodeRow(code.id, code.made_at, code.print_job_id, code.expires_on, code.used_at)
        for code in session.scalars(query)
    )
