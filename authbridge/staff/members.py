"""Lists and finds members of staff, and tells whether they can sign in; changes nothing."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authbridge.errors import NotFoundError
from authbridge.login import staff_names
from authbridge.storage.models import Invitation, RecoveryCode, Role, Staff


class StaffState(StrEnum):
    """Whether a member of staff can sign in."""

    ACTIVE = "active"
    INVITED = "invited"
    INVITATION_EXPIRED = "invitation-expired"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class StaffRow:
    """A member of staff in a list; ``invited_until`` is None where no invitation is open."""

    name: str
    role: Role
    state: StaffState
    last_sign_in_on: date | None
    enrolled_at: datetime | None
    invited_until: datetime | None


def list_staff(session: Session, *, now: datetime) -> list[StaffRow]:
    """Lists all staff, by name."""
    query = select(Staff, Invitation.expires_at).outerjoin(Invitation).order_by(Staff.name)
    return [_row(staff, expires_at, now) for staff, expires_at in session.execute(query)]


def staff_row(session: Session, name: str, *, now: datetime) -> StaffRow:
    """Returns one member of staff as lists show them.

    Raises:
        NotFoundError: There is none of that name.
    """
    staff = get_staff(session, name)
    invitation = session.get(Invitation, staff.id)
    return _row(staff, None if invitation is None else invitation.expires_at, now)


def find_staff(session: Session, name: str, *, lock: bool = False) -> Staff | None:
    """Finds the member of staff of that canonical name; ``lock`` keeps others from changing them."""
    query = select(Staff).where(Staff.name == name)
    return session.scalars(query.with_for_update(key_share=True) if lock else query).one_or_none()


def get_staff(session: Session, name: str, *, lock: bool = False) -> Staff:
    """Finds the member of staff of that name as typed; ``lock`` keeps others from changing them.

    Raises:
        NotFoundError: There is none.
    """
    staff = find_staff(session, staff_names.normalise_staff_name(name), lock=lock)
    if staff is None:
        raise NotFoundError("There is no staff member “%(name)s”.", name=name)
    return staff


def count_recovery_codes(session: Session, staff_id: int) -> int:
    """Counts the recovery codes that are left."""
    return session.scalar(select(func.count(RecoveryCode.id)).where(RecoveryCode.staff_id == staff_id)) or 0


def _row(staff: Staff, expires_at: datetime | None, now: datetime) -> StaffRow:
    invited_until = expires_at if expires_at is not None and now < expires_at else None
    return StaffRow(
        name=staff.name,
        role=Role(staff.role),
        state=_state(staff, invited_until),
        last_sign_in_on=staff.last_sign_in_on,
        enrolled_at=staff.enrolled_at,
        invited_until=invited_until,
    )


def _state(staff: Staff, invited_until: datetime | None) -> StaffState:
    if staff.suspended_at is not None:
        return StaffState.SUSPENDED
    if staff.enrolled_at is not None:
        return StaffState.ACTIVE
    return StaffState.INVITATION_EXPIRED if invited_until is None else StaffState.INVITED
