"""Holds rows of the journal beyond the retention, for an incident: one person asks, another one confirms.

A request keeps its rows, too, so that they do not vanish while it waits; but for three days at most.  What is
known of a hold that is over stands in the audit.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import ConflictError, InputError, NotFoundError
from authbridge.login import held_rows
from authbridge.login.staff_names import STAFF_PREFIX
from authbridge.schools.lookup import get_organiser
from authbridge.staff.members import find_staff
from authbridge.staff.permissions import PERMISSIONS, Permission
from authbridge.storage.models import Hold, Organiser, Role
from authbridge.storage.statements import UNSYNCHRONISED
from authbridge.typed_text import drop_invisible, parse_line

LONGEST = 90  # days, from the request
LONGEST_REASON = 200  # characters
TIME_TO_CONFIRM = timedelta(days=3)  # over a weekend

_LONGEST_DAY = timedelta(hours=25)  # on which summer time ends


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """What to hold: the rows from ``since`` to before ``before``, of one network (""; all) for some days."""

    since: datetime
    before: datetime
    reason: str
    days: int
    network: str = ""


def request_hold(
    session: Session,
    username: str,
    wanted: HoldRequest,
    *,
    retention: timedelta,
    actor: Actor,
    now: datetime,
) -> int:
    """Asks for a hold; the rows are kept from now on, but not for long without a second person.

    Returns its id.

    Raises:
        NotFoundError: There is no such organiser.
        InputError: The span holds nothing that there still is, the reason or the number of days is none.
        ConflictError: The actor is none who may see the journal.
    """
    _require_inspector(session, actor)
    organiser = get_organiser(session, username, lock=True)
    days = parse_days(wanted.days)
    since = _beginning(wanted, retention, now)
    hold = Hold(
        organiser_id=organiser.id,
        since=since,
        before=wanted.before,
        network=parse_network(wanted.network),
        reason=parse_reason(wanted.reason),
        days=days,
        asked_at=now,
        asked_by=actor,
        kept_until=now + min(TIME_TO_CONFIRM, timedelta(days=days)),
    )
    session.add(hold)
    session.flush()  # gives it its id
    _record(session, Action.HOLD_REQUEST, hold, actor=actor, now=now)
    return hold.id


def confirm_hold(session: Session, hold_id: int, *, actor: Actor, now: datetime) -> None:
    """Confirms a hold that somebody else asked for; the rows are kept to its end.

    Raises:
        NotFoundError: There is no such hold, or it is over.
        ConflictError: The actor asked for it, or may not see the journal; the person who asked may not any
            more; or it is confirmed already.
    """
    hold = _get(session, hold_id, now)
    if hold.confirmed_at is not None:
        raise ConflictError("This hold was confirmed already.")
    if hold.asked_by == actor:
        raise ConflictError("You asked for this hold yourself. Somebody else has to confirm it.")
    _require_inspector(session, actor)
    if not _may_inspect(session, hold.asked_by):
        raise ConflictError(
            "The person who asked for this hold may not do so any more."
            " Please reject it, and ask for it anew."
        )
    hold.confirmed_at, hold.confirmed_by = now, actor
    hold.kept_until = hold.asked_at + timedelta(days=hold.days)
    _record(session, Action.HOLD_CONFIRM, hold, actor=actor, now=now)


def end_hold(session: Session, hold_id: int, *, actor: Actor, now: datetime) -> None:
    """Ends a hold before its time, or rejects one that is not confirmed; its rows go with the next deletion.

    Raises:
        NotFoundError: There is no such hold, or it is over.
    """
    hold = _get(session, hold_id, now)
    action = Action.HOLD_REJECT if hold.confirmed_at is None else Action.HOLD_END
    _record(session, action, hold, actor=actor, now=now)
    hold.kept_until = now  # the purge deletes it, after its rows


def purge(session: Session, *, now: datetime) -> None:
    """Deletes holds that are over."""
    session.execute(delete(Hold).where(~held_rows.counts(now)), execution_options=UNSYNCHRONISED)


def no_hold() -> NotFoundError:
    """Returns the error for a hold that is not there."""
    return NotFoundError("There is no such hold, or it is over already.")


def parse_reason(typed: str) -> str:
    """Returns the reason for a hold.

    Raises:
        InputError: There is none, it is too long, or holds a character that cannot be printed.
    """
    reason = parse_line(typed)
    if not reason:
        raise InputError("Please say for which incident.")
    if len(reason) > LONGEST_REASON:
        raise InputError("Please write at most %(most)s characters.", most=LONGEST_REASON)
    return reason


def parse_days(days: int) -> int:
    """Returns the number of days for which rows are held.

    Raises:
        InputError: It is not from 1 to :data:`LONGEST`.
    """
    if not 1 <= days <= LONGEST:
        raise InputError("Please choose 1 to %(most)s days.", most=LONGEST)
    return days


def parse_network(typed: str) -> str | None:
    """Returns an address or a network in its stored form (CIDR), None if none was typed.

    Raises:
        InputError: It is neither.
    """
    text = drop_invisible(typed).strip()
    if not text:
        return None
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise InputError(
            "“%(typed)s” is no network, such as 198.51.100.7 or 2001:db8:12::/48.", typed=typed
        ) from None


def _beginning(wanted: HoldRequest, retention: timedelta, now: datetime) -> datetime:
    """Returns the first moment of the span that may still be in the journal."""
    if wanted.before <= wanted.since:
        raise InputError("The last day lies before the first one.")
    oldest = now - retention
    if wanted.since <= oldest - _LONGEST_DAY or wanted.before <= oldest:
        raise InputError("These days are deleted already.")
    if wanted.since > now or wanted.before > now + _LONGEST_DAY:
        raise InputError("Only days up to today can be held.")
    return max(wanted.since, oldest)


def _get(session: Session, hold_id: int, now: datetime) -> Hold:
    query = select(Hold).where(Hold.id == hold_id, held_rows.counts(now)).with_for_update()
    hold = session.scalars(query).one_or_none()
    if hold is None:
        raise no_hold()
    return hold


def _require_inspector(session: Session, actor: Actor) -> None:
    if not _may_inspect(session, actor):
        raise ConflictError("Only a member of staff who may see the journal can do this.")


def _may_inspect(session: Session, actor: str) -> bool:
    """Tells whether the actor is a member of staff who may see the journal at this moment.

    Nobody is given the name of a deleted member within a year, so the name stands for one person.
    """
    if not actor.startswith(STAFF_PREFIX):
        return False
    staff = find_staff(session, actor.removeprefix(STAFF_PREFIX))
    if staff is None or staff.suspended_at is not None or staff.enrolled_at is None:
        return False
    return Permission.INSPECT in PERMISSIONS[Role(staff.role)]


def _record(session: Session, action: Action, hold: Hold, *, actor: Actor, now: datetime) -> None:
    """Records a step of a hold; not its network, for the audit lives a year."""
    username = session.get_one(Organiser, hold.organiser_id).username
    record(
        session,
        actor=actor,
        action=action,
        subject=username,
        now=now,
        usernames=[username],
        hold=hold.id,
        since=hold.since.isoformat(timespec="seconds"),
        before=hold.before.isoformat(timespec="seconds"),
        one_network=hold.network is not None,
        held_days=hold.days,
        reason=hold.reason,
    )
