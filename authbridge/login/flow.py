"""The one login flow, from the attempt as it reached us to the decision."""

from dataclasses import dataclass, field
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, update

from authbridge.clock import Clock
from authbridge.login import alarms, credentials, failures, journal, policy, usernames
from authbridge.login.hashing_queue import HashingQueue, SingleFlight
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.networks import network_of
from authbridge.login.password_cache import PasswordCache
from authbridge.login.passwords import Hasher, StoredPassword, forms_of
from authbridge.login.policy import Attempt, CacheResult, Decision, FailureHistory, Limits, Verdict
from authbridge.login.rejections import Rejected, Rejections
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
    .values(password_hash=bindparam("renewed"))
)


@dataclass(frozen=True, slots=True)
class LoginServices:
    """What every login needs besides the attempt itself; the last four live as long as the process."""

    database: Database
    hasher: Hasher
    clock: Clock
    timezone: ZoneInfo
    host: str
    limits: Limits
    keyed_hashes: KeyedHashes
    password_cache: PasswordCache
    hashing_queue: HashingQueue
    checks: "SingleFlight[_Checked | Decision]" = field(default_factory=SingleFlight)
    rejections: Rejections = field(default_factory=Rejections)


@dataclass(frozen=True, slots=True)
class _Login:
    """An attempt, with the account that it is about and the marks under which it may be remembered."""

    attempt: Attempt
    origin: journal.Origin
    username: str
    found: credentials.Credential | None
    pair: failures.Pair
    right: bytes = field(repr=False)
    wrong: bytes = field(repr=False)

    @property
    def is_generated(self) -> bool:
        return self.found is not None and self.found.stored.generated


@dataclass(frozen=True, slots=True)
class _Recorded:
    """The rows that stand for an attempt while it is hashed, and what its name had failed before."""

    attempt_id: int
    failure_id: int
    found: credentials.Credential | None
    history: FailureHistory


@dataclass(frozen=True, slots=True)
class _Checked:
    """What the check found: the credential version whose password matched, None if none did."""

    version: int | None
    renewed: StoredPassword | None = None
    recorded: _Recorded | None = None  # None where nothing was hashed for this attempt


def authenticate(
    attempt: Attempt, origin: journal.Origin, services: LoginServices, *, within: float
) -> Decision:
    """Whether this organiser may open a meeting now; ``within`` is how many seconds somebody waits for it.

    Raises :class:`authbridge.errors.StorageError`: nobody gets in without the database.
    """
    with services.database.read_connection() as connection:
        login = _recognise(connection, attempt, origin, services)
    known = _Checked(None if login.found is None else login.found.account.credential_version)

    cached = services.password_cache.recall(login.right, login.wrong, services.clock())
    if policy.passes_every_wait(cached, generated=login.is_generated):
        return _settle(login, known, services)

    now = services.clock()
    with services.database.read_connection() as connection:
        history = failures.history_of(connection, login.pair, now, services.limits)
    if decision := policy.throttle(history, now, services.limits):
        return _reject(login, decision, services)
    if cached is CacheResult.WRONG:
        return _reject(login, policy.REPEATED, services)
    if cached is CacheResult.RIGHT:
        return _settle(login, known, services)

    try:
        check = partial(_check_in_turn, login, history, services, within)
        checked, is_ours = services.checks.once(login.wrong, check, within=within)
    except TimeoutError:
        checked, is_ours = policy.QUEUE_TOO_LONG, False
    if isinstance(checked, Decision):
        return _reject(login, checked, services)
    if is_ours:
        return _settle(login, checked, services)
    if checked.version is None:
        return _reject(login, policy.REPEATED, services)
    return _settle(login, _Checked(checked.version), services)


def _recognise(
    connection: Connection, attempt: Attempt, origin: journal.Origin, services: LoginServices
) -> _Login:
    username = usernames.canonical(attempt.username, services.host)
    found = credentials.find_credential(connection, username)
    # The network of a school counts as its own for names that begin with its code, also for nobody's.
    networks = credentials.school_networks(connection, username.partition("-")[0])
    network = network_of(attempt.ip, networks if found is None else {*networks, *found.school_networks})
    # What is remembered holds for this hash of this name alone: a reset or a restored backup ends it.
    account = (username, "" if found is None else found.stored.hash)
    form = forms_of(attempt.password)[found is None or found.stored.generated]
    return _Login(
        attempt=attempt,
        origin=origin,
        username=username,
        found=found,
        pair=failures.Pair(
            name_key=services.keyed_hashes.name(username),
            known_key=None if network.key is None else services.keyed_hashes.pair(username, network.key),
            network=network,
        ),
        right=services.password_cache.cache_key("right", *account, "" if form is None else form.decode()),
        wrong=services.password_cache.cache_key("wrong", *account, attempt.password),
    )


