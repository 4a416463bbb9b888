"""The one login flow, from the attempt as it reached us to the decision."""

from dataclasses import dataclass, field
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, update

from authbridge.clock import Clock
from authbridge.login import alarms, credentials, failures, journal, policy, usernames
from authbridge.login.hashing_queue import Checks, Gate
from authbridge.login.keyed_hashes import Traces
from authbridge.login.networks import network_of
from authbridge.login.password_cache import Memory
from authbridge.login.passwords import Hasher, StoredPassword, forms_of
from authbridge.login.policy import Attempt, Decision, Limits, Recollection, Standing, Verdict
from authbridge.login.rejections import Denials, Denied
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
class Setting:
    """What every login needs besides the attempt itself; the last four live as long as the process."""

    database: Database
    hasher: Hasher
    clock: Clock
    timezone: ZoneInfo
    host: str
    limits: Limits
    traces: Traces
    memory: Memory
    gate: Gate
    checks: "Checks[_Checked | Decision]" = field(default_factory=Checks)
    denials: Denials = field(default_factory=Denials)


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
    standing: Standing


@dataclass(frozen=True, slots=True)
class _Checked:
    """What the check found: the credential version whose password matched, None if none did."""

    version: int | None
    renewed: StoredPassword | None = None
    recorded: _Recorded | None = None  # None where nothing was hashed for this attempt


def authenticate(attempt: Attempt, origin: journal.Origin, setting: Setting, *, within: float) -> Decision:
    """Whether this organiser may open a meeting now; ``within`` is how many seconds somebody waits for it.

    Raises :class:`authbridge.errors.StorageError`: nobody gets in without the database.
    """
    with setting.database.consulting() as connection:
        login = _recognise(connection, attempt, origin, setting)
    known = _Checked(None if login.found is None else login.found.account.credential_version)

    recollection = setting.memory.recall(login.right, login.wrong, setting.clock())
    if policy.passes_every_wait(recollection, generated=login.is_generated):
        return _settle(login, known, setting)

    now = setting.clock()
    with setting.database.consulting() as connection:
        standing = failures.standing_of(connection, login.pair, now, setting.limits)
    if decision := policy.throttle(standing, now, setting.limits):
        return _turn_away(login, decision, setting)
    if recollection is Recollection.WRONG:
        return _turn_away(login, policy.REPEATED, setting)
    if recollection is Recollection.RIGHT:
        return _settle(login, known, setting)

    try:
        check = partial(_check_in_turn, login, standing, setting, within)
        checked, is_ours = setting.checks.once(login.wrong, check, within=within)
    except TimeoutError:
        checked, is_ours = policy.QUEUE_TOO_LONG, False
    if isinstance(checked, Decision):
        return _turn_away(login, checked, setting)
    if is_ours:
        return _settle(login, checked, setting)
    if checked.version is None:
        return _turn_away(login, policy.REPEATED, setting)
    return _settle(login, _Checked(checked.version), setting)


def _recognise(connection: Connection, attempt: Attempt, origin: journal.Origin, setting: Setting) -> _Login:
    username = usernames.canonical(attempt.username, setting.host)
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
            name_key=setting.traces.name(username),
            known_key=None if network.key is None else setting.traces.pair(username, network.key),
            network=network,
        ),
        right=setting.memory.mark("right", *account, "" if form is None else form.decode()),
        wrong=setting.memory.mark("wrong", *account, attempt.password),
    )


def _check_in_turn(login: _Login, standing: Standing, setting: Setting, within: float) -> _Checked | Decision:
    """One hash, when it is this login's turn; or why there was none.

    What waits for its turn is not on record: by then others may have failed, so the rules are asked again.
    """
    recent = policy.recent_failures(standing, login.attempt.at, setting.limits)
    with setting.gate.slot(
        known_good=standing.known_good, recent_failures=recent, within=within
    ) as is_admitted:
        if not is_admitted:
            return policy.QUEUE_TOO_LONG
        recorded = _record(login, setting)
        if isinstance(recorded, Decision):
            return recorded
        return setting.gate.run(partial(_hash, login, recorded, setting))


def _record(login: _Login, setting: Setting) -> _Recorded | Decision:
    """Record first, then count: parallel guesses see one another, and a crash leaves a failure behind."""
    limits, pair = setting.limits, login.pair
    with setting.database.recording() as connection:
        failures.take_turn(connection, pair)
        now = setting.clock()
        standing = failures.standing_of(connection, pair, now, limits)
        if policy.must_network_wait(standing.network_failures, standing.network_names, limits):
            standing = failures.let_network_wait(connection, standing, now, limits)
        if decision := policy.throttle(standing, now, limits):
            return decision
        fingerprints = setting.traces.fingerprints(login.username, login.attempt.password, now)
        failure = policy.failure_of(standing, now, fingerprints, limits)
        found = credentials.find_credential(connection, login.username)
        return _Recorded(
            attempt_id=journal.open_attempt(connection, _entry(login, found)),
            failure_id=failures.record(connection, pair, failure),
            found=found,
            standing=standing,
        )


def _hash(login: _Login, recorded: _Recorded, setting: Setting) -> _Checked:
    found, password = recorded.found, login.attempt.password
    if not setting.hasher.matches(password, None if found is None else found.stored) or found is None:
        setting.memory.note_wrong(login.wrong, setting.clock())
        return _Checked(None, recorded=recorded)
    renewed = None
    if setting.hasher.is_outdated(found.stored):
        renewed = setting.hasher.hash(password, generated=found.stored.generated)
    if login.found is not None and login.found.stored == found.stored:  # else the mark is a former hash's
        setting.memory.note_right(login.right, setting.clock())
    return _Checked(found.account.credential_version, renewed, recorded)


def _settle(login: _Login, checked: _Checked, setting: Setting) -> Decision:
    """The verdict, by the account's state as it is now: a suspension that arrived meanwhile wins."""
    told: list[tuple[policy.Alarm, str]] = []
    with setting.database.recording() as connection:
        now = setting.clock()
        today = now.astimezone(setting.timezone).date()
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
                told = _count(connection, login, recorded, setting)
        if current is not None and decision.verdict is Verdict.GRANTED:
            failures.note_success(connection, login.pair, now)
            _note_login(connection, current, today, checked.renewed)
        if recorded is not None and checked.version is not None:
            failures.acquit(connection, recorded.failure_id)
    if told:
        alarms.tell(setting.database, told, now=now, limits=setting.limits)
    return decision


def _count(
    connection: Connection, login: _Login, recorded: _Recorded, setting: Setting
) -> list[tuple[policy.Alarm, str]]:
    """Draws the consequences of a failure: the network may have to wait, and staff to know."""
    now, limits, network = setting.clock(), setting.limits, login.pair.network
    tally = failures.tally_after(connection, login.pair, recorded.standing, now, limits)
    if not network.trusted and policy.must_network_wait(tally.network_failures, tally.network_names, limits):
        failures.let_network_wait(connection, recorded.standing, now, limits)
    username = None if recorded.found is None else login.username
    return alarms.due(connection, username, network, tally, now=now, limits=limits)


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


def _turn_away(login: _Login, decision: Decision, setting: Setting) -> Decision:
    """Without a check: in the journal it is only counted."""
    who = Denied(None if login.found is None else login.found.organiser_id, login.pair.network.key)
    setting.denials.count(who, _KINDS[decision.verdict], setting.clock())
    return decision
