"""Ending waits: by people, for a name or for a network."""

import ipaddress
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge import alarms, ledger, usernames
from authbridge.addresses import network_of
from authbridge.audit import Action, Actor, record
from authbridge.errors import InputError
from authbridge.models import Organiser, School
from authbridge.traces import Traces

_NOBODY = "unknown-name"  # what was typed may be a password


def clear_name(session: Session, typed: str, *, traces: Traces, actor: Actor, now: datetime) -> bool:
    """Forgets the failures of a name, also of one that is nobody's; returns whether there were any."""
    username = usernames.canonical(typed, host="")
    if not ledger.forget_name(session, traces.name(username)):
        return False
    alarms.forget(session, username)
    is_ours = session.scalar(select(Organiser.id).where(Organiser.username == username)) is not None
    subject = username if is_ours else _NOBODY
    record(session, actor=actor, action=Action.ORGANISER_CLEAR_LOCKOUT, subject=subject, now=now)
    return True


def clear_network(session: Session, typed: str, *, actor: Actor, now: datetime) -> bool:
    """Ends the wait of a network and of all pairs there; returns whether that changed anything.

    ``typed`` is an address in it, or the network as the list shows it.  Raises :class:`InputError`.  The
    failures still count for their accounts.
    """
    if not ledger.forgive_networks(session, _keys_of(session, typed), now=now):
        return False
    record(session, actor=actor, action=Action.NETWORK_CLEAR_LOCKOUT, subject=typed.strip(), now=now)
    return True


def _keys_of(session: Session, typed: str) -> set[str]:
    try:
        network = ipaddress.ip_network(typed.strip(), strict=False)
    except ValueError:
        message = f"“{typed}” is no address, such as 198.51.100.7 or 2001:db8:12::1."
        raise InputError(message) from None
    address = str(network.network_address)
    if network.num_addresses > 1:
        return {str(network)}
    keys = {network_of(address).key}
    for own_networks in session.scalars(select(School.trusted_networks)):
        keys.add(network_of(address, own_networks).key)
    return {key for key in keys if key is not None}
