"""Changes staff: invites, enrols, appoints, suspends, deletes; and what each of them may change of their own.

No change through the panel leaves it without an admin who can sign in.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import ConflictError
from authbridge.login import alarms, failures, staff_names
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.staff_names import STAFF_PREFIX, parse_staff_name
from authbridge.login.typed_passwords import StoredPassword
from authbridge.staff import sessions
from authbridge.staff.members import find_staff, get_staff
from authbridge.staff.one_time_codes import NewInvitation, NewRecoveryCodes
from authbridge.staff.sessions import PanelSession
from authbridge.storage.models import AuditEvent, Invitation, Passkey, RecoveryCode, Role, SessionStage, Staff
from authbridge.storage.statements import UNSYNCHRONISED

INVITATION_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The choices of a new member of staff: ``factor`` is sealed, ``step`` that of its first code."""

    password: StoredPassword = field(repr=False)
    factor: str = field(repr=False)
    step: int
    recovery: NewRecoveryCodes = field(repr=False)


def add_staff(
    session: Session, name: str, role: Role, invitation: NewInvitation, *, actor: Actor, now: datetime
) -> Staff:
    """Adds and invites a member of staff.

    Raises:
        InputError: The name cannot be accepted.
        ConflictError: Somebody has the name, or had it within the audit's year.
    """
    parsed = parse_staff_name(name)
    if find_staff(session, parsed) is not None:
        raise ConflictError("There is a staff member “%(name)s” already.", name=parsed)
    if _was_deleted(session, parsed):
        raise ConflictError(
            "“%(name)s” was the name of somebody who was deleted less than a year ago."
            " Please choose another one.",
            name=parsed,
        )
    staff = Staff(name=parsed, role=role, created_at=now)
    session.add(staff)
    session.flush()
    _invite(session, staff, invitation, now)
    record(session, actor=actor, action=Action.STAFF_ADD, subject=parsed, now=now, role=role)
    return staff


def reset_staff(
    session: Session,
    name: str,
    invitation: NewInvitation,
    *,
    keyed_hashes: KeyedHashes,
    actor: Actor,
    now: datetime,
) -> Staff:
    """Invites anew: password, second factors, recovery codes, sessions and failures are gone.

    A suspension stays.  The command line may reset the last admin, too: a lockout of all admins ends there.

    Raises:
        NotFoundError: There is no such member of staff.
        ConflictError: In the panel, no other admin could sign in.
    """
    staff = (
        _get_keeping_an_admin(session, name) if _is_of_panel(actor) else get_staff(session, name, lock=True)
    )
    staff.password_hash = staff.factor_secret = staff.enrolled_at = None
    staff.factor_step = staff.void_step = None
    forget_recovery_codes(session, staff)
    _forget_passkeys(session, staff)
    sessions.end_all(session, staff.id)
    for counted in staff_names.counted_names(staff.name):
        failures.forget_name(session, keyed_hashes.name(counted))
    alarms.forget_staff(session, staff.name)
    _invite(session, staff, invitation, now)
    record(session, actor=actor, action=Action.STAFF_RESET, subject=staff.name, now=now)
    return staff


def enrol(
    session: Session,
    panel_session: PanelSession,
    enrolment: Enrolment,
    *,
    today: date,
    actor: Actor,
    now: datetime,
) -> str:
    """Uses the invitation up; returns the token of the session in which the new member is signed in.

    Raises:
        ConflictError: The invitation or the session is over.
    """
    staff = hold_own(session, panel_session)
    invitation = session.get(Invitation, staff.id)
    if invitation is None or now >= invitation.expires_at:
        raise ConflictError("This invitation is no longer valid. Please ask for a new one.")
    session.delete(invitation)
    staff.password_hash = enrolment.password.hash
    staff.factor_secret, staff.factor_step = enrolment.factor, enrolment.step
    staff.enrolled_at, staff.last_sign_in_on = now, today
    _keep_recovery_codes(session, staff, enrolment.recovery)
    sessions.end_all(session, staff.id, but=panel_session)
    record(session, actor=actor, action=Action.STAFF_ENROL, subject=staff.name, now=now)
    return sessions.rotate(session, panel_session, SessionStage.SIGNED_IN, now=now)


def change_role(session: Session, name: str, role: Role, *, actor: Actor, now: datetime) -> bool:
    """Changes the role, and ends the member's sessions; returns whether that changed anything.

    Raises:
        NotFoundError: There is no such member of staff.
        ConflictError: No other admin could sign in.
    """
    staff = _get_keeping_an_admin(session, name, unless=role is Role.ADMIN)
    if staff.role == role:
        return False
    staff.role = role
    sessions.end_all(session, staff.id)
    record(session, actor=actor, action=Action.STAFF_CHANGE_ROLE, subject=staff.name, now=now, role=role)
    return True


def suspend_staff(session: Session, name: str, *, actor: Actor, now: datetime) -> bool:
    """Suspends a member of staff, and ends their sessions; returns whether that changed anything.

    Raises:
        NotFoundError: There is no such member of staff.
        ConflictError: No other admin could sign in.
    """
    staff = _get_keeping_an_admin(session, name)
    if staff.suspended_at is not None:
        return False
    staff.suspended_at = now
    sessions.end_all(session, staff.id)
    record(session, actor=actor, action=Action.STAFF_SUSPEND, subject=staff.name, now=now)
    return True


def reinstate_staff(session: Session, name: str, *, actor: Actor, now: datetime) -> bool:
    """Ends a suspension; returns whether that changed anything.

    Raises:
        NotFoundError: There is no such member of staff.
    """
    staff = get_staff(session, name, lock=True)
    if staff.suspended_at is None:
        return False
    staff.suspended_at = None
    record(session, actor=actor, action=Action.STAFF_REINSTATE, subject=staff.name, now=now)
    return True


