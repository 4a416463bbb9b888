"""Answers why an organiser does not get in, and what helps, from what is recorded: values in, values out.

Never does I/O, never reads a clock, never words a sentence.

    suspended, school suspended, expired, waiting now ──> that, whatever was tried
        │
        └── only attempts since staff last changed the access count
              ├── a name one slip away was tried later ──> misspelt name
              ├── none ──> not tried since the change; else not tried in the week
              └── the latest of them ──> got in, wrong password, waited, busy, open again
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from authbridge.login.policy import Verdict

_PAUSE = timedelta(hours=2)  # between two attempts, and they are two stories on the telephone


class LoginOutcome(StrEnum):
    """The outcome of a login in the words of staff."""

    ADMITTED = "admitted"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - an outcome, no password
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    WAITED = "waited"
    BUSY = "busy"
    BROKEN_OFF = "broken-off"  # the service ended during the check


class NetworkKind(StrEnum):
    """The origin of a login, without its address."""

    OWN = "own"  # the school's
    OTHER = "other"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """The reason why an organiser does not get in, or that they do."""

    SUSPENDED = "suspended"
    SCHOOL_SUSPENDED = "school-suspended"
    EXPIRED = "expired"
    WAITING = "waiting"
    MISSPELT_NAME = "misspelt-name"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - a cause, no password
    WAITED = "waited"
    BUSY = "busy"
    OPEN_AGAIN = "open-again"
    NOT_TRIED_SINCE = "not-tried-since"
    NOT_TRIED = "not-tried"
    IN_ORDER = "in-order"


class NextAction(StrEnum):
    """What staff do next, or say on the telephone."""

    REINSTATE = "reinstate"
    OPEN_SCHOOL = "open-school"
    EXTEND = "extend"
    LIFT_WAIT = "lift-wait"
    NEW_PASSWORD = "new-password"  # noqa: S105 - an action, no password
    COMPARE_NAME = "compare-name"
    TRY_AGAIN = "try-again"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class RecentAttempt:
    """A login, or ``count`` equal ones of one minute, of which only the number is known."""

    at: datetime
    outcome: LoginOutcome
    network: NetworkKind
    count: int = 1


@dataclass(frozen=True, slots=True)
class Episode:
    """Logins that belong together; ``network`` is None where they came from several kinds."""

    outcome: LoginOutcome
    network: NetworkKind | None
    first: datetime
    last: datetime
    count: int


@dataclass(frozen=True, slots=True)
class MisspeltName:
    """An unknown username that was tried, one slip away from an existing one.

    How often is not known: equal attempts at unknown usernames are counted for all of them together.
    """

    typed: str
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginFacts:
    """What is known of one organiser at one moment.

    ``attempts`` are those of the week, oldest first.  ``waits_until`` is the end of a wait that goes on.
    ``changed_at``: staff last changed the access, so that earlier attempts explain nothing any more.
    """

    suspended_at: datetime | None = None
    school_suspended_at: datetime | None = None
    valid_until: date | None = None
    today: date
    waits_until: datetime | None = None
    changed_at: datetime | None = None
    attempts: Sequence[RecentAttempt] = ()
    misspelt: MisspeltName | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The cause, and what to do; ``episode`` has the logins that show it, if there were any."""

    cause: Cause
    action: NextAction
    episode: Episode | None = None


def outcome_of(verdict: str | None) -> LoginOutcome:
    """Returns the outcome of a login by its verdict in the journal; None: it never got one."""
    return _OUTCOMES[None if verdict is None else Verdict(verdict)]


_OUTCOMES = {
    Verdict.GRANTED: LoginOutcome.ADMITTED,
    Verdict.REFUSED: LoginOutcome.WRONG_PASSWORD,
    Verdict.SUSPENDED: LoginOutcome.SUSPENDED,
    Verdict.EXPIRED: LoginOutcome.EXPIRED,
    Verdict.LOCKED: LoginOutcome.WAITED,
    Verdict.UNAVAILABLE: LoginOutcome.BUSY,
    None: LoginOutcome.BROKEN_OFF,
}


