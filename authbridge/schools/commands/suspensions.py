"""Suspends and reinstates organisers and schools: decided by people, at once, until people undo it.

Each command publishes to every Prosody, in the same transaction, what that changes for running sessions.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from authbridge.audit import FORGOTTEN_STAFF, Actor, record
from authbridge.audit import KEPT as AUDIT_KEPT
from authbridge.errors import InputError
from authbridge.revocations import feed
from authbridge.schools.commands.organisers import forget_former_passwords
from authbridge.schools.suspendable import SuspendableKind, kind_of, name_of
from authbridge.storage.models import (
    Organiser,
    Reporter,
    RevocationAction,
    Suspendable,
    Suspension,
    SuspensionReason,
)
from authbridge.storage.statements import UNSYNCHRONISED
from authbridge.typed_text import parse_line

LONGEST_NOTE = 200  # characters; one sentence, not a file on somebody

_LEAKS = {SuspensionReason.MISUSE, SuspensionReason.LETTER_LOST}  # the wrong person may have the password

NOTE_KEPT = timedelta(days=90)  # after the end of the suspension


@dataclass(frozen=True, slots=True)
class SuspensionDescription:
    """What staff say about a suspension once it is on; None: nothing."""

    reason: SuspensionReason | None = None
    reported_by: Reporter | None = None
    note: str | None = None


def suspend(
    session: Session,
    kind: SuspendableKind,
    name: str,
    *,
    reason: SuspensionReason | None,
    actor: Actor,
    now: datetime,
) -> bool:
    """Suspends an organiser, or a school with all its organisers; returns whether that changed anything.

    Raises:
        NotFoundError: There is nothing of that name.
    """
    found = kind.find(session, name, lock=True)
    if found.suspended_at is not None:
        return False
    suspension = put_on(session, found, SuspensionDescription(reason), actor=actor, now=now)
    record(session, actor=actor, action=kind.on_suspend, subject=name_of(found), now=now, reason=reason)
    feed.publish_suspension(session, suspension, RevocationAction.SUSPEND, now=now)
    return True


def put_on(
    session: Session, found: Suspendable, description: SuspensionDescription, *, actor: Actor, now: datetime
) -> Suspension:
    """Suspends what is locked and not suspended yet, as part of a command that records and publishes it.

    The command publishes last of all: the feed's row is the last lock of every command, and any other order
    could end in a deadlock.
    """
    found.suspended_at = now
    suspension = Suspension(
        organiser_id=found.id if isinstance(found, Organiser) else None,
        school_id=None if isinstance(found, Organiser) else found.id,
        reason=description.reason,
        reported_by=description.reported_by,
        note=description.note,
        since=now,
        suspended_by=actor,
    )
    session.add(suspension)
    session.flush()  # gives it its id
    _end_former_passwords(session, found, description.reason)
    return suspension


def reinstate(
    session: Session,
    kind: SuspendableKind,
    name: str,
    *,
    since: datetime | None = None,
    actor: Actor,
    now: datetime,
) -> bool:
    """Ends a suspension, with ``since`` only the one that began then; returns whether that changed anything.

    An organiser stays suspended while the school is, and organisers of a school who are suspended themselves
    stay so.

    Raises:
        NotFoundError: There is nothing of that name.
    """
    found = kind.find(session, name, lock=True)
    if found.suspended_at is None or (since is not None and since != found.suspended_at):
        return False
    suspension = ongoing(session, found)
    found.suspended_at = None
    suspension.until, suspension.reinstated_by = now, actor
    session.flush()
    feed.publish_suspension(session, suspension, RevocationAction.REINSTATE, now=now)
    record(session, actor=actor, action=kind.on_reinstate, subject=name_of(found), now=now)
    return True


def describe(
    session: Session,
    kind: SuspendableKind,
    name: str,
    description: SuspensionDescription,
    *,
    actor: Actor,
    now: datetime,
) -> bool:
    """Replaces the description of a suspension that is on; returns whether that changed anything.

    Raises:
        NotFoundError: There is nothing of that name.
        ConflictError: It is not suspended any more.
        InputError: The note is too long.
    """
    found = kind.find(session, name, lock=True)
    if found.suspended_at is None:
        raise kind.not_suspended(name_of(found))
    note = parse_note(description.note or "")
    suspension = ongoing(session, found)
    said = {"reason": description.reason, "reported_by": description.reported_by, "note": note}
    if all(getattr(suspension, field) == value for field, value in said.items()):
        return False
    for field, value in said.items():
        setattr(suspension, field, value)
    _end_former_passwords(session, found, description.reason)
    # The audit lives a year and a note 90 days, so the audit says only that there is a note.
    noted = {"reason": description.reason, "reported_by": description.reported_by, "noted": note is not None}
    record(session, actor=actor, action=kind.on_describe, subject=name_of(found), now=now, **noted)
    return True


def _end_former_passwords(session: Session, found: Suspendable, reason: SuspensionReason | None) -> None:
    """Ends former passwords for a reason that may be theirs: reinstating must not bring them back."""
    if reason in _LEAKS:
        whose = Organiser.id if isinstance(found, Organiser) else Organiser.school_id
        forget_former_passwords(session, whose == found.id)


def parse_note(typed: str) -> str | None:
    """Returns a short note, None for an empty one.

    Raises:
        InputError: It is too long, or holds a character that cannot be printed.
    """
    note = parse_line(typed)
    if len(note) > LONGEST_NOTE:
        raise InputError("A note has at most %(most)s characters.", most=LONGEST_NOTE)
    return note or None


def purge(session: Session, *, now: datetime) -> None:
    """Deletes notes 90 days after the end of a suspension, and the names of staff with the audit's."""
    is_forgotten = (Suspension.until < now - AUDIT_KEPT, Suspension.suspended_by != FORGOTTEN_STAFF)
    for query in (
        update(Suspension).where(Suspension.until < now - NOTE_KEPT).values(note=None),
        update(Suspension)
        .where(*is_forgotten)
        .values(suspended_by=FORGOTTEN_STAFF, reinstated_by=FORGOTTEN_STAFF),
    ):
        session.execute(query, execution_options=UNSYNCHRONISED)


def ongoing(session: Session, found: Suspendable) -> Suspension:
    """Returns the suspension that is on; there is one at most, for commands lock what they suspend."""
    query = select(Suspension).where(kind_of(found).history == found.id, Suspension.until.is_(None))
    return session.scalars(query).one()
