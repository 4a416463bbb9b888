"""How staff come in: password, then one-time code; or for the first time by an invitation.

The login policy of organisers holds here too, its failures counted under names and networks of the panel's
own.  A password is hashed with no transaction open, so it is on record as a failure meanwhile; codes are
compared within one transaction, for which others wait.  Admins are told after the answer, which must not take
longer for a name that is somebody's.
"""

import hmac
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete
from sqlalchemy.orm import Session

from authbridge.audit import Action, record
from authbridge.clock import Clock, utc_now
from authbridge.config import Config
from authbridge.errors import location_of
from authbridge.login import alarms, failures, policy, staff_names
from authbridge.login.hashing_queue import HashingQueue
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.networks import device_network, panel_network_of
from authbridge.login.password_cache import PasswordCache
from authbridge.login.passwords import Hasher, StoredPassword
from authbridge.login.policy import CacheResult, Decision, FailureHistory, Limits, Reason, SignInStep, Verdict
from authbridge.staff import device_cookies, members, sessions, totp
from authbridge.staff.encryption import StaffEncryption
from authbridge.staff.one_time_codes import CodePurpose, hash_code
from authbridge.staff.password_rules import STAFF_COST
from authbridge.staff.sessions import PanelSession
from authbridge.storage.database import Database
from authbridge.storage.models import Invitation, RecoveryCode, SessionStage, Staff
from authbridge.storage.statements import UNSYNCHRONISED

_QUEUE = 4  # sign-ins that wait for their hash; more would keep the panel's threads from whoever is signed in
_PATIENCE = 10  # seconds that somebody waits for the next page
_NOBODY = "unknown-name"  # what was typed may be a password
_MOMENT = 0.1  # seconds; so long after a failure its answer is given

_log = logging.getLogger(__name__)

_Telling = Callable[[], None]


def _at_once(tell: _Telling) -> None:
    tell()


@dataclass(frozen=True, slots=True)
class SignInServices:
    """What every sign-in needs besides what was typed; the last three live as long as the process.

    ``tell_later`` does what it is given when the answer needs no longer wait for it.
    """

    database: Database
    hasher: Hasher
    clock: Clock
    timezone: ZoneInfo
    limits: Limits
    keyed_hashes: KeyedHashes
    encryption: StaffEncryption
    password_cache: PasswordCache
    hashing_queue: HashingQueue
    tell_later: Callable[[_Telling], object] = _at_once


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: ``ip`` is None where unknown, ``device`` whatever the browser shows as one of hers."""

    ip: str | None
    user_agent: str | None
    device: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision, and the token of the session that begins with it; ``recovered``: by a recovery code.

    ``device`` is what the browser shall show from now on, None where it has that already.
    """

    decision: Decision
    token: str | None = field(default=None, repr=False)
    recovered: bool = False
    device: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _SignInAttempt:
    """Somebody at a door: under which name, and as the ledger knows the two of them."""

    name: str
    counted: str
    pair: failures.Pair


@dataclass(frozen=True, slots=True)
class _Checked:
    """A password that was hashed: whether it matched what was stored then, and the row that stands for it."""

    is_match: bool
    stored: StoredPassword | None = field(repr=False)
    renewed: StoredPassword | None = field(repr=False)
    failure_id: int
    history: FailureHistory


class _Factor(StrEnum):
    """By what the second step was made; stands in the audit."""

    APP = "app"
    RECOVERY = "recovery-code"


@dataclass(frozen=True, slots=True)
class _Turn:
    """The transaction in which a code is compared, and the moment."""

    session: Session
    now: datetime
    services: SignInServices


_Admit = Callable[[Session, Staff, datetime], str | None]
_Check = Callable[[_Turn], Outcome]


def sign_in_setting_of(config: Config, database: Database) -> SignInServices:
    """What the panel works with in production; takes the time of one hash."""
    hasher, later = Hasher(STAFF_COST), ThreadPoolExecutor(1, "alarms")
    cores = len(os.sched_getaffinity(0))
    return SignInServices(
        database=database,
        hasher=hasher,
        clock=utc_now,
        timezone=config.timezone,
        limits=config.limits,
        keyed_hashes=KeyedHashes(config.secret_key),
        encryption=StaffEncryption(config.secret_key),
        password_cache=PasswordCache(config.limits, remember=False),
        hashing_queue=HashingQueue(cores, typical=hasher.measure(), most=cores + _QUEUE),
        tell_later=lambda tell: later.submit(_in_a_moment, tell),
    )


