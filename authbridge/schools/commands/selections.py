"""Changes many organisers at once: all of a selection or none, in one transaction with one audit event.

Those who need no change are counted apart.  What can be undone is undone by the audit event of the change:
only organisers who are still as it left them are put back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session, contains_eager

from authbridge.audit import Action, Actor, record
from authbridge.errors import InputError, NotFoundError
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.usernames import Username
from authbridge.revocations import feed
from authbridge.schools.commands.organisers import (
    IssuedCredential,
    NewPassword,
    forget_failures,
    former_in_audit,
    replace_password,
)
from authbridge.schools.commands.print_jobs import add_print_job
from authbridge.schools.lookup import list_organisers
from authbridge.schools.selection import lock_selection, require_one_school, suspensions_of
from authbridge.storage.models import AuditEvent, Organiser, RevocationAction, Suspension

_SEVERAL = "several"  # the subject of an event about organisers of more than one school


@dataclass(frozen=True, slots=True)
class SelectionResult:
    """The organisers who were changed, and the number of those who needed no change.

    ``event_id`` is that of the audit event, None where nothing changed.
    """

    changed: tuple[str, ...]
    unchanged: int
    event_id: int | None


def suspend_selection(
    session: Session, usernames: Collection[str], *, actor: Actor, now: datetime
) -> SelectionResult:
    """Suspends organisers; those who are suspended themselves already stay so.

    Raises:
        InputError: They are none, or too many.
        StaleSelectionError: One does not exist any more.
    """
    chosen = lock_selection(session, usernames)
    changed = [each for each in chosen if each.suspended_at is None]
    for each in changed:
        each.suspended_at = now
    result = _record(session, Action.ORGANISERS_SUSPEND, chosen, changed, actor, now)
    if changed:
        rows = [{"organiser_id": each.id, "since": now, "suspended_by": actor} for each in changed]
        session.execute(insert(Suspension), rows)
        feed.publish_suspensions(session, _ongoing(session, changed), RevocationAction.SUSPEND, now=now)
    return result


def reinstate_selection(
    session: Session, usernames: Collection[str], *, seen: str | None, actor: Actor, now: datetime
) -> SelectionResult:
    """Ends the suspensions of organisers; where the school is suspended, they stay locked out.

    Raises:
        InputError: They are none, or too many.
        StaleSelectionError: One does not exist any more, or was suspended since: perhaps for a reason.
    """
    chosen = lock_selection(session, usernames, seen, what_matters=suspensions_of)
    return _reinstate(session, chosen, [each for each in chosen if each.suspended_at is not None], actor, now)


def end_sessions_of_selection(
    session: Session, usernames: Collection[str], *, actor: Actor, now: datetime
) -> SelectionResult:
    """Logs organisers out everywhere; those who are suspended are logged out already.

    Raises:
        InputError: They are none, or too many.
        StaleSelectionError: One does not exist any more.
    """
    chosen = lock_selection(session, usernames)
    ended = set(feed.publish_ends_of_sessions(session, chosen, now=now))
    changed = [each for each in chosen if each.username in ended]
    return _record(session, Action.ORGANISERS_END_SESSIONS, chosen, changed, actor, now)


def extend_selection(
    session: Session,
    usernames: Collection[str],
    last_day: date,
    *,
    seen: str | None,
    actor: Actor,
    now: datetime,
) -> SelectionResult:
    """Makes organisers valid until that day; those who are valid for as long already stay so.

    Raises:
        InputError: They are none, or too many.
        StaleSelectionError: One does not exist any more, or was changed since.
    """
    chosen = lock_selection(session, usernames, seen)
    changed = [each for each in chosen if each.valid_until is not None and each.valid_until < last_day]
    return _change_validity(session, chosen, changed, last_day, actor, now)


def expire_selection(
    session: Session,
    usernames: Collection[str],
    *,
    seen: str | None,
    today: date,
    actor: Actor,
    now: datetime,
) -> SelectionResult:
    """Ends the validity of organisers with yesterday, and their sessions.

    Raises:
        InputError: They are none, or too many.
        StaleSelectionError: One does not exist any more, or was changed since.
    """
    chosen = lock_selection(session, usernames, seen)
    yesterday = today - timedelta(days=1)
    changed = outlasting(chosen, yesterday)
    result = _change_validity(session, chosen, changed, yesterday, actor, now)
    if changed:
        feed.publish_ends_of_sessions(session, changed, now=now)
    return result


def expire_not_come(
    session: Session, code: str, last_day: date, *, today: date, actor: Actor, now: datetime
) -> SelectionResult:
    """Ends with that day the validity of those of a school who were taken over and have not logged in yet.

    Those whose access ends before it already keep their end.  Nobody of them has a session that could end.

    Raises:
        NotFoundError: There is no such school.
        InputError: The day lies in the past.
    """
    if last_day < today:
        raise InputError("The last day, %(day)s, lies in the past.", day=last_day)
    chosen = list_organisers(session, code, not_come=True, lock=True)
    return _change_validity(session, chosen, outlasting(chosen, last_day), last_day, actor, now)


def outlasting(organisers: Sequence[Organiser], last_day: date) -> list[Organiser]:
    """Returns those whose access does not end with that day or before it."""
    return [each for each in organisers if each.valid_until is None or each.valid_until > last_day]


def reset_selection(
    session: Session,
    passwords: Mapping[str, NewPassword],
    *,
    seen: str | None,
    keyed_hashes: KeyedHashes,
    actor: Actor,
    now: datetime,
) -> list[IssuedCredential]:
    """Replaces the passwords of organisers of one school, by name; suspensions stay.

    The old passwords end at this moment, with their failures and their sessions; where they count as well
    for some days, the sessions go on.

    Raises:
        InputError: They are none, or too many.
        ConflictError: They are not of one school.
        StaleSelectionError: One does not exist any more, or was changed since.
    """
    chosen = lock_selection(session, passwords, seen)
    require_one_school({each.school.code for each in chosen})
    school = chosen[0].school
    first = passwords[chosen[0].username]
    printed = add_print_job(session, first.print_job, school, len(chosen), actor=actor, now=now)
    for each in chosen:
        replace_password(each, passwords[each.username])
    forget_failures(session, [each.username for each in chosen], keyed_hashes)
    _record(
        session,
        Action.ORGANISERS_RESET,
        chosen,
        chosen,
        actor,
        now,
        **printed,
        **former_in_audit(first),
    )
    if first.former_until is None:
        feed.publish_ends_of_sessions(session, chosen, now=now)
    return [
        IssuedCredential(Username(each.username), passwords[each.username].plain, each.valid_until)
        for each in chosen
    ]


def undo_selection(
    session: Session, event_id: int, *, today: date, actor: Actor, now: datetime
) -> SelectionResult:
    """Undoes a suspension or a change of validity of many; those who were changed since stay as they are.

    Raises:
        NotFoundError: There is no such event, or it is none of these.
    """
    event = session.get(AuditEvent, event_id)
    if event is None or event.action not in _UNDONE_BY:
        raise NotFoundError("That cannot be undone any more.")
    query = select(Organiser).join(Organiser.school).options(contains_eager(Organiser.school))
    query = query.where(Organiser.username.in_(event.detail["usernames"])).order_by(Organiser.username)
    chosen = list(session.scalars(query.with_for_update(of=Organiser)))
    return _UNDONE_BY[Action(event.action)](session, event, chosen, today, actor, now)


def _undo_suspension(
    session: Session, event: AuditEvent, chosen: list[Organiser], _today: date, actor: Actor, now: datetime
) -> SelectionResult:
    return _reinstate(session, chosen, [each for each in chosen if each.suspended_at == event.at], actor, now)


def _undo_validity(
    session: Session, event: AuditEvent, chosen: list[Organiser], today: date, actor: Actor, now: datetime
) -> SelectionResult:
    before, left_at = event.detail["before"], event.detail["valid_until"]
    ending, others_left_at = set(event.detail.get("ending", ())), event.detail.get("others_until")
    same = [
        each
        for each in chosen
        if _as_text(each.valid_until) == (others_left_at if each.username in ending else left_at)
    ]
    changed_since = _changed_since(session, event)
    changed = [each for each in same if each.username not in changed_since]
    for each in changed:
        each.valid_until = _as_day(before[each.username])
    result = _record(session, Action.ORGANISERS_UNDO_VALIDITY, chosen, changed, actor, now, undoes=event.id)
    ended = [each for each in changed if each.valid_until is not None and each.valid_until < today]
    if ended:
        feed.publish_ends_of_sessions(session, ended, now=now)
    return result


def _changed_since(session: Session, event: AuditEvent) -> set[str]:
    """Returns the names whose validity changed after the event, also to the same day, also by its undo."""
    query = select(AuditEvent).where(AuditEvent.id > event.id, AuditEvent.action.in_(_CHANGES_OF_VALIDITY))
    return {
        username
        for later in session.scalars(query)
        for username in later.detail.get("usernames", [later.subject])
    }


_CHANGES_OF_VALIDITY = (
    Action.ORGANISER_CHANGE_VALIDITY,
    Action.ORGANISERS_CHANGE_VALIDITY,
    Action.ORGANISERS_UNDO_VALIDITY,
    Action.SCHOOL_CHANGE_YEAR,
)

_UNDONE_BY = {
    Action.ORGANISERS_SUSPEND: _undo_suspension,
    Action.ORGANISERS_CHANGE_VALIDITY: _undo_validity,
    Action.SCHOOL_CHANGE_YEAR: _undo_validity,
}


def _reinstate(
    session: Session, chosen: list[Organiser], changed: list[Organiser], actor: Actor, now: datetime
) -> SelectionResult:
    ended = _ongoing(session, changed)
    for suspension in ended:
        suspension.until, suspension.reinstated_by = now, actor
    for each in changed:
        each.suspended_at = None
    result = _record(session, Action.ORGANISERS_REINSTATE, chosen, changed, actor, now)
    if ended:
        feed.publish_suspensions(session, ended, RevocationAction.REINSTATE, now=now)
    return result


def _ongoing(session: Session, organisers: Sequence[Organiser]) -> Sequence[Suspension]:
    is_theirs = Suspension.organiser_id.in_([each.id for each in organisers])
    return session.scalars(select(Suspension).where(is_theirs, Suspension.until.is_(None))).all()


def _change_validity(
    session: Session,
    chosen: list[Organiser],
    changed: list[Organiser],
    last_day: date,
    actor: Actor,
    now: datetime,
) -> SelectionResult:
    before = {each.username: _as_text(each.valid_until) for each in changed}
    for each in changed:
        each.valid_until = last_day
    detail = {"valid_until": last_day.isoformat(), "before": before}
    return _record(session, Action.ORGANISERS_CHANGE_VALIDITY, chosen, changed, actor, now, **detail)


def _record(
    session: Session,
    action: Action,
    chosen: Sequence[Organiser],
    changed: Sequence[Organiser],
    actor: Actor,
    now: datetime,
    **detail: object,
) -> SelectionResult:
    """Writes the one event of a change, none if nothing changed; the rows have their ids afterwards."""
    usernames = tuple(each.username for each in changed)
    unchanged = len(chosen) - len(changed)
    if not changed:
        return SelectionResult((), unchanged, None)
    codes = {each.school.code for each in changed}
    event = record(
        session,
        actor=actor,
        action=action,
        subject=codes.pop() if len(codes) == 1 else _SEVERAL,
        now=now,
        count=len(usernames),
        unchanged=unchanged,
        usernames=list(usernames),
        **detail,
    )
    session.flush()
    return SelectionResult(usernames, unchanged, event.id)


def _as_text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _as_day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
