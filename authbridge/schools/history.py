"""Tells the history of suspensions of an organiser or a school; changes nothing.

What is older than it may be is not told, even if its deletion is late.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import FORGOTTEN_STAFF
from authbridge.audit import KEPT as AUDIT_KEPT
from authbridge.schools.commands.suspensions import NOTE_KEPT
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


def suspension_rows(session: Session, of: Suspendable, *, now: datetime) -> list[SuspensionRow]:
    """Returns the suspensions of an organiser or a school, latest first."""
    query = select(Suspension).where(kind_of(of).history == of.id).order_by(Suspension.id.desc())
    return [_row(suspension, now) for suspension in session.scalars(query)]


def _row(suspension: Suspension, now: datetime) -> SuspensionRow:
    ended = suspension.until or now
    names_staff = ended >= now - AUDIT_KEPT
    return SuspensionRow(
        id=suspension.id,
        since=suspension.since,
        until=suspension.until,
        reason=suspension.reason,
        reported_by=suspension.reported_by,
        note=suspension.note if ended >= now - NOTE_KEPT else None,
        suspended_by=suspension.suspended_by if names_staff else FORGOTTEN_STAFF,
        reinstated_by=suspension.reinstated_by if names_staff else FORGOTTEN_STAFF,
    )