def sign_in(name: str, password: str, caller: Caller, services: SignInServices) -> Outcome:
    """The first step; where granted, with a session that waits for the second factor."""

    def admit(session: Session, staff: Staff, now: datetime) -> str:
        return sessions.open_session(
            session, staff.id, stage=SessionStage.PASSWORD, user_agent=caller.user_agent, now=now
        )

    return _try_password(name, password, caller, services, admit)


def confirm_password(visit: PanelSession, typed: str, caller: Caller, services: SignInServices) -> Decision:
    """Whether somebody who is signed in still knows the password."""
    return _try_password(visit.name, typed, caller, services, lambda *_: None).decision


def confirm_code(visit: PanelSession, typed: str, caller: Caller, services: SignInServices) -> Outcome:
    """The second step, by the app's code or a recovery code.

    At the sign-in it ends with a new session, the only one that proves both factors, and the browser is
    a device of hers; later it makes the factor fresh, and does nothing where it is fresh already: a second
    click finds the code used up.
    """

    def check(turn: _Turn) -> Outcome:
        staff = turn.session.get(Staff, visit.staff_id, with_for_update={"key_share": True})
        current = sessions.find_row(turn.session, visit)
        if staff is None or current is None or current.stage == SessionStage.ENROLLING:
            return Outcome(policy.SESSION_ENDED)
        if sessions.is_fresh(current, turn.now):
            return Outcome(_judge(staff, is_proven=True))
        factor = _use_factor(turn, staff, typed)
        decision = _judge(staff, is_proven=factor is not None)
        if decision.verdict is not Verdict.GRANTED or factor is None:
            return Outcome(decision)
        for sign_in_step in (SignInStep.PASSWORD, SignInStep.CODE):
            pair = _knock(turn.session, sign_in_step, staff.name, caller, services).pair
            failures.note_success(turn.session.connection(), pair, turn.now)
        token = _go_on(turn, visit, staff, factor)
        is_known = token is None or _known_device(turn.session, staff.name, caller, services) is not None
        device = None if is_known else device_cookies.new_token(staff, services.encryption, turn.now.date())
        return Outcome(decision, token, recovered=factor is _Factor.RECOVERY, device=device)

    return _in_turn(SignInStep.CODE, visit.name, typed, caller, services, check)


def verify_invitation(name: str, code: str, caller: Caller, services: SignInServices) -> Outcome:
    """Whether that person was invited; where granted, with a session in which to enrol."""

    def check(turn: _Turn) -> Outcome:
        staff = members.find_staff(turn.session, staff_names.canonical(name), lock=True)
        decision = _judge(staff, is_proven=_is_invited(turn, staff, code))
        if staff is None or decision.verdict is not Verdict.GRANTED:
            return Outcome(decision)
        token = sessions.open_session(
            turn.session, staff.id, stage=SessionStage.ENROLLING, user_agent=caller.user_agent, now=turn.now
        )
        return Outcome(decision, token)

    return _in_turn(SignInStep.INVITATION, name, code, caller, services, check)


def _knock(
    session: Session, sign_in_step: SignInStep, typed: str, caller: Caller, services: SignInServices
) -> _SignInAttempt:
    name = staff_names.canonical(typed)
    counted = staff_names.counted_name(sign_in_step, name)
    network = panel_network_of(caller.ip)
    device = _known_device(session, name, caller, services)
    pair = failures.Pair(
        name_key=services.keyed_hashes.name(counted),
        known_key=None if network.key is None else services.keyed_hashes.pair(counted, network.key),
        network=network if device is None else device_network(device),
        sign_in_step=sign_in_step,
    )
    return _SignInAttempt(name, counted, pair)


def _known_device(session: Session, name: str, caller: Caller, services: SignInServices) -> str | None:
    if caller.device is None:
        return None
    staff = members.find_staff(session, name)
    return device_cookies.known(staff, caller.device, services.encryption, services.clock().date())


def device_token(name: str, services: SignInServices) -> str:
    """What the browser of somebody who has just enrolled shall show; raises :class:`NotFoundError`."""
    with services.database.read_session() as session:
        return device_cookies.new_token(
            members.get_staff(session, name), services.encryption, services.clock().date()
        )


# Passwords: recorded, hashed with no transaction open, settled


