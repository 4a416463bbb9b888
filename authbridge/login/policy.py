"""Who may log in, who waits, and what the one who may not is told: values in, values out.

Never does I/O, never reads a clock, never sees a row of the database.

    an attempt ── remembered, generated ─────────────────────────────────────────┐
        │                                                                         │
        ├── throttle: pair, account, network ──> locked until …                   │
        │                                                                         │
        ├── the same wrong password again ──> refused                             │
        │                                                                         │
        ├── remembered, imported ─────────────────────────────────────────────────┤
        │                                                                         │
        └── one hash ──> no match ──> a failure ──┬──> refused                    └──> judge ──> granted
                    │   (unknown names: a decoy)  │                               ┌──>   │       suspended
                    └──> match ───────────────────│───────────────────────────────┘      └─────> expired
                                                  v
    a pair:     free ── fifth distinct failure in 15 min ──> waits 30 s ── another ──> 60 s … 900 s
                 ^                                              │
                 └── success from that pair, or 60 min quiet <──┘      (known-good, trusted: always 30 s)

Who does not have the password learns nothing about the account, so the account's state is looked
at only after the password matched.  Nothing automatic blocks an account for good.

Sources: RFC 6120 section 6.5 (conditions), OWASP Authentication Cheat Sheet ("generic error messages"),
OWASP ASVS 5.0 6.1.1, 6.3.1 and 6.3.8, NIST SP 800-63B section 5.2.2 (throttling, at most 100 failures),
Kanidm's soft lock, weakforced and Mailu (only distinct wrong passwords count).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """The whole public vocabulary, on the wire and in the journal."""

    GRANTED = "granted"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    LOCKED = "locked"
    UNAVAILABLE = "unavailable"


class Reason(StrEnum):
    """Why; for the journal only, never for the person who logs in."""

    IN_ORDER = "in-order"
    UNKNOWN_NAME = "unknown-name"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - a reason, no password
    REPEATED_PASSWORD = "repeated-password"  # noqa: S105 - a reason, no password
    ORGANISER_SUSPENDED = "organiser-suspended"
    SCHOOL_SUSPENDED = "school-suspended"
    PAST_VALIDITY = "past-validity"
    CREDENTIAL_REPLACED = "credential-replaced"
    PAIR_WAITS = "pair-waits"
    ACCOUNT_WAITS = "account-waits"
    NETWORK_WAITS = "network-waits"
    QUEUE_TOO_LONG = "queue-too-long"
    STAFF_SUSPENDED = "staff-suspended"
    SESSION_ENDED = "session-ended"


@dataclass(frozen=True, slots=True)
class Limits:
    """Every number of the policy; durations in seconds.  Each is a setting."""

    pair_guesses: int = 5  # distinct wrong passwords of a name from one network …
    pair_window: int = 15 * 60  # … within this, and the pair waits
    first_wait: int = 30  # doubled by each further failure; where known-good or trusted it stays
    longest_wait: int = 15 * 60
    pair_quiet: int = 60 * 60  # without a failure, and the pair begins anew

    account_window: int = 24 * 60 * 60
    account_alarm: int = 20  # failures in the window, and staff are told
    account_outside: int = 50  # failures from networks neither known-good nor trusted
    account_failures: int = 100  # failures from everywhere; NIST SP 800-63B's ceiling

    network_window: int = 15 * 60
    network_failures: int = 30  # distinct ones in the window …
    network_names: int = 8  # … over so many names: fewer are a family or a staff room
    network_wait: int = 15 * 60
    network_spray: int = 20  # more names than this with failures in the window, and staff are told
    trusted_alarm: int = 300  # distinct failures in the window from a school's own network

    overall_window: int = 60 * 60
    overall_alarm: int = 200  # more failures than this, and staff are told
    alarm_pause: int = 60 * 60  # between two alarms about the same

    known_good: int = 7 * 24 * 60 * 60  # since the last success of that name from that network
    remembered: int = 7 * 24 * 60 * 60  # since the last use of a verified password
    remembered_entries: int = 50_000
    repeated: int = 24 * 60 * 60  # since a wrong password was found wrong
    repeated_entries: int = 50_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login as it reached us; ``at`` is aware UTC, ``ip`` None where unknown."""

    username: str
    password: str = field(repr=False)
    ip: str | None
    user_agent: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """What the policy needs to know of an organiser, at one moment.

    ``valid_until`` is the last day of validity, None for no end.  ``credential_version`` counts
    the passwords this organiser has had.
    """

    credential_version: int
    suspended: bool
    school_suspended: bool
    valid_until: date | None


