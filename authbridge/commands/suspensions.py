"""Suspending and reinstating: by people, at once, until undone by people."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.models import Organiser, School, Suspension, SuspensionReason
from authbridge.queries import get_organiser, get_school


def suspend_organiser(
    session: Session, username: str, *, reason: SuspensionReason, actor: Actor, now: datetime
) -> bool:
    """Suspends one organiser; returns whether that changed anything."""
    organiser = get_organiser(session, username, lock=True)
    if not _suspend(session, organiser, reason, actor, now):
        return False
    record(
        session,
        actor=actor,
        action=Action.ORGANISER_SUSPEND,
        subject=organiser.username,
        now=now,
        reason=reason,
    )
    return True


def suspend_school(
    session: Session, code: str, *, reason: SuspensionReason, actor: Actor, now: datetime
) -> bool:
    """Suspends a school, and with it all its organisers; returns whether that changed anything."""
    school = get_school(session, code, lock=True)
    if not _suspend(session, school, reason, actor, now):
        return False
    record(session, actor=actor, action=Action.SCHOOL_SUSPEND, subject=school.code, now=now, reason=reason)
    return True


def reinstate_organiser(session: Session, username: str, *, actor: Actor, now: datetime) -> bool:
    """Ends an organiser's own suspension (his school's stays); returns whether that changed anything."""
    organiser = get_organiser(session, username, lock=True)
    if not _reinstate(session, organiser, actor, now):
        return False
    record(session, actor=actor, action=Action.ORGANISER_REINSTATE, subject=organiser.username, now=now)
    return True


def reinstate_school(session: Session, code: str, *, actor: Actor, now: datetime) -> bool:
    """Ends a school's suspension (those of single organisers stay); returns whether that changed anything."""
    school = get_school(session, code, lock=True)
    if not _reinstate(session, school, actor, now):
        return False
    record(session, actor=actor, action=Action.SCHOOL_REINSTATE, subject=school.code, now=now)
    return True


def _suspend(
    session: Session, who: Organiser | School, reason: SuspensionReason, actor: Actor, now: datetime
) -> bool:
    if who.suspended_at is not None:
        return False
    who.suspended_at = now
    session.add(
        Suspension(
            organiser_id=who.id if isinstance(who, Organiser) else None,
            school_id=who.id if isinstance(who, School) else None,
            reason=reason,
            since=now,
            suspended_by=actor,
        )
    )
    return True


def _reinstate(session: Session, who: Organiser | School, actor: Actor, now: datetime) -> bool:
    if who.suspended_at is None:
        return False
    who.suspended_at = None
    whose = Suspension.organiser_id if isinstance(who, Organiser) else Suspension.school_id
    for suspension in session.scalars(select(Suspension).where(whose == who.id, Suspension.until.is_(None))):
        suspension.until, suspension.reinstated_by = now, actor
    return True
