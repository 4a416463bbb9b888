"""Authenticates organisers: the login flow over the database, with the journal of logins."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, update

from authbridge.login import alarms, credentials, flow, journal, policy, synthetic_accounts
from authbridge.login.alarm_rules import DueAlarm
from authbridge.login.attempts import Attempt, Origin
from authbridge.login.failures import SqlFailures
from authbridge.login.meter import LoginMeter
from authbridge.login.networks import network_of
from authbridge.login.policy import Decision, Verdict
from authbridge.login.rejections import Rejected, Rejections
from authbridge.login.subjects import Checked, Credential, Judgement, Login, QueueServices
from authbridge.storage.database import Database
from authbridge.storage.models import Organiser, table_of
from authbridge.storage.prepared import Prepared

_organisers = table_of(Organiser)
_RENEW_HASH = Prepared(
    update(_organisers)
    .where(
        _organisers.c.id == bindparam("organiser_id"),
        _organisers.c.credential_version == bindparam("checked_version"),
    )
    .values(password_hash=bindparam("renewed"), quick_check=bindparam("renewed_check"))
)
_KINDS = {Verdict.REFUSED: "repeated", Verdict.LOCKED: "locked", Verdict.UNAVAILABLE: "unavailable"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginServices(QueueServices[SqlFailures]):
    """The parts of a service process that every login needs; ``host`` is the VirtualHost it answers for.

    ``run_later`` runs a task once the answer need not wait for it.
    """

    database: Database
    timezone: ZoneInfo
    host: str
    meter: LoginMeter = field(default_factory=LoginMeter)
    rejections: Rejections = field(default_factory=Rejections)
    run_later: Callable[[alarms.Task], object] = alarms.at_once

    @contextmanager
    def read(self) -> Iterator[SqlFailures]:
        """Opens a transaction that only reads."""
        with self.database.read_connection() as connection:
            yield SqlFailures(connection, self.limits)

    @contextmanager
    def write(self) -> Iterator[SqlFailures]:
        """Opens a short transaction, committed at the end of the block."""
        with self.database.write_connection() as connection:
            yield SqlFailures(connection, self.limits)

    def raise_alarms(self, due: list[DueAlarm], now: datetime) -> None:
        """Raises alarms after the answer, which must not take longer for names that exist."""
        if due:
            self.run_later(partial(alarms.try_to_raise, self.database, due, now=now, limits=self.limits))


def authenticate(attempt: Attempt, origin: Origin, services: LoginServices, *, within: float) -> Decision:
    """Decides whether this organiser may open a meeting now; ``within``: seconds that Prosody waits.

    Raises:
        StorageError: the database does not answer; nobody gets in without it.
    """
    with services.database.read_connection() as connection:
        subject = _recognise(connection, attempt, origin, services)
    return flow.authenticate(subject, services, within=within)


@dataclass(slots=True)
class _OrganiserLogin:
    """The subject of one attempt at Prosody; ``found`` is None for an unknown username."""

    login: Login
    attempt: Attempt
    origin: Origin
    found: credentials.OrganiserCredential | None
    services: LoginServices
    attempt_id: int | None = None  # in the journal, while the password is checked

    def open(self, store: SqlFailures) -> Credential | None:
        found = credentials.find_credential(store.connection, self.attempt.username)
        self.attempt_id = journal.open_attempt(store.connection, self._entry(found))
        return None if found is None else _credential_for(self.attempt, found, self.services)

    def judge(self, store: SqlFailures, checked: Checked, now: datetime) -> Judgement:
        today = now.astimezone(self.services.timezone).date()
        current = credentials.find_credential(store.connection, self.attempt.username, lock=True)
        decision = policy.judge(
            None if current is None else current.account, checked_version=checked.version, today=today
        )
        if self.attempt_id is None:
            journal.write_attempt(store.connection, self._entry(current), decision, now=now)
        else:
            journal.close_attempt(store.connection, self.attempt_id, decision, now=now)
        if current is None:
            return Judgement(decision, None)
        if decision.verdict is Verdict.GRANTED:
            if current.last_login_on != today:
                journal.date_login(store.connection, current.organiser_id, today)
            _renew_hash(store.connection, current, checked)
        return Judgement(decision, self.attempt.username)

    def reject(self, decision: Decision) -> None:
        organiser_id = None if self.found is None else self.found.organiser_id
        rejected = Rejected(organiser_id, self.login.pair.network.key)
        self.services.rejections.count(rejected, _KINDS[decision.verdict], self.services.clock())

    def _entry(self, found: credentials.OrganiserCredential | None) -> journal.Entry:
        return journal.Entry(
            self.attempt,
            self.origin,
            organiser_id=None if found is None else found.organiser_id,
            unknown_name=self.login.pair.name_key if found is None else None,
        )


@dataclass(slots=True)
class _SyntheticLogin:
    """The subject of an attempt with the account of a synthetic login.

    It takes every step that an organiser's takes, writes what that writes, and takes it back with the
    verdict: nothing of it counts, and nothing of it is shown as if a person had tried.
    """

    login: Login
    attempt: Attempt
    origin: Origin
    services: LoginServices
    attempt_id: int | None = None  # in the journal, while the password is checked

    def open(self, store: SqlFailures) -> Credential | None:
        entry = journal.Entry(self.attempt, self.origin, organiser_id=None, unknown_name=None)
        self.attempt_id = journal.open_attempt(store.connection, entry)
        return synthetic_accounts.find_credential(
            store.connection, self.attempt.username, at=self.services.clock()
        )

    def judge(self, store: SqlFailures, checked: Checked, now: datetime) -> Judgement:
        if self.attempt_id is not None:
            journal.discard_attempt(store.connection, self.attempt_id)
        if checked.recorded is not None:
            store.retract(checked.recorded.failure_id)
        version = checked.version
        if version is not None and not synthetic_accounts.use_up(
            store.connection, self.attempt.username, at=now
        ):
            version = None
        today = now.astimezone(self.services.timezone).date()
        return Judgement(policy.judge(synthetic_accounts.ACCOUNT, checked_version=version, today=today), None)

    def reject(self, decision: Decision) -> None:
        """Counts nothing: the run itself says what it was told."""


def _recognise(
    connection: Connection, attempt: Attempt, origin: Origin, services: LoginServices
) -> _OrganiserLogin | _SyntheticLogin:
    found = credentials.find_credential(connection, attempt.username)
    if found is None and synthetic_accounts.is_synthetic(attempt.username):
        synthetic = synthetic_accounts.find_credential(connection, attempt.username, at=services.clock())
        if synthetic is not None:
            return _synthetic(attempt, origin, synthetic, services)
    # A school's own networks are trusted for every name that begins with its code, existing or not: else the
    # waits would tell the names that exist.
    networks = credentials.school_networks(connection, attempt.username.partition("-")[0])
    network = network_of(attempt.ip, networks if found is None else {*networks, *found.school_networks})
    credential = None if found is None else _credential_for(attempt, found, services)
    pair = flow.pair_of(attempt.username, network, services, known_network=network.key)
    login = flow.recognise(attempt.username, attempt.password, credential, pair, services)
    return _OrganiserLogin(login, attempt, origin, found, services)


def _synthetic(
    attempt: Attempt, origin: Origin, credential: Credential, services: LoginServices
) -> _SyntheticLogin:
    pair = flow.pair_of(attempt.username, network_of(attempt.ip), services, known_network=None)
    login = flow.recognise(attempt.username, attempt.password, credential, pair, services)
    return _SyntheticLogin(login, attempt, origin, services)


def _credential_for(
    attempt: Attempt, found: credentials.OrganiserCredential, services: LoginServices
) -> Credential:
    today = services.clock().astimezone(services.timezone).date()
    return credentials.choose_credential(found, attempt.password, services.hasher.differs, today)


def _renew_hash(connection: Connection, current: credentials.OrganiserCredential, checked: Checked) -> None:
    if checked.renewed is not None:
        _RENEW_HASH.run(
            connection,
            organiser_id=current.organiser_id,
            checked_version=checked.version,  # of the former password: there is nothing to renew
            renewed=checked.renewed.hash,
            renewed_check=checked.renewed.quick_check,
        )