def delete_staff(session: Session, name: str, *, actor: Actor, now: datetime) -> None:
    """Deletes a member of staff and everything of theirs; their actions stay in the audit.

    Raises:
        NotFoundError: There is no such member of staff.
        ConflictError: No other admin could sign in.
    """
    staff = _get_keeping_an_admin(session, name)
    session.delete(staff)
    record(session, actor=actor, action=Action.STAFF_DELETE, subject=staff.name, now=now)


def change_password(
    session: Session, panel_session: PanelSession, password: StoredPassword, *, actor: Actor, now: datetime
) -> str:
    """Changes one's own password, and ends one's other sessions; returns the new token of this one.

    Raises:
        ConflictError: The session is over.
    """
    staff = hold_own(session, panel_session)
    staff.password_hash = password.hash
    sessions.end_all(session, staff.id, but=panel_session)
    record(session, actor=actor, action=Action.STAFF_CHANGE_PASSWORD, subject=staff.name, now=now)
    return sessions.renew_token(session, panel_session)


def renew_recovery_codes(
    session: Session, panel_session: PanelSession, recovery: NewRecoveryCodes, *, actor: Actor, now: datetime
) -> None:
    """Replaces one's own recovery codes; the old ones end at this moment.

    Raises:
        ConflictError: The session is over.
    """
    staff = hold_own(session, panel_session)
    _keep_recovery_codes(session, staff, recovery)
    record(session, actor=actor, action=Action.STAFF_RENEW_RECOVERY, subject=staff.name, now=now)


def end_session(
    session: Session, panel_session: PanelSession, public_id: str, *, actor: Actor, now: datetime
) -> bool:
    """Ends one of one's own sessions, as the list names it; returns whether there was one."""
    return _record_end(
        session, panel_session.name, actor, now, changed=sessions.end_one(session, panel_session, public_id)
    )


def end_other_sessions(session: Session, panel_session: PanelSession, *, actor: Actor, now: datetime) -> bool:
    """Ends all of one's own sessions but this one; returns whether there was any."""
    changed = sessions.end_all(session, panel_session.staff_id, but=panel_session)
    return _record_end(session, panel_session.name, actor, now, changed=changed)


def end_all_sessions(session: Session, name: str, *, actor: Actor, now: datetime) -> bool:
    """Ends all sessions of a member of staff; returns whether there was any."""
    staff = get_staff(session, name)
    return _record_end(session, staff.name, actor, now, changed=sessions.end_all(session, staff.id))


def _record_end(session: Session, name: str, actor: Actor, now: datetime, *, changed: bool) -> bool:
    if changed:
        record(session, actor=actor, action=Action.STAFF_END_SESSIONS, subject=name, now=now)
    return changed


def _is_of_panel(actor: Actor) -> bool:
    return actor.startswith(STAFF_PREFIX)


def _get_keeping_an_admin(session: Session, name: str, *, unless: bool = False) -> Staff:
    """Finds and locks a member of staff.

    Raises:
        NotFoundError: There is none of that name.
        ConflictError: Without this member, no admin could sign in.
    """
    # All admins first and in order: two admins who suspend each other at the same moment would otherwise both
    # succeed, or lock each other out (deadlock).
    query = select(Staff).where(Staff.role == Role.ADMIN).order_by(Staff.id)
    admins = session.scalars(query.with_for_update(key_share=True)).all()
    staff = get_staff(session, name, lock=True)
    able = [admin for admin in admins if admin.enrolled_at is not None and admin.suspended_at is None]
    if able == [staff] and not unless:
        raise ConflictError("“%(name)s” is the last admin who can sign in, and must stay.", name=staff.name)
    return staff


def hold_own(session: Session, panel_session: PanelSession) -> Staff:
    """Finds and locks the owner of the session.

    Raises:
        ConflictError: The session is over.
    """
    staff = session.get(Staff, panel_session.staff_id, with_for_update={"key_share": True})
    sessions.hold(session, panel_session)
    if staff is None:
        raise ConflictError("Your session has ended. Please sign in again.")
    return staff


def _was_deleted(session: Session, name: str) -> bool:
    """Tells whether the audit speaks of a deleted member of that name: it must not confuse two people."""
    query = select(AuditEvent.id).where(AuditEvent.action == Action.STAFF_DELETE, AuditEvent.subject == name)
    return session.scalars(query.limit(1)).first() is not None


def _invite(session: Session, staff: Staff, invitation: NewInvitation, now: datetime) -> None:
    session.merge(
        Invitation(staff_id=staff.id, code_hash=invitation.code_hash, expires_at=now + INVITATION_LIFETIME)
    )


def _keep_recovery_codes(session: Session, staff: Staff, recovery: NewRecoveryCodes) -> None:
    forget_recovery_codes(session, staff)
    session.add_all(RecoveryCode(staff_id=staff.id, code_hash=each) for each in recovery.hashes)


def forget_recovery_codes(session: Session, staff: Staff) -> None:
    """Deletes the recovery codes of a member of staff: none counts any more."""
    query = delete(RecoveryCode).where(RecoveryCode.staff_id == staff.id)
    session.execute(query, execution_options=UNSYNCHRONISED)


def _forget_passkeys(session: Session, staff: Staff) -> None:
    query = delete(Passkey).where(Passkey.staff_id == staff.id)
    session.execute(query, execution_options=UNSYNCHRONISED)
