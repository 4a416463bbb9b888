"""Gives out what is kept about an account, and notes in the audit that it was given out."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.data_protection.account_access import AccountAccess, AccountData, account_data
from authbridge.schools.lookup import get_organiser
from authbridge.storage.models import AuditEvent

_ONE_ACCESS = timedelta(minutes=10)  # within which the page and its file are one access


def give_account_data(
    session: Session,
    username: str,
    access: AccountAccess,
    *,
    actor: Actor,
    now: datetime,
) -> AccountData:
    """Returns everything that is kept about an account; its audit says that it was given out, too.

    The same person's page and file within ten minutes are one event.

    Raises:
        NotFoundError: There is no such organiser.
    """
    organiser = get_organiser(session, username)
    if not _is_noted(session, organiser.username, addresses=access.addresses, actor=actor, now=now):
        record(
            session,
            actor=actor,
            action=Action.ORGANISER_EXPORT,
            subject=organiser.username,
            now=now,
            addresses=access.addresses,
        )
        session.flush()
    return account_data(session, organiser, access, now=now)


def _is_noted(session: Session, username: str, *, addresses: bool, actor: Actor, now: datetime) -> bool:
    query = select(AuditEvent.detail).where(
        AuditEvent.subject == username,
        AuditEvent.action == Action.ORGANISER_EXPORT,
        AuditEvent.actor == actor,
        AuditEvent.at > now - _ONE_ACCESS,
    )
    return {"addresses": addresses} in session.scalars(query)
