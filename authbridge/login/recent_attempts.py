"""Reads the logins of one organiser, and of names that nearly are one, out of the journal; changes nothing.

``since`` is the end of the retention: what is older is not read, even if its deletion is late.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authbridge.login.attempts import TOKEN
from authbridge.login.diagnosis import LoginOutcome, MisspeltName, NetworkKind, RecentAttempt, outcome_of
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.near_names import names_one_slip_away
from authbridge.login.networks import network_of, parse_address
from authbridge.login.usernames import normalise_username
from authbridge.storage.models import LoginAttempt, Organiser, RejectedAttempts

MOST_READ = 1000  # rows of each kind; a login waits after a hundred wrong passwords a day


@dataclass(frozen=True, slots=True)
class TriedName:
    """An unknown username that was tried, and the existing ones that are one slip away from it."""

    misspelt: MisspeltName
    near: tuple[str, ...]


def attempts_of(session: Session, organiser: Organiser, *, since: datetime) -> list[RecentAttempt]:
    """Returns the logins of an organiser, oldest first."""
    own_networks = organiser.school.trusted_networks
    checked = (
        RecentAttempt(at, outcome_of(verdict), _kind_of_address(ip, own_networks))
        for at, verdict, ip in session.execute(
            select(LoginAttempt.at, LoginAttempt.verdict, LoginAttempt.ip)
            .where(
                LoginAttempt.organiser_id == organiser.id,
                LoginAttempt.at >= since,
                LoginAttempt.transport != TOKEN,
            )
            .order_by(LoginAttempt.at.desc())
            .limit(MOST_READ)
        )
    )
    rejected = session.scalars(
        select(RejectedAttempts)
        .where(RejectedAttempts.organiser_id == organiser.id, RejectedAttempts.minute >= since)
        .order_by(RejectedAttempts.minute.desc())
        .limit(MOST_READ)
    )
    counted = (each for row in rejected for each in _counted(row, own_networks))
    return sorted([*checked, *counted], key=lambda attempt: attempt.at)


def _counted(row: RejectedAttempts, own_networks: list[str]) -> Iterator[RecentAttempt]:
    kind = _kind_of_network(row.network, own_networks)
    for outcome, count in (
        (LoginOutcome.WRONG_PASSWORD, row.repeated),
        (LoginOutcome.WAITED, row.locked),
        (LoginOutcome.BUSY, row.unavailable),
    ):
        if count:
            yield RecentAttempt(row.minute, outcome, kind, count)


def _kind_of_address(ip: str | None, own_networks: list[str]) -> NetworkKind:
    network = network_of(parse_address(ip), own_networks)
    return _kind_of_network(network.key or "", own_networks)


def _kind_of_network(key: str, own_networks: list[str]) -> NetworkKind:
    if not key:
        return NetworkKind.UNKNOWN
    return NetworkKind.OWN if key in own_networks else NetworkKind.OTHER


def misspelt_name_of(
    session: Session, username: str, keyed_hashes: KeyedHashes, *, since: datetime
) -> MisspeltName | None:
    """Returns the unknown username, one slip away from this one, that was tried last; None if none was."""
    found = _tried(session, names_one_slip_away(username), keyed_hashes, since)
    return max(found, key=lambda name: name.last, default=None)


def tried_name(
    session: Session, typed: str, keyed_hashes: KeyedHashes, *, host: str, since: datetime
) -> TriedName | None:
    """Returns when a typed username was last tried; None unless it is one slip away from an existing one.

    For any other text nobody may ask: it may be a password that somebody typed into the wrong field.
    """
    name = normalise_username(typed, host)
    near = _existing(session, names_one_slip_away(name))
    if not near:
        return None
    found = _tried(session, {name}, keyed_hashes, since)
    return TriedName(found[0], near) if found else None


def _existing(session: Session, names: set[str]) -> tuple[str, ...]:
    if not names:
        return ()
    query = select(Organiser.username).where(Organiser.username.in_(names)).order_by(Organiser.username)
    return tuple(session.scalars(query))


def _tried(
    session: Session, names: set[str], keyed_hashes: KeyedHashes, since: datetime
) -> list[MisspeltName]:
    by_hash = {keyed_hashes.name(name): name for name in names}
    rows = session.execute(
        select(LoginAttempt.unknown_name, func.max(LoginAttempt.at))
        .where(LoginAttempt.unknown_name.in_(by_hash), LoginAttempt.at >= since)
        .group_by(LoginAttempt.unknown_name)
    )
    return [MisspeltName(by_hash[key or ""], last) for key, last in rows]
