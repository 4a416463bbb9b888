"""Decides who may log in, who waits, and with which verdict: values in, values out.

Never does I/O, never reads a clock, never sees a row of the database.

    an attempt ── remembered, generated ─────────────────────────────────────────┐
        │                                                                         │
        ├── throttle: pair, account, network ──> locked until …                   │
        │                                                                         │
        ├── the same wrong password again ──> refused                             │
        │                                                                         │
        ├── remembered, imported ─────────────────────────────────────────────────┤
        │                                                                         │
        ├── excluded by the quick check ──> a failure, not hashed ──> refused     │
        │                                                                         │
        └── one hash ──> no match ──> a failure ──┬──> refused                    └──> judge ──> granted
                    │   (unknown names: a decoy)  │                               ┌──>   │       suspended
                    └──> match ───────────────────│───────────────────────────────┘      └─────> expired
                                                  v
    a pair:     free ── fifth distinct failure in 15 min ──> waits 30 s ── another ──> 60 s … 900 s
                 ^                                              │
                 └── success from that pair, or 60 min quiet <──┘      (known-good, trusted: always 30 s)

Without the password nobody learns anything about the account, so its state is looked at only
after the password matched.  Nothing automatic blocks an account for good.

Sources: RFC 6120 section 6.5 (conditions), OWASP Authentication Cheat Sheet ("generic error messages"),
OWASP ASVS 5.0 6.1.1, 6.3.1 and 6.3.8, NIST SP 800-63B section 5.2.2 (throttling, at most 100 failures),
Kanidm's soft lock, weakforced and Mailu (only distinct wrong passwords count).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from authbridge.login.failure_history import Failure, FailureHistory, SignInStep
from authbridge.login.limits import Limits

_NO_WAIT = timedelta(0)


class Verdict(StrEnum):
    """The whole public vocabulary, on the wire and in the journal."""

    GRANTED = "granted"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    LOCKED = "locked"
    UNAVAILABLE = "unavailable"


class Reason(StrEnum):
    """The cause of a verdict; for the journal only, never for the person who logs in."""

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
    NO_TOKEN = "no-token"  # noqa: S105 - a reason, no token


@dataclass(frozen=True, slots=True)
class Account:
    """The state of an organiser that the policy decides by, at one moment.

    ``valid_until`` is the last day of validity, None for no end.  ``credential_version`` counts
    the passwords this organiser has had; the former one counts as well to the end of ``former_until``,
    None if it does not.  ``school`` is the code of the organiser's school, None in simulations.
    """

    credential_version: int
    suspended: bool
    school_suspended: bool
    valid_until: date | None
    former_until: date | None = None
    school: str | None = None

    def accepts(self, version: int | str, today: date) -> bool:
        """Tells whether the password of that version counts on that day."""
        is_former = version == self.credential_version - 1
        former_counts = self.former_until is not None and today <= self.former_until
        return version == self.credential_version or (is_former and former_counts)


class CacheResult(StrEnum):
    """The answer of the password cache about a name with a password."""

    NONE = "none"
    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, its reason, and the seconds until another try makes sense (None: time changes nothing).

    ``school`` is the code of the school whose organiser was let in; with any other verdict it is None, or
    the answer would tell something about a name.
    """

    verdict: Verdict
    reason: Reason
    retry_after: int | None = None
    school: str | None = None


NOT_OURS = Decision(Verdict.REFUSED, Reason.NO_TOKEN)
SESSION_ENDED = Decision(Verdict.REFUSED, Reason.SESSION_ENDED)
REPEATED = Decision(Verdict.REFUSED, Reason.REPEATED_PASSWORD)
QUEUE_TOO_LONG = Decision(Verdict.UNAVAILABLE, Reason.QUEUE_TOO_LONG)


def passes_every_wait(cached: CacheResult, *, generated: bool) -> bool:
    """Applies the rule *remembered*: only the owner has 49 random bits, so no guesser makes them wait."""
    return cached is CacheResult.RIGHT and generated


def throttle(history: FailureHistory, at: datetime, limits: Limits) -> Decision | None:
    """Returns the decision that makes this attempt wait, before any password is hashed; None if it passes."""
    for rule, reason in _RULES:
        until = rule(history, at, limits)
        if until is not None and at < until:
            return Decision(Verdict.LOCKED, reason, math.ceil((until - at).total_seconds()))
    return None


def pair_waits_until(history: FailureHistory, at: datetime, limits: Limits) -> datetime | None:  # noqa: ARG001
    """Returns the end of a wait by the rule *pair*: the one that the latest failure started."""
    pair_failures = history.pair_failures
    # Without a wait there is no end of one: a failure may be later than this moment, by another clock.
    return pair_failures[-1].wait_ends if pair_failures and pair_failures[-1].wait else None


