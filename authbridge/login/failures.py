"""The failure store in SQL: failures, known-good pairs and waits of networks in the database.

They survive a restart, and hold for every service process over the same database.
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
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from authbridge.errors import StorageError
from authbridge.login import alarms
from authbridge.login.alarm_rules import Alarm
from authbridge.login.failure_history import Failure, FailureCounts, FailureHistory
from authbridge.login.failure_store import Pair
from authbridge.login.limits import Limits
from authbridge.storage.models import AlarmRaised, KnownNetwork, LoginFailure, NetworkWait, table_of
from authbridge.storage.prepared import Prepared
from authbridge.storage.statements import UNSYNCHRONISED, delete_some, upsert

_NETWORK_LOCKS = 1 << 32  # above those of names
_AHEAD = timedelta(hours=1)  # more than the clocks of two services may differ

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
# During a wait the failures that led to it still count: the last of them raises the alarm.
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


@dataclass(frozen=True, slots=True)
class SqlFailures:
    """The failure store of one transaction (see :class:`authbridge.login.failure_store.FailureStore`)."""

    connection: Connection
    limits: Limits

    def lock_for_recording(self, pair: Pair) -> None:
        """Keeps others from recording for the same name or network until the transaction ends.

        Always the name first: in two orders two transactions could wait for each other (deadlock).  SQLite
        has one writer at a time anyway.
        """
        if self.connection.dialect.name == "postgresql":
            _LOCK.run(
                self.connection,
                name_lock=zlib.crc32(pair.name_key.encode()),
                network_lock=_NETWORK_LOCKS + zlib.crc32((pair.network.key or pair.name_key).encode()),
            )

    def history_of(self, pair: Pair, at: datetime) -> FailureHistory:
        """Returns what is on record about the pair at this moment."""
        network = pair.network
        # A school's own network does not wait, and its failures may be many: here they are not even counted.
        seen_at, waits_until, failures, names = self._network_row(
            pair, None if network.trusted else network.key, at
        )
        return FailureHistory(
            network=network,
            known_good=network.is_device or (seen_at is not None and at - seen_at <= self.limits.known_good),
            failures=self._failures_of(pair.name_key, at),
            network_failures=failures,
            network_names=names,
            network_waits_until=waits_until,
            sign_in_step=pair.sign_in_step,
        )

    def record(self, pair: Pair, failure: Failure) -> int:
        """Records the attempt as a failure; returns its id."""
        row = _RECORD.run(
            self.connection,
            at=failure.at,
            name_key=pair.name_key,
            network=failure.network or "",
            from_unfamiliar_network=failure.from_unfamiliar_network,
            fingerprint=failure.fingerprint,
            wait=round(failure.wait.total_seconds()),
        )
        if row is None:
            message = "The failure was not written."
            raise StorageError(message)
        return int(row[0])

    def retract(self, failure_id: int) -> None:
        """Deletes the record of an attempt whose password has matched."""
        _RETRACT.run(self.connection, failure_id=failure_id)

    def note_success(self, pair: Pair, at: datetime) -> None:
        """Ends the wait of the pair, and makes it known-good; its failures go on counting for the account."""
        _FORGIVE_PAIR.run(self.connection, name_key=pair.name_key, network=pair.network.key or "")
        if pair.known_key is not None:
            _KNOW.run(self.connection, pair_key=pair.known_key, seen_at=at)

    def counts_after(self, pair: Pair, history: FailureHistory, at: datetime) -> FailureCounts:
        """Returns the sums after a failure that was just checked; ``history`` is as it was before it."""
        _, _, failures, names = self._network_row(pair, pair.network.key, at)
        overall = _OVERALL.run(
            self.connection, since=at - self.limits.overall_window, enough=self.limits.overall_alarm + 1
        )
        return FailureCounts(
            account=len(history.failures) + 1,
            network_failures=failures,
            network_names=names,
            overall=0 if overall is None else overall[0],
            sign_in_step=pair.sign_in_step,
        )

    def start_network_wait(self, history: FailureHistory, at: datetime) -> FailureHistory:
        """Makes the network wait from now on, unless it waits already; returns the history after that."""
        if history.network_waits_until is not None and at < history.network_waits_until:
            return history
        until = at + self.limits.network_wait
        _START_WAIT.run(self.connection, network=history.network.key, since=at, until=until)
        return replace(history, network_waits_until=until)

    def alarm_raised_at(self, alarm: Alarm, subject: str) -> datetime | None:
        """Returns when this alarm was last raised; None if never."""
        return alarms.raised_at(self.connection, alarm, subject)

    def _failures_of(self, name_key: str, at: datetime) -> list[Failure]:
        return [
            Failure(
                at=when,
                network=where or None,
                from_unfamiliar_network=from_unfamiliar_network,
                fingerprint=fingerprint,
                wait=timedelta(seconds=wait),
            )
            for when, where, from_unfamiliar_network, fingerprint, wait in _OF_NAME.all(
                self.connection, name_key=name_key, since=at - self.limits.account_window
            )
        ]

    def _network_row(self, pair: Pair, counted: str | None, at: datetime) -> tuple[Any, ...]:
        """Returns: known-good since, wait until, distinct failures and names of the ``counted`` network."""
        row = _OF_NETWORK.run(
            self.connection,
            known_key=pair.known_key,
            network=counted,
            at=at,
            since=at - self.limits.network_window,
        )
        return row or (None, None, 0, 0)


def forget_name(session: Session, name_key: str) -> bool:
    """Deletes the failures of a name; returns whether there were any."""
    return forget_names(session, [name_key])


def forget_names(session: Session, name_keys: Collection[str]) -> bool:
    """Deletes the failures of these names; returns whether there were any."""
    query = delete(LoginFailure).where(LoginFailure.name_key.in_(name_keys)).returning(LoginFailure.id)
    return bool(session.execute(query, execution_options=UNSYNCHRONISED).all())


def clear_network_waits(session: Session, networks: Collection[str], *, now: datetime) -> bool:
    """Ends the waits of the networks and of all pairs there; returns whether there were any."""
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
    """Deletes some of the rows that no rule reads any more; returns whether there may be more.

    Also those that were written while the clock was ahead: a wait would last until then, an alarm stay mute.
    """
    day, week, ahead = limits.account_window, limits.known_good, now + _AHEAD
    is_full = [
        delete_some(session, identity, or_(is_over, began > ahead))
        for identity, is_over, began in (
            (LoginFailure.id, LoginFailure.at <= now - day, LoginFailure.at),
            (KnownNetwork.pair_key, KnownNetwork.seen_at < now - week, KnownNetwork.seen_at),
            (NetworkWait.network, NetworkWait.until <= now - day, NetworkWait.since),
            (AlarmRaised.about, AlarmRaised.at <= now - day, AlarmRaised.at),
        )
    ]
    return any(is_full)
