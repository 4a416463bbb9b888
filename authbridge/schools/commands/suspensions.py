"""Suspending and reinstating: by people, at once, until undone by people.

What that means for those who are logged in is told to every Prosody, in the same transaction.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import ConflictError, InputError
from authbridge.revocations import feed
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.storage.models import (
    Organiser,
    Reporter,
    RevocationAction,
    School,
    Suspension,
    SuspensionReason,
)

LONGEST_NOTE = 200  # characters; one sentence, not a file on somebody


@dataclass(frozen=True, slots=True)
class Description:
    """What is said about a suspension once it is on; None: nothing."""

    reason: SuspensionReason | None = None
    reported_by: Reporter | None = None
    note: str | None = None


def suspend_organiser(
    session: Session, username: str, *, reason: SuspensionReason | None, actor: Actor, now: datetime
) -> bool:
    """Suspends one organiser; returns whether that changed anything."""
    organiser = get_organiser(session, username, lock=True)
    if not _suspend(session, organiser, reason, actor, now):
        return False
    feed.tell_of_organiser(session, organiser, RevocationAction.SUSPEND, now=now)
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
    session: Session, code: str, *, reason: SuspensionReason | None, actor: Actor, now: datetime
) -> bool:
    """Suspends a school, and with it all its organisers; returns whether that changed anything."""
    school = get_school(session, code, lock=True)
    if not _suspend(session, school, reason, actor, now):
        return False
    feed.tell_of_school(session, school, RevocationAction.SUSPEND, now=now)
    record(session, actor=actor, action=Action.SCHOOL_SUSPEND, subject=school.code, now=now, reason=reason)
    return True


def reinstate_organiser(session: Session, username: str, *, actor: Actor, now: datetime) -> bool:
    """Ends an organiser's own suspension (his school's stays); returns whether that changed anything."""
    organiser = get_organiser(session, username, lock=True)
    if not _reinstate(session, organiser, actor, now):
        return False
    feed.tell_of_organiser(session, organiser, RevocationAction.REINSTATE, now=now)
    record(session, actor=actor, action=Action.ORGANISER_REINSTATE, subject=organiser.username, now=now)
    return True


def reinstate_school(session: Session, code: str, *, actor: Actor, now: datetime) -> bool:
    """Ends a school's suspension (those of single organisers stay); returns whether that changed anything."""
    school = get_school(session, code, lock=True)
    if not _reinstate(session, school, actor, now):
        return False
    feed.tell_of_school(session, school, RevocationAction.REINSTATE, now=now)
    record(session, actor=actor, action=Action.SCHOOL_REINSTATE, subject=school.code, now=now)
    return True


def describe_organiser_suspension(
    session: Session, username: str, description: Description, *, actor: Actor, now: datetime
) -> bool:
    """Says why an organiser is suspended, instead of what was said before; returns whether that is new.

    Raises :class:`ConflictError` if he is not suspended.
    """
    organiser = get_organiser(session, username, lock=True)
    if organiser.suspended_at is None:
        raise ConflictError("“%(name)s” is not suspended any more.", name=organiser.username)
    told = _describe(session, organiser, description)
    if not told:
        return False
    record(
        session,
        actor=actor,
        action=Action.ORGANISER_DESCRIBE_SUSPENSION,
        subject=organiser.username,
        now=now,
        **told,
    )
    return True


def describe_school_suspension(
    session: Session, code: str, description: Description, *, actor: Actor, now: datetime
) -> bool:
    """Says why a school is suspended; else like :func:`describe_organiser_suspension`."""
    school = get_school(session, code, lock=True)
    if school.suspended_at is None:
        raise ConflictError("The school “%(code)s” is not suspended any more.", code=school.code)
    told = _describe(session, school, description)
    if not told:
        return False
    record(
        session,
        actor=actor,
        action=Action.SCHOOL_DESCRIBE_SUSPENSION,
        subject=school.code,
        now=now,
        **told,
    )
    return True


def parse_note(typed: str) -> str | None:
    """A short note, None if there is none; raises :class:`InputError`."""
    note = " ".join(typed.split())
    if len(note) > LONGEST_NOTE or not note.isprintable():
        raise InputError("A note has at most %(most)s characters.", most=LONGEST_NOTE)
    return note or None


def _suspend(
    session: Session, who: Organiser | School, reason: SuspensionReason | None, actor: Actor, now: datetime
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
    for suspension in _ongoing(session, who):
        suspension.until, suspension.reinstated_by = now, actor
    return True


def _describe(session: Session, who: Organiser | School, description: Description) -> dict[str, object]:
    """Writes it down; returns what the audit says of the change, nothing if there is none.

    The audit lives a year and a note 90 days, so it is told only that there is one.
    """
    note = parse_note(description.note or "")
    said = {"reason": description.reason, "reported_by": description.reported_by, "note": note}
    is_changed = False
    for suspension in _ongoing(session, who):
        for name, value in said.items():
            if getattr(suspension, name) != value:
                setattr(suspension, name, value)
                is_changed = True
    if not is_changed:
        return {}
    return {"reason": description.reason, "reported_by": description.reported_by, "noted": note is not None}


def _ongoing(session: Session, who: Organiser | School) -> list[Suspension]:
    whose = Suspension.organiser_id if isinstance(who, Organiser) else Suspension.school_id
    return list(session.scalars(select(Suspension).where(whose == who.id, Suspension.until.is_(None))))
