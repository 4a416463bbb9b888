"""The state of the login policy in the database: who failed from where, who is known where, who waits.

Each attempt that is about to be hashed is written down as the failure that it is until its password has
matched, so that parallel guesses see one another; the rows decide, in whichever process they are read.
"""

import zlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    bindparam,
    delete,
    distinct,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session

from authbridge.errors import StorageError
from authbridge.login.policy import Failure, FailureCounts, FailureHistory, Limits, Network, SignInStep
from authbridge.storage.models import AlarmRaised, KnownNetwork, LoginFailure, NetworkWait, table_of
from authbridge.storage.prepared import Prepared
from authbridge.storage.statements import UNSYNCHRONISED, delete_some, upsert


@dataclass(frozen=True, slots=True)
class Pair:
    """Who tries from where, as the tables have it: keyed hashes, and the network in clear.

    ``known_key`` names the address even of a device: who came in with it is known there without it, too.
    """

    name_key: str
    known_key: str | None  # None where the network is unknown
    network: Network
    sign_in_step: SignInStep | None = None  # of the panel


_NETWORK_LOCKS = 1 << 32  # above those of names

_failures, _known, _waits = table_of(LoginFailure), table_of(KnownNetwork), table_of(NetworkWait)

_OF_NAME = Prepared(
    select(
        _failures.c.at,
        _failures.c.network,
        _failures.c.from_unfamiliar_network,
        _failures.c.fingerprint,
        _failures.c.wait,
    )
    .where(_failures.c.name_key == bindparam("name_key"), _failures.c.at > bindparam("since"))
    .order_by(_failures.c.at, _failures.c.id)
)
_wait_end = select(_waits.c.until).where(_waits.c.network == bindparam("network"))
# Of a wait that goes on, the failures that led to it still count: the last of them is to tell staff.
_ended = _wait_end.where(_waits.c.until <= bindparam("at")).scalar_subquery()
_OF_NETWORK = Prepared(
    select(
        select(_known.c.seen_at).where(_known.c.pair_key == bindparam("known_key")).scalar_subquery(),
        _wait_end.scalar_subquery(),
        func.count(),
        func.count(distinct(_failures.c.name_key)),
    ).where(
        _failures.c.network == bindparam("network"),
        _failures.c.fingerprint.is_not(None),
        _failures.c.at > bindparam("since"),
        _failures.c.at >= func.coalesce(_ended, bindparam("since", type_=_failures.c.at.type)),
    )
)
_RECORD = Prepared(
    insert(_failures)
    .values({column.name: bindparam(column.name) for column in _failures.c if not column.primary_key})
    .returning(_failures.c.id)
)
_RETRACT = Prepared(delete(_failures).where(_failures.c.id == bindparam("failure_id")))
_FORGIVE_PAIR = Prepared(
    update(_failures)
    .where(
        _failures.c.name_key == bindparam("name_key"),
        _failures.c.network == bindparam("network"),
        _failures.c.fingerprint.is_not(None),
    )
    .values(fingerprint=None, wait=0)
)
_KNOW = Prepared(upsert(_known, key=("pair_key",), changed=("seen_at",)))
# A wait never moves its own end.
_START_WAIT = Prepared(
    upsert(_waits, key=("network",), changed=("since", "until"), where=_waits.c.until <= bindparam("since"))
)
_LOCK = Prepared(
    select(
        func.pg_advisory_xact_lock(bindparam("name_lock", type_=BigInteger)),
        func.pg_advisory_xact_lock(bindparam("network_lock", type_=BigInteger)),
    )
)
_OVERALL = Prepared(
    select(func.count()).select_from(
        select(_failures.c.id)
        .where(_failures.c.at > bindparam("since"))
        .limit(bindparam("enough", type_=Integer))
        .subquery()
    )
)


def history_of(connection: Connection, pair: Pair, at: datetime, limits: Limits) -> FailureHistory:
    """What is known about the pair at this moment."""
    network = pair.network
    # A school's own network does not wait, and its failures may be many: here they are not even counted.
    seen_at, waits_until, failures, names = _row_of_network(
        connection, pair, None if network.trusted else network.key, at, limits
    )
    rows = _OF_NAME.all(
        connection, name_key=pair.name_key, since=at - timedelta(seconds=limits.account_window)
    )
    return FailureHistory(
        network=network,
        known_good=network.is_device
        or (seen_at is not None and at - seen_at <= timedelta(seconds=limits.known_good)),
        failures=[
            Failure(
                at=when,
                network=where or None,
                from_unfamiliar_network=from_unfamiliar_network,
                fingerprint=fingerprint,
                wait=wait,
            )
            for when, where, from_unfamiliar_network, fingerprint, wait in rows
        ],
        network_failures=failures,
        network_names=names,
        network_waits_until=waits_until,
        sign_in_step=pair.sign_in_step,
    )