def _try_password(
    name: str, password: str, caller: Caller, services: SignInServices, admit: _Admit
) -> Outcome:
    with services.database.read_session() as session:
        now = services.clock()
        attempt = _knock(session, SignInStep.PASSWORD, name, caller, services)
        history = failures.history_of(session.connection(), attempt.pair, now, services.limits)
        stored = _stored(members.find_staff(session, attempt.name))
    if decision := policy.throttle(history, now, services.limits):
        return Outcome(decision)
    # What is remembered holds for this hash of this name alone, as in a login of organisers.
    cache_key = services.password_cache.cache_key(
        attempt.counted, "" if stored is None else stored.hash, password
    )
    if services.password_cache.recall(b"", cache_key, now) is CacheResult.WRONG:
        return Outcome(policy.REPEATED)
    recent = policy.recent_failures(history, now, services.limits)
    with services.hashing_queue.slot(
        known_good=history.known_good, recent_failures=recent, within=_PATIENCE
    ) as is_admitted:
        if not is_admitted:
            return Outcome(policy.QUEUE_TOO_LONG)
        recorded = _record(attempt, password, services)
        if isinstance(recorded, Decision):
            return Outcome(recorded)
        checked = services.hashing_queue.run(partial(_hash, recorded, password, services))
    if not checked.is_match and checked.stored == stored:
        services.password_cache.note_wrong(cache_key, services.clock())
    return _settle(attempt, checked, services, admit)


def _record(attempt: _SignInAttempt, password: str, services: SignInServices) -> _Checked | Decision:
    """Record first, then count: parallel guesses see one another, and a crash leaves a failure behind."""
    with services.database.write_session() as session:
        connection = session.connection()
        failures.lock_for_recording(connection, attempt.pair)
        now = services.clock()
        history = _standing_of(connection, attempt, now, services.limits)
        if decision := policy.throttle(history, now, services.limits):
            return decision
        return _Checked(
            is_match=False,
            stored=_stored(members.find_staff(session, attempt.name)),
            renewed=None,
            failure_id=_record_failure(connection, attempt, history, password, services),
            history=history,
        )


def _hash(recorded: _Checked, password: str, services: SignInServices) -> _Checked:
    stored = recorded.stored
    if not services.hasher.matches(password, stored) or stored is None:
        return recorded
    is_outdated = services.hasher.is_outdated(stored)
    return replace(
        recorded,
        is_match=True,
        renewed=services.hasher.hash(password, generated=False) if is_outdated else None,
    )


def _settle(attempt: _SignInAttempt, checked: _Checked, services: SignInServices, admit: _Admit) -> Outcome:
    """By her state as it is now: a suspension or a reset that arrived meanwhile wins."""
    told: list[tuple[policy.Alarm, str]] = []
    token = None
    with services.database.write_session() as session:
        now = services.clock()
        staff = members.find_staff(session, attempt.name, lock=True)
        is_proven = checked.is_match and _stored(staff) == checked.stored
        decision = _judge(staff, is_proven=is_proven)
        if is_proven:
            failures.retract(session.connection(), checked.failure_id)
        else:
            told = _count(session, attempt, checked.history, services)
        if staff is not None and decision.verdict is Verdict.GRANTED:
            if checked.renewed is not None:
                staff.password_hash = checked.renewed.hash
            token = admit(session, staff, now)
    _tell(told, services)
    return Outcome(decision, token)


def _stored(staff: Staff | None) -> StoredPassword | None:
    if staff is None or staff.password_hash is None:
        return None
    return StoredPassword(staff.password_hash, generated=False)


# Codes: compared within one transaction


def _in_turn(
    sign_in_step: SignInStep, name: str, typed: str, caller: Caller, services: SignInServices, check: _Check
) -> Outcome:
    """One after the other for each name and for each network: parallel guesses see one another."""
    with services.database.read_session() as session:
        now = services.clock()
        attempt = _knock(session, sign_in_step, name, caller, services)
        history = failures.history_of(session.connection(), attempt.pair, now, services.limits)
    # Who goes on while he must wait keeps no writer from his turn.
    if decision := policy.throttle(history, now, services.limits):
        return Outcome(decision)
    told: list[tuple[policy.Alarm, str]] = []
    with services.database.write_session() as session:
        connection = session.connection()
        failures.lock_for_recording(connection, attempt.pair)
        now = services.clock()
        history = _standing_of(connection, attempt, now, services.limits)
        if decision := policy.throttle(history, now, services.limits):
            return Outcome(decision)
        outcome = check(_Turn(session, now, services))
        if outcome.decision.reason is Reason.WRONG_PASSWORD:
            _record_failure(connection, attempt, history, typed, services)
            told = _count(session, attempt, history, services)
    _tell(told, services)
    return outcome