class SignInStep(StrEnum):
    """Where staff show that it is them; failures at each are counted for themselves."""

    PASSWORD = "Password"  # noqa: S105 - a door, no password
    CODE = "Code"  # behind the first
    INVITATION = "Invitation"


@dataclass(frozen=True, slots=True)
class Network:
    """Where an attempt comes from: ``key`` is None where unknown, ``trusted`` for the school's own.

    ``is_device``: a browser that shows that its owner has come in with it, wherever it is.
    """

    key: str | None
    trusted: bool = False
    is_device: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A password that was hashed and did not match, or that is being hashed right now.

    ``from_unfamiliar_network``: the network was neither known-good nor trusted.  ``fingerprint`` tells
    distinct passwords of a pair apart (12 bits; its key changes with the day of ``at``); None for a
    password that the pair had tried before, and after a success: those count for the account only.
    ``wait`` is how many seconds the pair waits after it.
    """

    at: datetime
    network: str | None
    from_unfamiliar_network: bool
    fingerprint: int | None
    wait: int

    @property
    def wait_ends(self) -> datetime:
        """When the pair is free again."""
        return self.at + timedelta(seconds=self.wait)


@dataclass(frozen=True, slots=True)
class FailureHistory:
    """What is known about a name and the network it is used from, at one moment.

    ``failures`` are those of the name, from everywhere, oldest first.  ``network_failures`` (distinct) and
    ``network_names`` count what came from the network within ``network_window`` and after its last
    wait; both are 0 for an unknown or trusted network, to which that rule does not apply.
    ``sign_in_step`` is None for a login of organisers.
    """

    network: Network
    known_good: bool = False
    failures: Sequence[Failure] = ()
    network_failures: int = 0
    network_names: int = 0
    network_waits_until: datetime | None = None
    sign_in_step: SignInStep | None = None

    @property
    def is_unfamiliar(self) -> bool:
        """Whether nothing speaks for the network."""
        return not (self.known_good or self.network.trusted)

    @property
    def pair_failures(self) -> list[Failure]:
        """The distinct failures of this name from this network."""
        return [
            failure
            for failure in self.failures
            if failure.network == self.network.key and failure.fingerprint is not None
        ]


class CacheResult(StrEnum):
    """What the service remembers of a name with a password."""

    NONE = "none"
    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, why, and after how many seconds another try makes sense (None: not a matter of time)."""

    verdict: Verdict
    reason: Reason
    retry_after: int | None = None


SESSION_ENDED = Decision(Verdict.REFUSED, Reason.SESSION_ENDED)
REPEATED = Decision(Verdict.REFUSED, Reason.REPEATED_PASSWORD)
QUEUE_TOO_LONG = Decision(Verdict.UNAVAILABLE, Reason.QUEUE_TOO_LONG)


def passes_every_wait(cached: CacheResult, *, generated: bool) -> bool:
    """The rule *remembered*: only the owner has 50 random bits, so no guesser can make him wait."""
    return cached is CacheResult.RIGHT and generated


def throttle(history: FailureHistory, at: datetime, limits: Limits) -> Decision | None:
    """Whether this attempt must wait, before any password is hashed; None if it need not."""
    for rule, reason in _RULES:
        until = rule(history, at, limits)
        if until is not None and at < until:
            return Decision(Verdict.LOCKED, reason, math.ceil((until - at).total_seconds()))
    return None


def pair_waits_until(history: FailureHistory, at: datetime, limits: Limits) -> datetime | None:  # noqa: ARG001
    """The rule *pair*: the wait that the latest failure started."""
    pair_failures = history.pair_failures
    # Without a wait there is no end of one: a failure may be later than this moment, by another clock.
    return pair_failures[-1].wait_ends if pair_failures and pair_failures[-1].wait else None


