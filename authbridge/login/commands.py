"""Ends lockouts at the command of staff, of a name or a network; notes that they look at the journal."""

import ipaddress
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import InputError
from authbridge.login import alarms, failures, usernames
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.networks import at_panel, network_of
from authbridge.login.staff_names import STAFF_PREFIX, counted_names
from authbridge.storage.models import AuditEvent, Organiser, School, Staff

_UNKNOWN = "unknown name"  # which no name can be; what was typed may be a password
_JOURNAL = "journal"
_ONE_LOOK = timedelta(minutes=10)  # within which the pages of one list are one look


def note_look(session: Session, wanted: Mapping[str, str], *, actor: Actor, now: datetime) -> bool:
    """Notes that staff look at the journal, and for what; returns whether that is a new look.

    ``wanted`` has no text that names nobody: it may be a password.
    """
    query = select(AuditEvent.detail).where(
        AuditEvent.subject == _JOURNAL,
        AuditEvent.action == Action.JOURNAL_LOOK,
        AuditEvent.actor == actor,
        AuditEvent.at > now - _ONE_LOOK,
    )
    if dict(wanted) in session.scalars(query):
        return False
    record(session, actor=actor, action=Action.JOURNAL_LOOK, subject=_JOURNAL, now=now, **wanted)
    return True


def clear_name(
    session: Session, typed: str, *, keyed_hashes: KeyedHashes, actor: Actor, now: datetime
) -> bool:
    """Deletes the failures of a name, also of an unknown username; returns whether there were any.

    ``staff:anna`` stands for a member of staff and their failures at every step of the sign-in.
    """
    username = usernames.normalise_username(typed)
    if username.startswith(STAFF_PREFIX):
        return _clear_staff(session, username.removeprefix(STAFF_PREFIX), keyed_hashes, actor, now)
    if not failures.forget_name(session, keyed_hashes.name(username)):
        return False
    alarms.forget(session, username)
    is_ours = session.scalar(select(Organiser.id).where(Organiser.username == username)) is not None
    subject = username if is_ours else _UNKNOWN
    record(session, actor=actor, action=Action.ORGANISER_CLEAR_LOCKOUT, subject=subject, now=now)
    return True


def _clear_staff(session: Session, name: str, keyed_hashes: KeyedHashes, actor: Actor, now: datetime) -> bool:
    changed = [failures.forget_name(session, keyed_hashes.name(counted)) for counted in counted_names(name)]
    if not any(changed):
        return False
    is_ours = session.scalar(select(Staff.id).where(Staff.name == name)) is not None
    subject = name if is_ours else _UNKNOWN
    alarms.forget_staff(session, subject)
    record(session, actor=actor, action=Action.STAFF_CLEAR_LOCKOUT, subject=subject, now=now)
    return True


def clear_network(session: Session, typed: str, *, of_staff_too: bool, actor: Actor, now: datetime) -> bool:
    """Ends the waits of a network and of all pairs there; returns whether there were any.

    At Prosody, and ``of_staff_too`` at the panel: only for those who may help their colleagues there.
    ``typed`` is an address in it, or the network as the list shows it.  Raises :class:`InputError`.  The
    failures still count for their accounts.
    """
    keys = _keys_of(session, typed)
    if of_staff_too:
        keys |= set(map(at_panel, keys))
    if not failures.clear_network_waits(session, keys, now=now):
        return False
    record(session, actor=actor, action=Action.NETWORK_CLEAR_LOCKOUT, subject=typed.strip(), now=now)
    return True


def _keys_of(session: Session, typed: str) -> set[str]:
    try:
        network = ipaddress.ip_network(typed.strip(), strict=False)
    except ValueError:
        message = f"“{typed}” is no address, such as 198.51.100.7 or 2001:db8:12::1."
        raise InputError(message) from None
    if network.num_addresses > 1:
        return {str(network)}
    keys = {network_of(network.network_address).key}
    for own_networks in session.scalars(select(School.trusted_networks)):
        keys.add(network_of(network.network_address, own_networks).key)
    return {key for key in keys if key is not None}