def _use_factor(turn: _Turn, staff: Staff, typed: str) -> _Factor | None:
    """How somebody showed the second factor, which is then used up; None if it is wrong or was used."""
    session, encryption = turn.session, turn.services.encryption
    if staff.factor_secret is None:
        return None
    secret = encryption.unseal(staff.factor_secret)
    step = totp.matching_step(secret, typed, turn.now, staff.factor_step)
    if step is not None:
        staff.factor_step = step
        return _Factor.APP
    is_it = RecoveryCode.code_hash == hash_code(encryption, CodePurpose.RECOVERY, typed)
    used = delete(RecoveryCode).where(RecoveryCode.staff_id == staff.id, is_it).returning(RecoveryCode.id)
    found = session.execute(used, execution_options=UNSYNCHRONISED).first()
    return None if found is None else _Factor.RECOVERY


def _go_on(turn: _Turn, visit: PanelSession, staff: Staff, factor: _Factor) -> str | None:
    """What both factors open: a session, or the next ten minutes of the one that there is."""
    session, now = turn.session, turn.now
    if visit.stage is SessionStage.SIGNED_IN:
        sessions.mark_factor(session, visit, now=now)
        if factor is _Factor.RECOVERY:
            _note(turn, visit, factor=factor, again=True)  # there is one less, and it is said when
        return None
    _note(turn, visit, factor=factor)
    staff.last_sign_in_on = now.astimezone(turn.services.timezone).date()
    return sessions.rotate(session, visit, SessionStage.SIGNED_IN, now=now)


def _note(turn: _Turn, visit: PanelSession, **detail: object) -> None:
    record(
        turn.session,
        actor=visit.actor,
        action=Action.STAFF_SIGN_IN,
        subject=visit.name,
        now=turn.now,
        **detail,
    )


def _is_invited(turn: _Turn, staff: Staff | None, typed: str) -> bool:
    # The same work for everybody, be there an invitation or not.
    shown = hash_code(turn.services.encryption, CodePurpose.INVITATION, typed)
    invitation = turn.session.get(Invitation, -1 if staff is None else staff.id)
    is_it = hmac.compare_digest("" if invitation is None else invitation.code_hash, shown)
    return is_it and invitation is not None and turn.now < invitation.expires_at


# Both


def _judge(staff: Staff | None, *, is_proven: bool) -> Decision:
    return policy.judge_staff(
        is_proven=is_proven, suspended=staff is not None and staff.suspended_at is not None
    )


def _standing_of(
    connection: Connection, attempt: _SignInAttempt, now: datetime, limits: Limits
) -> FailureHistory:
    history = failures.history_of(connection, attempt.pair, now, limits)
    # Whoever is known passes, and goes on to lock rows that others hold while they let the network wait.
    if history.is_unfamiliar and policy.must_network_wait(
        history.network_failures, history.network_names, limits
    ):
        history = failures.start_network_wait(connection, history, now, limits)
    return history


def _record_failure(
    connection: Connection,
    attempt: _SignInAttempt,
    history: FailureHistory,
    typed: str,
    services: SignInServices,
) -> int:
    now = services.clock()
    fingerprints = services.keyed_hashes.fingerprints(attempt.counted, typed, now)
    failure = policy.failure_of(history, now, fingerprints, services.limits)
    return failures.record(connection, attempt.pair, failure)


def _count(
    session: Session, attempt: _SignInAttempt, history: FailureHistory, services: SignInServices
) -> list[tuple[policy.Alarm, str]]:
    """Draws the consequences of a failure: the network may have to wait, and admins to know.

    Of guesses at a name that is nobody's it is told, too, but not which.
    """
    connection, now, limits = session.connection(), services.clock(), services.limits
    counts = failures.counts_after(connection, attempt.pair, history, now, limits)
    if policy.must_network_wait(counts.network_failures, counts.network_names, limits):
        failures.start_network_wait(connection, history, now, limits)
    subject = _NOBODY if members.find_staff(session, attempt.name) is None else attempt.name
    return alarms.due(connection, subject, attempt.pair.network, counts, now=now, limits=limits)


def _tell(told: list[tuple[policy.Alarm, str]], services: SignInServices) -> None:
    if told:
        services.tell_later(partial(_tell_now, told, services))


def _tell_now(told: list[tuple[policy.Alarm, str]], services: SignInServices) -> None:
    try:
        alarms.tell(services.database, told, now=services.clock(), limits=services.limits)
    except Exception as error:  # noqa: BLE001 - the failure is on record, and the next one is told again
        _log.error("an alarm was not told: %s at %s", type(error).__name__, location_of(error))


def _in_a_moment(tell: _Telling) -> None:
    time.sleep(_MOMENT)  # or it would take the answer's time after all
    tell()