def account_waits_until(history: FailureHistory, at: datetime, limits: Limits) -> datetime | None:
    """Returns the end of a wait by the rule *account*: so many failures a day, from however many networks."""
    if history.sign_in_step is SignInStep.INVITATION:
        return None  # its 49 random bits need no such limit, and strangers would use it up within a second
    window = limits.account_window
    failures = [failure for failure in history.failures if failure.at > at - window]
    ends = [_full_until(failures, limits.account_failures, window)]
    if history.is_unfamiliar:
        from_unfamiliar_network = [failure for failure in failures if failure.from_unfamiliar_network]
        ends.append(_full_until(from_unfamiliar_network, limits.account_outside, window))
    return max((end for end in ends if end is not None), default=None)


def _full_until(failures: Sequence[Failure], limit: int, window: timedelta) -> datetime | None:
    return failures[-limit].at + window if len(failures) >= limit else None


def network_waits_until(history: FailureHistory, at: datetime, limits: Limits) -> datetime | None:  # noqa: ARG001
    """Returns the end of a wait by the rule *network*: many names failed there; known-good pairs pass."""
    return history.network_waits_until if history.is_unfamiliar else None


def must_network_wait(failures: int, names: int, limits: Limits) -> bool:
    """Tells whether so many distinct failures over so many names make a network wait, unless trusted."""
    return failures >= limits.network_failures and names >= limits.network_names


_RULES = (
    (pair_waits_until, Reason.PAIR_WAITS),
    (account_waits_until, Reason.ACCOUNT_WAITS),
    (network_waits_until, Reason.NETWORK_WAITS),
)


def recent_failures(history: FailureHistory, at: datetime, limits: Limits) -> tuple[int, int]:
    """Counts the recent failures of the name and of the network; with fewer, an attempt is hashed earlier."""
    since = at - limits.pair_window
    return sum(failure.at > since for failure in history.failures), history.network_failures


def failure_of(
    history: FailureHistory, at: datetime, fingerprints: Mapping[date, int], limits: Limits
) -> Failure:
    """Returns the attempt as the failure that it is until its password has matched.

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
        wait=_NO_WAIT if tried_before else _wait_after(history, at, limits),
    )


def _wait_after(history: FailureHistory, at: datetime, limits: Limits) -> timedelta:
    pair_failures = history.pair_failures
    if pair_failures and pair_failures[-1].wait and at - pair_failures[-1].at < limits.pair_quiet:
        doubled = min(pair_failures[-1].wait * 2, limits.longest_wait)
        return doubled if history.is_unfamiliar else limits.first_wait
    recent = sum(failure.at > at - limits.pair_window for failure in pair_failures)
    return limits.first_wait if recent + 1 >= limits.pair_guesses else _NO_WAIT


def judge(account: Account | None, *, checked_version: int | str | None, today: date) -> Decision:
    """Decides after the password check of an organiser.

    ``account`` is the state after the check, None for an unknown name.  ``checked_version`` is the
    credential version whose password matched, None if none did: a password that was replaced while
    it was being checked is wrong.  ``today`` is the day in the operator's time zone; the last day of
    validity counts to its end.
    """
    if account is None:
        return Decision(Verdict.REFUSED, Reason.UNKNOWN_NAME)
    if checked_version is None:
        return Decision(Verdict.REFUSED, Reason.WRONG_PASSWORD)
    if not account.accepts(checked_version, today):
        return Decision(Verdict.REFUSED, Reason.CREDENTIAL_REPLACED)
    if account.suspended:
        return Decision(Verdict.SUSPENDED, Reason.ORGANISER_SUSPENDED)
    if account.school_suspended:
        return Decision(Verdict.SUSPENDED, Reason.SCHOOL_SUSPENDED)
    if account.valid_until is not None and today > account.valid_until:
        return Decision(Verdict.EXPIRED, Reason.PAST_VALIDITY)
    return Decision(Verdict.GRANTED, Reason.IN_ORDER, school=account.school)


def judge_staff(*, is_proven: bool, suspended: bool) -> Decision:
    """Decides after the check at the panel; ``is_proven``: the password or code is the current one.

    With the right one a person learns of a suspension: the next page would show that it was right anyway.
    """
    if not is_proven:
        return Decision(Verdict.REFUSED, Reason.WRONG_PASSWORD)
    if suspended:
        return Decision(Verdict.SUSPENDED, Reason.STAFF_SUSPENDED)
    return Decision(Verdict.GRANTED, Reason.IN_ORDER)
