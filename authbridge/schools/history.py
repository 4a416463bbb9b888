"""Tells the history of suspensions of an organiser or a school; changes nothing."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.schools.suspendable import kind_of
from authbridge.storage.models import Suspendable, Suspension


@dataclass(frozen=True, slots=True)
class SuspensionRow:
    """A suspension in a history; ``until`` None: it goes on."""

    id: int
    since: datetime
    until: datetime | None
    reason: str | None
    reported_by: str | None
    note: str | None
    suspended_by: str
    reinstated_by: str | None


def suspension_rows(session: Session, of: Suspendable) -> list[SuspensionRow]:
    """Returns the suspensions of an organiser or a school, latest first."""
    query = select(Suspension).where(kind_of(of).history == of.id).order_by(Suspension.id.desc())
    return [
        SuspensionRow(
            id=suspension.id,
            since=suspension.since,
            until=suspension.until,
            reason=suspension.reason,
            reported_by=suspension.reported_by,
            note=suspension.note,
            suspended_by=suspension.suspended_by,
            reinstated_by=suspension.reinstated_by,
        )
        for suspension in session.scalars(query)
    ]
