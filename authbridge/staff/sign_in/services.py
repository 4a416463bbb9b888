"""The parts of a panel process that every sign-in needs, and the transactions in which one is decided."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from authbridge.clock import utc_now
from authbridge.config import Config
from authbridge.login import alarms
from authbridge.login.alarm_rules import DueAlarm
from authbridge.login.failure_history import SignInStep
from authbridge.login.failures import SqlFailures
from authbridge.login.hashing_queue import HashingQueue
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.networks import IPAddress
from authbridge.login.password_cache import PasswordCache
from authbridge.login.passwords import Hasher
from authbridge.login.policy import Decision
from authbridge.login.subjects import QueueServices
from authbridge.staff.encryption import StaffEncryption
from authbridge.staff.password_rules import STAFF_COST
from authbridge.staff.sign_in.refusals import RefusedSignIns, note_refusal
from authbridge.storage.database import Database

_QUEUE = 4  # sign-ins that wait for their hash; more would take the panel's threads from those signed in


@dataclass(frozen=True, slots=True)
class StaffFailures(SqlFailures):
    """The failure store of a transaction that also reads and changes staff."""

    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInServices(QueueServices[StaffFailures]):
    """The parts of a panel process; ``run_later`` runs a task once the answer need not wait for it."""

    database: Database
    timezone: ZoneInfo
    encryption: StaffEncryption
    run_later: Callable[[alarms.Task], object] = alarms.at_once
    refused: RefusedSignIns = field(default_factory=RefusedSignIns)

    @contextmanager
    def read(self) -> Iterator[StaffFailures]:
        """Opens a transaction that only reads."""
        with self.database.read_session() as session:
            yield StaffFailures(session.connection(), self.limits, session)

    @contextmanager
    def write(self) -> Iterator[StaffFailures]:
        """Opens a short transaction, committed at the end of the block."""
        with self.database.write_session() as session:
            yield StaffFailures(session.connection(), self.limits, session)

    def raise_alarms(self, due: list[DueAlarm], now: datetime) -> None:
        """Raises alarms after the answer, which must not take longer for names that exist."""
        if due:
            self.run_later(partial(alarms.try_to_raise, self.database, due, now=now, limits=self.limits))

    def note_refusal(self, step: SignInStep, decision: Decision) -> None:
        """Notes in the audit, after the answer, that a sign-in was refused; each step once in a while."""
        now = self.clock()
        if self.refused.is_due(step, decision, now=now):
            self.run_later(partial(note_refusal, self.database, step, now))


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a sign-in: ``ip`` is None where unknown, ``device`` is the cookie of a known device."""

    ip: IPAddress | None
    user_agent: str | None
    device: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision, and the new token if it opens something; ``recovered``: by a recovery code.

    ``device`` is the cookie that the browser shows from now on, None where it has a valid one already.
    ``drift`` is by how much the app's clock is ahead (negative: behind), where a code was refused for it.
    """

    decision: Decision
    token: str | None = field(default=None, repr=False)
    recovered: bool = False
    device: str | None = field(default=None, repr=False)
    drift: timedelta | None = None


def sign_in_services_of(config: Config, database: Database) -> SignInServices:
    """Returns the parts of a panel in production; takes the time of one hash."""
    hasher = Hasher(STAFF_COST)
    cores = len(os.sched_getaffinity(0))
    return SignInServices(
        database=database,
        hasher=hasher,
        clock=utc_now,
        timezone=config.timezone,
        limits=config.limits,
        keyed_hashes=KeyedHashes(config.secret_key),
        encryption=StaffEncryption(config.secret_key, config.former_secret_key),
        password_cache=PasswordCache(config.limits, remember=False),
        hashing_queue=HashingQueue(cores, typical=hasher.measure(), most=cores + _QUEUE),
        run_later=alarms.after_the_answer(),
    )
