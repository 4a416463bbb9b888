"""The one login flow: recognise, recall, throttle, exclude, queue, record, hash, settle.

Organisers at Prosody, staff at the panel and the owners of a simulation all take these steps.  Their
differences stand behind ``FailureStore`` (in SQL, in memory) and ``Subject`` (organiser, member of staff).
``authenticate`` composes the steps with the real queue for hashes, a simulation with its own.  Nothing here
knows a database or bcrypt, and no transaction is open while a password is hashed.
"""

from datetime import datetime
from functools import partial

from authbridge.login import policy
from authbridge.login.alarm_rules import DueAlarm, due_alarms
from authbridge.login.failure_history import FailureHistory, Network, SignInStep
from authbridge.login.failure_store import FailureStore, Pair
from authbridge.login.fair_turns import Place
from authbridge.login.limits import Limits
from authbridge.login.policy import CacheResult, Decision, Verdict
from authbridge.login.subjects import (
    Checked,
    Credential,
    FlowServices,
    Login,
    PasswordHasher,
    QueueServices,
    Recorded,
    Shortcut,
    Store,
    Subject,
)
from authbridge.login.typed_passwords import StoredPassword, TypedPassword
from authbridge.login.usernames import is_issued_form


def pair_of(
    counted_name: str,
    network: Network,
    services: FlowServices[Store],
    *,
    known_network: str | None,
    sign_in_step: SignInStep | None = None,
) -> Pair:
    """Returns the pair of a name and a network; ``known_network`` is the one that may become known-good."""
    keyed_hashes = services.keyed_hashes
    return Pair(
        name_key=keyed_hashes.name(counted_name),
        known_key=None if known_network is None else keyed_hashes.pair(counted_name, known_network),
        network=network,
        sign_in_step=sign_in_step,
    )


def recognise(
    counted_name: str,
    password: TypedPassword,
    credential: Credential | None,
    pair: Pair,
    services: FlowServices[Store],
) -> Login:
    """Returns the attempt with its keys in the password cache."""
    # A cache entry holds for this hash of this name alone: a reset or a restored backup ends it.
    stored = _stored_of(credential)
    account = (counted_name, "" if stored is None else stored.hash)
    form = password.form(generated=stored is None or stored.generated)
    cache_key = services.password_cache.cache_key
    return Login(
        counted_name=counted_name,
        password=password,
        credential=credential,
        is_excluded=services.hasher.excludes(password, stored, counted_name),
        pair=pair,
        right_key=cache_key("right", *account, "" if form is None else form.decode()),
        wrong_key=cache_key("wrong", *account, password.text),
    )


def arrive(subject: Subject[Store], services: FlowServices[Store]) -> Place | Decision:
    """Recalls and throttles; returns the place in the queue where only a check can decide."""
    login, limits = subject.login, services.limits
    cached = services.password_cache.recall(login.right_key, login.wrong_key, services.clock())
    known = login.credential
    if known is not None and policy.passes_every_wait(cached, generated=known.stored.generated):
        services.meter.note_shortcut(Shortcut.REMEMBERED)
        return settle(subject, Checked(known.version), services)

    now = services.clock()
    with services.read() as store:
        history = store.history_of(login.pair, now)
    if decision := policy.throttle(history, now, limits):
        return reject(subject, decision)
    if cached is CacheResult.WRONG:
        services.meter.note_shortcut(Shortcut.REPEATED)
        return reject(subject, policy.REPEATED)
    if cached is CacheResult.RIGHT and known is not None:
        services.meter.note_shortcut(Shortcut.REMEMBERED)
        return settle(subject, Checked(known.version), services)
    of_name, of_network = policy.recent_failures(history, now, limits)
    name = login.counted_name
    return Place(name, is_issued_form(name), history.known_good, of_name, of_network)


def exclude(subject: Subject[Store], services: FlowServices[Store]) -> Decision:
    """Refuses a password that the quick check has found wrong: a failure like any other, but for the hash.

    Equal ones at the same time are not one check: the first alone has a fingerprint, and so counts.
    """
    with services.write() as store:
        now = services.clock()
        recorded = _record(store, subject, services)
        if isinstance(recorded, Decision):
            return reject(subject, recorded)
        decision, due = _settle(store, subject, Checked(None, recorded=recorded), services)
    services.meter.note_shortcut(Shortcut.EXCLUDED)
    services.password_cache.note_wrong(subject.login.wrong_key, now)
    services.raise_alarms(due, now)
    return decision


def record(subject: Subject[Store], services: FlowServices[Store]) -> Recorded | Decision:
    """Records the attempt as a failure before it is hashed, or decides that it must wait after all.

    What waits for its turn is not on record: by then others may have failed, so the rules are asked again.
    """
    with services.write() as store:
        return _record(store, subject, services)


def _record(store: Store, subject: Subject[Store], services: FlowServices[Store]) -> Recorded | Decision:
    login = subject.login
    store.lock_for_recording(login.pair)
    now = services.clock()
    history = history_before_check(store, login.pair, now, services.limits)
    if decision := policy.throttle(history, now, services.limits):
        return decision
    credential = subject.open(store)
    failure_id = record_failure(store, login, history, now, services)
    return Recorded(failure_id, credential, history)


