"""Seals second factors under a new secret key, while the secret key file has the former one too.

Keyed hashes cannot be made anew without what they are of: recovery codes of before are void, and are deleted.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.staff.commands import forget_recovery_codes
from authbridge.staff.encryption import StaffEncryption
from authbridge.staff.members import get_staff
from authbridge.storage.models import Staff


def not_current(session: Session, encryption: StaffEncryption) -> list[str]:
    """Returns the names of those whose second factor is not sealed under the present secret key."""
    rows = session.execute(select(Staff.name, Staff.factor_secret).order_by(Staff.name))
    return [name for name, sealed in rows if sealed is not None and not encryption.is_current(sealed)]


def reseal(session: Session, name: str, encryption: StaffEncryption, *, actor: Actor, now: datetime) -> bool:
    """Seals a second factor under the present secret key; returns whether it was under the former one.

    Raises:
        NotFoundError: There is no such member of staff.
        ConfigError: It was sealed under neither; nothing is changed.
    """
    staff = get_staff(session, name, lock=True)
    if staff.factor_secret is None or encryption.is_current(staff.factor_secret):
        return False
    staff.factor_secret = encryption.seal(encryption.unseal(staff.factor_secret))
    forget_recovery_codes(session, staff)
    record(session, actor=actor, action=Action.STAFF_RESEAL, subject=staff.name, now=now)
    return True