def account_waits_until(history: FailureHistory, at: datetime, limits: Limits) -> datetime | None:
    """The rule *account*: so many failures a day, however many networks they came from."""
    if history.sign_in_step is SignInStep.INVITATION:
        return None  # its 50 random bits need no such limit, and strangers would use it up within a second
    window = timedelta(seconds=limits.account_window)
    failures = [failure for failure in history.failures if failure.at > at - window]
    ends = [_full_until(failures, limits.account_failures, window)]
    if history.is_unfamiliar:
        from_unfamiliar_network = [failure for failure in failures if failure.from_unfamiliar_network]
        ends.append(_full_until(from_unfamiliar_network, limits.account_outside, window))
    return max((end for end in ends if end is not None), default=None)


def _full_until(failures: Sequence[Failure], limit: int, window: timedelta) -> datetime | None:
    return failures[-limit].at + window if len(failures) >= limit else None


def network_waits_until(history: FailureHistory, at: datetime, limits: Limits) -> datetime | None:  # noqa: ARG001
    """The rule *network*: many names failed from one address; who is known there passes."""
    return history.network_waits_until if history.is_unfamiliar else None


def must_network_wait(failures: int, names: int, limits: Limits) -> bool:
    """Whether so many distinct failures over so many names make a network wait; trusted ones never do."""
    return failures >= limits.network_failures and names >= limits.network_names


_RULES = (
    (pair_waits_until, Reason.PAIR_WAITS),
    (account_waits_until, Reason.ACCOUNT_WAITS),
    (network_waits_until, Reason.NETWORK_WAITS),
)


def recent_failures(history: FailureHistory, at: datetime, limits: Limits) -> int:
    """How much speaks against the owner being here: the fewer, the earlier an attempt is hashed.

    Not what failed elsewhere: nobody puts an owner behind all others by guessing at his name.
    """
    window = timedelta(seconds=limits.pair_window)
    return history.network_failures + sum(failure.at > at - window for failure in history.pair_failures)


def failure_of(
    history: FailureHistory, at: datetime, fingerprints: Mapping[date, int], limits: Limits
) -> Failure:
    """The attempt as the failure that it is until its password has matched.

    ``fingerprints`` are those of its password by the day of the key: today's and yesterday's.
    """
    pair_failures = history.pair_failures
    tried_before = any(
        fingerprints.get(failure.at.date()) == failure.fingerprint for failure in pair_failures
    )
    return Failure(
        at=at,
        network=history.network.key,
        from_unfamiliar_network=history.is_unfamiliar,
        fingerprint=None if tried_before else fingerprints[at.date()],
        wait=0 if tried_before else _wait_after(history, at, limits),
    )


def _wait_after(history: FailureHistory, at: datetime, limits: Limits) -> int:
    quiet, window = timedelta(seconds=limits.pair_quiet), timedelta(seconds=limits.pair_window)
    pair_failures = history.pair_failures
    if pair_failures and pair_failures[-1].wait and at - pair_failures[-1].at < quiet:
        doubled = min(pair_failures[-1].wait * 2, limits.longest_wait)
        return doubled if history.is_unfamiliar else limits.first_wait
    recent = sum(failure.at > at - window for failure in pair_failures)
    return limits.first_wait if recent + 1 >= limits.pair_guesses else 0


class Alarm(StrEnum):
    """What staff are told about guessing: ``subject:what-happened``, as in the audit."""

    ACCOUNT_GUESSED = "organiser:guessed"
    ACCOUNT_FULL = "organiser:locked"
    STAFF_GUESSED = "staff:guessed"
    STAFF_FULL = "staff:locked"
    CODE_REFUSED = "staff:code-refused"
    NETWORK_WAITS = "network:locked"
    NETWORK_SPRAYS = "network:sprays"
    TRUSTED_NETWORK = "network:guesses"
    OVERALL = "service:guessed"


@dataclass(frozen=True, slots=True)
class FailureCounts:
    """What the latest failure adds up to, in the windows of the limits; itself included.

    ``network_failures`` are distinct ones; both figures of the network are 0 where it is unknown.
    ``sign_in_step`` is None for a login of organisers.
    """

    account: int
    network_failures: int
    network_names: int
    overall: int
    sign_in_step: SignInStep | None = None