def diagnose(facts: LoginFacts) -> Diagnosis:
    """Returns the cause and what to do; the order is that of :func:`authbridge.login.policy.judge`."""
    latest = _latest(facts.attempts)
    if facts.suspended_at is not None:
        return Diagnosis(Cause.SUSPENDED, NextAction.REINSTATE, _since(facts.suspended_at, latest))
    if facts.school_suspended_at is not None:
        since = _since(facts.school_suspended_at, latest)
        return Diagnosis(Cause.SCHOOL_SUSPENDED, NextAction.OPEN_SCHOOL, since)
    if facts.valid_until is not None and facts.today > facts.valid_until:
        return Diagnosis(Cause.EXPIRED, NextAction.EXTEND, latest)
    if facts.waits_until is not None:
        wrong = [each for each in facts.attempts if each.outcome is LoginOutcome.WRONG_PASSWORD]
        return Diagnosis(Cause.WAITING, NextAction.LIFT_WAIT, _latest(wrong))
    return _diagnose_attempts(facts)


def _since(start: datetime, episode: Episode | None) -> Episode | None:
    return episode if episode is not None and episode.last >= start else None


def _diagnose_attempts(facts: LoginFacts) -> Diagnosis:
    attempts = [each for each in facts.attempts if facts.changed_at is None or each.at > facts.changed_at]
    if _was_misspelt_later(facts, attempts):
        return Diagnosis(Cause.MISSPELT_NAME, NextAction.COMPARE_NAME)
    if not attempts:
        if facts.changed_at is not None:
            return Diagnosis(Cause.NOT_TRIED_SINCE, NextAction.TRY_AGAIN)
        return Diagnosis(Cause.NOT_TRIED, NextAction.COMPARE_NAME)
    return _diagnose_latest(attempts)


def _was_misspelt_later(facts: LoginFacts, attempts: Sequence[RecentAttempt]) -> bool:
    if facts.misspelt is None:
        return False
    earlier = [facts.changed_at] if facts.changed_at is not None else []
    earlier += [attempts[-1].at] if attempts else []
    return all(facts.misspelt.last > each for each in earlier)


def _diagnose_latest(attempts: Sequence[RecentAttempt]) -> Diagnosis:
    latest = _latest(attempts)
    match attempts[-1].outcome:
        case LoginOutcome.ADMITTED:
            return Diagnosis(Cause.IN_ORDER, NextAction.NOTHING, latest)
        case LoginOutcome.BUSY | LoginOutcome.BROKEN_OFF:
            return Diagnosis(Cause.BUSY, NextAction.TRY_AGAIN, latest)
        case LoginOutcome.SUSPENDED | LoginOutcome.EXPIRED:
            return Diagnosis(Cause.OPEN_AGAIN, NextAction.TRY_AGAIN, latest)
        case _:
            # A wait follows wrong passwords: these are the cause, and the wait is over.
            wrong = _latest(_wrong_since_success(attempts))
            if wrong is None:
                return Diagnosis(Cause.WAITED, NextAction.TRY_AGAIN, latest)
            return Diagnosis(Cause.WRONG_PASSWORD, NextAction.NEW_PASSWORD, wrong)


def _wrong_since_success(attempts: Sequence[RecentAttempt]) -> list[RecentAttempt]:
    last_success = max(
        (each.at for each in attempts if each.outcome is LoginOutcome.ADMITTED), default=attempts[0].at
    )
    return [
        each for each in attempts if each.outcome is LoginOutcome.WRONG_PASSWORD and each.at >= last_success
    ]


def _latest(attempts: Sequence[RecentAttempt]) -> Episode | None:
    """Joins the latest logins of one outcome, from wherever they came."""
    episode: list[RecentAttempt] = []
    for attempt in reversed(attempts):
        if episode and not _belongs(attempt, episode[-1]):
            break
        episode.append(attempt)
    return _joined(episode[::-1]) if episode else None


def _belongs(attempt: RecentAttempt, later: RecentAttempt) -> bool:
    return attempt.outcome is later.outcome and later.at - attempt.at <= _PAUSE


def episodes(attempts: Iterable[RecentAttempt]) -> list[Episode]:
    """Joins neighbours of one outcome from one kind of network, oldest first."""
    found: list[list[RecentAttempt]] = []
    for attempt in attempts:
        if found and found[-1][-1].network is attempt.network and _belongs(found[-1][-1], attempt):
            found[-1].append(attempt)
        else:
            found.append([attempt])
    return [_joined(each) for each in found]


def _joined(attempts: Sequence[RecentAttempt]) -> Episode:
    networks = {each.network for each in attempts}
    return Episode(
        outcome=attempts[0].outcome,
        network=networks.pop() if len(networks) == 1 else None,
        first=attempts[0].at,
        last=attempts[-1].at,
        count=sum(each.count for each in attempts),
    )
