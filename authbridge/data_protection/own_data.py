"""Tells a member of staff what is kept about themself; changes nothing."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from authbridge.login.staff_names import STAFF_PREFIX, staff_actor
from authbridge.storage.models import AuditEvent, PrintJob, Staff


@dataclass(frozen=True, slots=True)
class OwnData:
    """What is kept about a member of staff besides what their account page lists.

    ``events`` of the audit have their name since ``first_event_at``, ``print_jobs`` since ``first_print_at``.
    """

    created_at: datetime
    last_sign_in_on: date | None
    events: int
    first_event_at: datetime | None
    print_jobs: int
    first_print_at: datetime | None


def own_data(session: Session, staff_id: int) -> OwnData:
    """Returns what is kept about that member of staff."""
    staff = session.get_one(Staff, staff_id)
    is_about = and_(AuditEvent.subject == staff.name, AuditEvent.action.startswith(STAFF_PREFIX))
    is_theirs = or_(AuditEvent.actor == staff_actor(staff.name), is_about)
    events = session.execute(select(func.count(), func.min(AuditEvent.at)).where(is_theirs)).one()
    is_printed = PrintJob.actor == staff_actor(staff.name)
    prints = session.execute(select(func.count(), func.min(PrintJob.at)).where(is_printed)).one()
    return OwnData(staff.created_at, staff.last_sign_in_on, *events, *prints)