def alarms_after(counts: FailureCounts, network: Network, limits: Limits) -> Iterator[Alarm]:
    """What staff should know now, unless they were told of it lately."""
    if counts.sign_in_step is None:
        yield from _alarms_of_organiser(counts, limits)
    else:
        yield from _alarms_of_staff(counts, counts.sign_in_step, limits)
    if network.trusted:
        if counts.network_failures >= limits.trusted_alarm:
            yield Alarm.TRUSTED_NETWORK
    elif must_network_wait(counts.network_failures, counts.network_names, limits):
        yield Alarm.NETWORK_WAITS
    if counts.network_names > limits.network_spray:
        yield Alarm.NETWORK_SPRAYS
    if counts.overall > limits.overall_alarm:
        yield Alarm.OVERALL


def _alarms_of_organiser(counts: FailureCounts, limits: Limits) -> Iterator[Alarm]:
    if counts.account >= limits.account_alarm:
        yield Alarm.ACCOUNT_GUESSED
    if counts.account >= limits.account_failures:
        yield Alarm.ACCOUNT_FULL


def _alarms_of_staff(counts: FailureCounts, sign_in_step: SignInStep, limits: Limits) -> Iterator[Alarm]:
    if sign_in_step is SignInStep.CODE:
        yield Alarm.CODE_REFUSED  # after the right password: perhaps somebody else has it
    # Staff are few and may do much: of them it is told when the first wait starts.
    if counts.account >= limits.pair_guesses:
        yield Alarm.STAFF_GUESSED
    if counts.account >= limits.account_failures and sign_in_step is not SignInStep.INVITATION:
        yield Alarm.STAFF_FULL


ALARMS_OF_ORGANISER = (Alarm.ACCOUNT_GUESSED, Alarm.ACCOUNT_FULL)
ALARMS_OF_STAFF = (Alarm.STAFF_GUESSED, Alarm.STAFF_FULL, Alarm.CODE_REFUSED)
ALARMS_OF_ACCOUNT = (*ALARMS_OF_ORGANISER, *ALARMS_OF_STAFF)


def subject_of(alarm: Alarm, username: str | None, network: Network) -> str | None:
    """Whom the alarm is about; None where it is a name that is nobody's: of it there is nothing to tell."""
    match alarm.partition(":")[0]:
        case "organiser" | "staff":
            return username
        case "network":
            return network.key
        case subject:
            return subject


def pause_after(alarm: Alarm, limits: Limits) -> timedelta:
    """How long staff are not told the same again; what is about an account counts its whole window."""
    return timedelta(seconds=limits.account_window if alarm in ALARMS_OF_ACCOUNT else limits.alarm_pause)


def judge(account: Account | None, *, checked_version: int | None, today: date) -> Decision:
    """The decision after the password check.

    ``account`` is the state after the check, None for an unknown name.  ``checked_version`` is the
    credential version whose password matched, None if none did: a password that was replaced while
    it was being checked is wrong.  ``today`` is the day in the operator's time zone; the last day of
    validity counts to its end.
    """
    if account is None:
        return Decision(Verdict.REFUSED, Reason.UNKNOWN_NAME)
    if checked_version is None:
        return Decision(Verdict.REFUSED, Reason.WRONG_PASSWORD)
    if checked_version != account.credential_version:
        return Decision(Verdict.REFUSED, Reason.CREDENTIAL_REPLACED)
    if account.suspended:
        return Decision(Verdict.SUSPENDED, Reason.ORGANISER_SUSPENDED)
    if account.school_suspended:
        return Decision(Verdict.SUSPENDED, Reason.SCHOOL_SUSPENDED)
    if account.valid_until is not None and today > account.valid_until:
        return Decision(Verdict.EXPIRED, Reason.PAST_VALIDITY)
    return Decision(Verdict.GRANTED, Reason.IN_ORDER)


def judge_staff(*, is_proven: bool, suspended: bool) -> Decision:
    """The panel's decision; ``is_proven``: the password, code or invitation is the one that counts now.

    Who has the right one learns of a suspension: without it the next page would tell that it was right.
    """
    if not is_proven:
        return Decision(Verdict.REFUSED, Reason.WRONG_PASSWORD)
    if suspended:
        return Decision(Verdict.SUSPENDED, Reason.STAFF_SUSPENDED)
    return Decision(Verdict.GRANTED, Reason.IN_ORDER)