def _check_in_turn(
    login: _Login, history: FailureHistory, services: LoginServices, within: float
) -> _Checked | Decision:
    """One hash, when it is this login's turn; or why there was none.

    What waits for its turn is not on record: by then others may have failed, so the rules are asked again.
    """
    recent = policy.recent_failures(history, login.attempt.at, services.limits)
    with services.hashing_queue.slot(
        known_good=history.known_good, recent_failures=recent, within=within
    ) as is_admitted:
        if not is_admitted:
            return policy.QUEUE_TOO_LONG
        recorded = _record(login, services)
        if isinstance(recorded, Decision):
            return recorded
        return services.hashing_queue.run(partial(_hash, login, recorded, services))


def _record(login: _Login, services: LoginServices) -> _Recorded | Decision:
    """Record first, then count: parallel guesses see one another, and a crash leaves a failure behind."""
    limits, pair = services.limits, login.pair
    with services.database.write_connection() as connection:
        failures.lock_for_recording(connection, pair)
        now = services.clock()
        history = failures.history_of(connection, pair, now, limits)
        if policy.must_network_wait(history.network_failures, history.network_names, limits):
            history = failures.start_network_wait(connection, history, now, limits)
        if decision := policy.throttle(history, now, limits):
            return decision
        fingerprints = services.keyed_hashes.fingerprints(login.username, login.attempt.password, now)
        failure = policy.failure_of(history, now, fingerprints, limits)
        found = credentials.find_credential(connection, login.username)
        return _Recorded(
            attempt_id=journal.open_attempt(connection, _entry(login, found)),
            failure_id=failures.record(connection, pair, failure),
            found=found,
            history=history,
        )


def _hash(login: _Login, recorded: _Recorded, services: LoginServices) -> _Checked:
    found, password = recorded.found, login.attempt.password
    if not services.hasher.matches(password, None if found is None else found.stored) or found is None:
        services.password_cache.note_wrong(login.wrong, services.clock())
        return _Checked(None, recorded=recorded)
    renewed = None
    if services.hasher.is_outdated(found.stored):
        renewed = services.hasher.hash(password, generated=found.stored.generated)
    if login.found is not None and login.found.stored == found.stored:  # else the mark is a former hash's
        services.password_cache.note_right(login.right, services.clock())
    return _Checked(found.account.credential_version, renewed, recorded)


def _settle(login: _Login, checked: _Checked, services: LoginServices) -> Decision:
    """The verdict, by the account's state as it is now: a suspension that arrived meanwhile wins."""
    told: list[tuple[policy.Alarm, str]] = []
    with services.database.write_connection() as connection:
        now = services.clock()
        today = now.astimezone(services.timezone).date()
        current = credentials.find_credential(connection, login.username, lock=True)
        decision = policy.judge(
            None if current is None else current.account, checked_version=checked.version, today=today
        )
        recorded = checked.recorded
        if recorded is None:
            journal.write_attempt(connection, _entry(login, current), decision, now=now)
        else:
            journal.close_attempt(connection, recorded.attempt_id, decision, now=now)
            if checked.version is None:
                told = _count(connection, login, recorded, services)
        if current is not None and decision.verdict is Verdict.GRANTED:
            failures.note_success(connection, login.pair, now)
            _note_login(connection, current, today, checked.renewed)
        if recorded is not None and checked.version is not None:
            failures.retract(connection, recorded.failure_id)
    if told:
        alarms.tell(services.database, told, now=now, limits=services.limits)
    return decision


def _count(
    connection: Connection, login: _Login, recorded: _Recorded, services: LoginServices
) -> list[tuple[policy.Alarm, str]]:
    """Draws the consequences of a failure: the network may have to wait, and staff to know."""
    now, limits, network = services.clock(), services.limits, login.pair.network
    counts = failures.counts_after(connection, login.pair, recorded.history, now, limits)
    if not network.trusted and policy.must_network_wait(
        counts.network_failures, counts.network_names, limits
    ):
        failures.start_network_wait(connection, recorded.history, now, limits)
    username = None if recorded.found is None else login.username
    return alarms.due(connection, username, network, counts, now=now, limits=limits)


def _note_login(
    connection: Connection, current: credentials.Credential, today: date, renewed: StoredPassword | None
) -> None:
    if current.last_login_on != today:
        journal.date_login(connection, current.organiser_id, today)
    if renewed is not None:
        _RENEW_HASH.run(
            connection,
            organiser_id=current.organiser_id,
            checked_version=current.account.credential_version,
            renewed=renewed.hash,
        )


def _entry(login: _Login, found: credentials.Credential | None) -> journal.Entry:
    return journal.Entry(
        login.attempt,
        login.origin,
        organiser_id=None if found is None else found.organiser_id,
        unknown_name=login.pair.name_key if found is None else None,
    )


_KINDS = {Verdict.REFUSED: "repeated", Verdict.LOCKED: "locked", Verdict.UNAVAILABLE: "unavailable"}


def _reject(login: _Login, decision: Decision, services: LoginServices) -> Decision:
    """Without a check: in the journal it is only counted."""
    who = Rejected(None if login.found is None else login.found.organiser_id, login.pair.network.key)
    services.rejections.count(who, _KINDS[decision.verdict], services.clock())
    return decision