def lock_for_recording(connection: Connection, pair: Pair) -> None:
    """Keeps other processes from recording for the same name or network until the transaction ends.

    Always the name first, so that no two wait for each other.  SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        _LOCK.run(
            connection,
            name_lock=zlib.crc32(pair.name_key.encode()),
            network_lock=_NETWORK_LOCKS + zlib.crc32((pair.network.key or pair.name_key).encode()),
        )


def record(connection: Connection, pair: Pair, failure: Failure) -> int:
    """Writes the attempt down as a failure; returns its id."""
    row = _RECORD.run(
        connection,
        at=failure.at,
        name_key=pair.name_key,
        network=failure.network or "",
        from_unfamiliar_network=failure.from_unfamiliar_network,
        fingerprint=failure.fingerprint,
        wait=failure.wait,
    )
    if row is None:
        message = "The failure was not written."
        raise StorageError(message)
    return int(row[0])


def retract(connection: Connection, failure_id: int) -> None:
    """The password matched: it was no failure."""
    _RETRACT.run(connection, failure_id=failure_id)


def note_success(connection: Connection, pair: Pair, at: datetime) -> None:
    """The pair waits no longer, its failures count for the account only, and its network is known-good."""
    _FORGIVE_PAIR.run(connection, name_key=pair.name_key, network=pair.network.key or "")
    if pair.known_key is not None:
        _KNOW.run(connection, pair_key=pair.known_key, seen_at=at)


def counts_after(
    connection: Connection, pair: Pair, history: FailureHistory, at: datetime, limits: Limits
) -> FailureCounts:
    """What the failure that was just checked adds up to; ``history`` is as it was before it."""
    _, _, failures, names = _row_of_network(connection, pair, pair.network.key, at, limits)
    overall = _OVERALL.run(
        connection, since=at - timedelta(seconds=limits.overall_window), enough=limits.overall_alarm + 1
    )
    return FailureCounts(
        account=len(history.failures) + 1,
        network_failures=failures,
        network_names=names,
        overall=0 if overall is None else overall[0],
        sign_in_step=pair.sign_in_step,
    )


def start_network_wait(
    connection: Connection, history: FailureHistory, at: datetime, limits: Limits
) -> FailureHistory:
    """The network waits from now on, unless it does already; returns how things stand then."""
    if history.network_waits_until is not None and at < history.network_waits_until:
        return history
    until = at + timedelta(seconds=limits.network_wait)
    _START_WAIT.run(connection, network=history.network.key, since=at, until=until)
    return replace(history, network_waits_until=until)


def _row_of_network(
    connection: Connection, pair: Pair, counted: str | None, at: datetime, limits: Limits
) -> tuple[Any, ...]:
    row = _OF_NETWORK.run(
        connection,
        known_key=pair.known_key,
        network=counted,
        at=at,
        since=at - timedelta(seconds=limits.network_window),
    )
    return row or (None, None, 0, 0)


def forget_name(session: Session, name_key: str) -> bool:
    """Nobody ever failed under this name; returns whether that changed anything."""
    query = delete(LoginFailure).where(LoginFailure.name_key == name_key).returning(LoginFailure.id)
    return bool(session.execute(query, execution_options=UNSYNCHRONISED).all())


def clear_network_waits(session: Session, networks: Collection[str], *, now: datetime) -> bool:
    """Neither the networks nor the pairs there wait any longer; returns whether that changed anything."""
    ended = session.execute(
        update(NetworkWait)
        .where(NetworkWait.network.in_(networks), NetworkWait.until > now)
        .values(until=now)
        .returning(NetworkWait.network),
        execution_options=UNSYNCHRONISED,
    ).all()
    forgiven = session.execute(
        update(LoginFailure)
        .where(LoginFailure.network.in_(networks), LoginFailure.fingerprint.is_not(None))
        .values(fingerprint=None, wait=0)
        .returning(LoginFailure.id),
        execution_options=UNSYNCHRONISED,
    ).all()
    return bool(ended or forgiven)


def purge_batch(session: Session, *, now: datetime, limits: Limits) -> bool:
    """Deletes some of what no rule looks at any more; returns whether there may be more."""
    day = timedelta(seconds=limits.account_window)
    week = timedelta(seconds=limits.known_good)
    is_full = [
        delete_some(session, LoginFailure.id, LoginFailure.at <= now - day),
        delete_some(session, KnownNetwork.pair_key, KnownNetwork.seen_at < now - week),
        delete_some(session, NetworkWait.network, NetworkWait.until <= now - day),
        delete_some(session, AlarmRaised.about, AlarmRaised.at <= now - day),
    ]
    return any(is_full)
