"""Who may log in, and what the one who may not is told: values in, values out.

Never does I/O, never reads a clock, never sees a row of the database.

    recorded ──> one password check ──> judge ──> granted
    (attempt)    (decoy for unknown       │       refused     unknown name or wrong password
                  names)                  │       suspended   right password only
                                          └─────> expired     right password only

Who does not have the password learns nothing about the account, so the account's state is looked
at only after the password matched.  Sources: RFC 6120 section 6.5 (conditions), OWASP
Authentication Cheat Sheet ("generic error messages"), OWASP ASVS 5.0 6.3.8.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
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
    ORGANISER_SUSPENDED = "organiser-suspended"
    SCHOOL_SUSPENDED = "school-suspended"
    PAST_VALIDITY = "past-validity"
    CREDENTIAL_REPLACED = "credential-replaced"


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


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, why, and after how many seconds another try makes sense (None: not a matter of time)."""

    verdict: Verdict
    reason: Reason
    retry_after: int | None = None


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
