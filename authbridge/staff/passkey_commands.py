"""Adds and removes one's own passkeys, and lists them."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import ConflictError
from authbridge.staff.commands import hold_own
from authbridge.staff.passkeys import NewPasskey
from authbridge.staff.sessions import PanelSession
from authbridge.storage.models import Passkey
from authbridge.storage.statements import UNSYNCHRONISED

_MOST = 10  # of one person; each is named in every question to the browser


@dataclass(frozen=True, slots=True)
class PasskeyRow:
    """A passkey as its owner sees it in the list."""

    id: int
    label: str
    created_at: datetime
    last_used_on: date | None


def list_passkeys(session: Session, staff_id: int) -> list[PasskeyRow]:
    """Lists the passkeys of a member of staff, oldest first."""
    rows = session.scalars(select(Passkey).where(Passkey.staff_id == staff_id).order_by(Passkey.id))
    return [PasskeyRow(row.id, row.label, row.created_at, row.last_used_on) for row in rows]


def credential_ids(session: Session, staff_id: int) -> list[str]:
    """Returns by which names the authenticators know these passkeys."""
    return list(session.scalars(select(Passkey.credential_id).where(Passkey.staff_id == staff_id)))


def add_passkey(
    session: Session, panel_session: PanelSession, passkey: NewPasskey, *, actor: Actor, now: datetime
) -> None:
    """Adds a passkey to one's own account.

    Raises:
        ConflictError: The session is over, the passkey is known already, or there are ten.
    """
    staff = hold_own(session, panel_session)
    if len(credential_ids(session, staff.id)) >= _MOST:
        raise ConflictError("There are ten passkeys already. Please remove one first.")
    is_known = select(Passkey.id).where(Passkey.credential_id == passkey.credential_id)
    if session.scalars(is_known).first() is not None:
        raise ConflictError("This passkey is registered already.")
    session.add(
        Passkey(
            staff_id=staff.id,
            label=passkey.label,
            credential_id=passkey.credential_id,
            public_key=passkey.public_key,
            sign_count=passkey.sign_count,
            created_at=now,
        )
    )
    record(session, actor=actor, action=Action.STAFF_ADD_PASSKEY, subject=staff.name, now=now)


def remove_passkey(
    session: Session, panel_session: PanelSession, passkey_id: int, *, actor: Actor, now: datetime
) -> bool:
    """Removes one of one's own passkeys; returns whether there was one.

    Raises:
        ConflictError: The session is over.
    """
    staff = hold_own(session, panel_session)
    query = delete(Passkey).where(Passkey.id == passkey_id, Passkey.staff_id == staff.id)
    result = session.execute(query, execution_options=UNSYNCHRONISED)
    assert isinstance(result, CursorResult)  # noqa: S101 - as of every DELETE
    if not result.rowcount:
        return False
    record(session, actor=actor, action=Action.STAFF_REMOVE_PASSKEY, subject=staff.name, now=now)
    return True
