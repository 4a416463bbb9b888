"""Collects what is recorded about one organiser's logins, and diagnoses it; changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from authbridge.audit import Action
from authbridge.login.diagnosis import Diagnosis, LoginFacts, MisspeltName, RecentAttempt, diagnose
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.lockouts import Lockout
from authbridge.login.recent_attempts import attempts_of, misspelt_name_of
from authbridge.storage.models import AuditEvent, Organiser

_CHANGES_OF_ORGANISER = (
    Action.ORGANISER_RESET,
    Action.ORGANISER_REINSTATE,
    Action.ORGANISER_CHANGE_VALIDITY,
    Action.ORGANISER_CLEAR_LOCKOUT,
)
_CHANGES_OF_SEVERAL = (
    Action.ORGANISERS_RESET,
    Action.ORGANISERS_REINSTATE,
    Action.ORGANISERS_CHANGE_VALIDITY,
    Action.ORGANISERS_UNDO_VALIDITY,
)


@dataclass(frozen=True, slots=True)
class LoginWeek:
    """The logins of an organiser within the retention, oldest first, and what they say.

    ``changed_at`` is when staff last changed the access; ``misspelt`` the name that was tried instead.
    """

    diagnosis: Diagnosis
    attempts: tuple[RecentAttempt, ...]
    changed_at: datetime | None
    misspelt: MisspeltName | None


def login_week_of(
    session: Session,
    organiser: Organiser,
    lockouts: Sequence[Lockout],
    keyed_hashes: KeyedHashes,
    *,
    since: datetime,
    today: date,
) -> LoginWeek:
    """Returns the logins since then with their diagnosis; ``lockouts`` are those of the organiser now."""
    attempts = attempts_of(session, organiser, since=since)
    changed_at = _changed_at(session, organiser, since)
    misspelt = misspelt_name_of(session, organiser.username, keyed_hashes, since=since)
    facts = LoginFacts(
        suspended_at=organiser.suspended_at,
        school_suspended_at=organiser.school.suspended_at,
        valid_until=organiser.valid_until,
        today=today,
        waits_until=max((each.until for each in lockouts), default=None),
        changed_at=changed_at,
        attempts=attempts,
        misspelt=misspelt,
    )
    return LoginWeek(diagnose(facts), tuple(attempts), changed_at, misspelt)


def _changed_at(session: Session, organiser: Organiser, since: datetime) -> datetime | None:
    """Returns when staff last gave the access back, or gave it another password or end."""
    of_organiser = and_(
        AuditEvent.subject == organiser.username, AuditEvent.action.in_(_CHANGES_OF_ORGANISER)
    )
    of_school = and_(
        AuditEvent.subject == organiser.school.code, AuditEvent.action == Action.SCHOOL_REINSTATE
    )
    query = select(func.max(AuditEvent.at)).where(or_(of_organiser, of_school), AuditEvent.at >= since)
    of_several = select(AuditEvent.at, AuditEvent.detail).where(
        AuditEvent.action.in_(_CHANGES_OF_SEVERAL), AuditEvent.at >= since
    )
    moments = [at for at, detail in session.execute(of_several) if organiser.username in detail["usernames"]]
    return max(filter(None, [session.scalar(query), *moments]), default=None)