def check(subject: Subject[Store], recorded: Recorded, services: FlowServices[Store]) -> Checked:
    """Hashes the password (a decoy for an unknown username); no transaction is open meanwhile."""
    login, credential, hasher = subject.login, recorded.credential, services.hasher
    # Else the cache keys are those of a former hash.
    is_cacheable = _stored_of(credential) == _stored_of(login.credential)
    matched = _match(login.password, credential, hasher)
    if matched is None:
        if is_cacheable:
            services.password_cache.note_wrong(login.wrong_key, services.clock())
        return Checked(None, recorded=recorded)
    renewed = hasher.renew(login.password, matched.stored)
    if is_cacheable and matched is credential:
        services.password_cache.note_right(login.right_key, services.clock())
    return Checked(matched.version, renewed, recorded)


def _stored_of(credential: Credential | None) -> StoredPassword | None:
    return None if credential is None else credential.stored


def _match(typed: TypedPassword, credential: Credential | None, hasher: PasswordHasher) -> Credential | None:
    """Returns the credential whose password was typed: one hash, but where two passwords must be compared."""
    if hasher.matches(typed, _stored_of(credential)) or credential is None:
        return credential
    other = credential.other
    return other if other is not None and hasher.matches(typed, other.stored) else None


def settle(subject: Subject[Store], checked: Checked, services: FlowServices[Store]) -> Decision:
    """Decides by the account's state as it is now: a suspension that arrived meanwhile wins."""
    with services.write() as store:
        now = services.clock()
        decision, due = _settle(store, subject, checked, services)
    services.raise_alarms(due, now)
    return decision


def _settle(
    store: Store, subject: Subject[Store], checked: Checked, services: FlowServices[Store]
) -> tuple[Decision, list[DueAlarm]]:
    login, recorded, now = subject.login, checked.recorded, services.clock()
    due: list[DueAlarm] = []
    judgement = subject.judge(store, checked, now)
    if recorded is not None and checked.version is None:
        due = count_failure(store, login.pair, recorded.history, judgement.account_name, services)
    # A member of staff becomes known-good with the second factor only.
    if judgement.decision.verdict is Verdict.GRANTED and login.pair.sign_in_step is None:
        store.note_success(login.pair, now)
    if recorded is not None and checked.version is not None:
        store.retract(recorded.failure_id)
    return judgement.decision, due


def reject(subject: Subject[Store], decision: Decision) -> Decision:
    """Refuses an attempt without a check; it is counted, but no failure."""
    subject.reject(decision)
    return decision


def history_before_check(store: FailureStore, pair: Pair, now: datetime, limits: Limits) -> FailureHistory:
    """Returns the history; a network with too many failures, open ones included, waits from now on."""
    history = store.history_of(pair, now)
    # Skip familiar networks: they go on to lock the account's row, and starting a network wait first would
    # take the locks in the opposite order (deadlock).  Their attempts pass that wait anyway.
    if history.is_unfamiliar and policy.must_network_wait(
        history.network_failures, history.network_names, limits
    ):
        history = store.start_network_wait(history, now)
    return history


def record_failure(
    store: FailureStore, login: Login, history: FailureHistory, now: datetime, services: FlowServices[Store]
) -> int:
    """Records the attempt as a failure; returns its id."""
    fingerprints = services.keyed_hashes.fingerprints(login.counted_name, login.password, now)
    return store.record(login.pair, policy.failure_of(history, now, fingerprints, services.limits))


def count_failure(
    store: FailureStore,
    pair: Pair,
    history: FailureHistory,
    account_name: str | None,
    services: FlowServices[Store],
) -> list[DueAlarm]:
    """Draws the consequences of a failure: the network may have to wait; returns the alarms that are due."""
    now, limits, network = services.clock(), services.limits, pair.network
    counts = store.counts_after(pair, history, now)
    if not network.trusted and policy.must_network_wait(
        counts.network_failures, counts.network_names, limits
    ):
        store.start_network_wait(history, now)
    return due_alarms(counts, network, account_name, store.alarm_raised_at, now, limits)


def authenticate(subject: Subject[Store], services: QueueServices[Store], *, within: float) -> Decision:
    """Takes one attempt through all steps; ``within`` is how many seconds its sender waits for the answer.

    Raises:
        StorageError: the database does not answer; nobody gets in without it.
    """
    arrived = arrive(subject, services)
    if isinstance(arrived, Decision):
        return arrived
    if subject.login.is_excluded:
        return exclude(subject, services)
    try:
        check_ours = partial(_check_in_turn, subject, arrived, services, within)
        checked, is_ours = services.single_flight.do(subject.login.wrong_key, check_ours, within=within)
    except TimeoutError:
        checked, is_ours = policy.QUEUE_TOO_LONG, False
    if isinstance(checked, Decision):
        return reject(subject, checked)
    if is_ours:
        return settle(subject, checked, services)
    if checked.version is None:
        return reject(subject, policy.REPEATED)
    return settle(subject, Checked(checked.version), services)


def _check_in_turn(
    subject: Subject[Store], place: Place, services: QueueServices[Store], within: float
) -> Checked | Decision:
    queue = services.hashing_queue
    with queue.slot(place, within=within) as is_admitted:
        if not is_admitted:
            return policy.QUEUE_TOO_LONG
        recorded = record(subject, services)
        if isinstance(recorded, Decision):
            return recorded
        return queue.run(partial(check, subject, recorded, services), measured=services.meter.note_hash)
