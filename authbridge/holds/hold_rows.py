"""Lists the holds that count now, latest first, with the number of rows that each keeps; changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from authbridge.holds.commands import no_hold
from authbridge.login import held_rows
from authbridge.storage.models import Hold, LoginAttempt, Organiser, RejectedAttempts, School


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold of rows from ``since`` to before ``before``; ``rows`` is their number now.

    ``kept_until`` is its end; while it is not confirmed, the end of the time for that.
    """

    id: int
    organiser_id: int
    username: str
    school_code: str
    school_name: str
    since: datetime
    before: datetime
    network: str | None
    reason: str
    days: int
    asked_at: datetime
    asked_by: str
    confirmed_at: datetime | None
    confirmed_by: str | None
    kept_until: datetime
    rows: int


_ROWS = (
    select(func.count(LoginAttempt.id)).where(held_rows.names_attempt()).correlate(Hold).scalar_subquery()
    + select(func.count(RejectedAttempts.id))
    .where(held_rows.names_rejection())
    .correlate(Hold)
    .scalar_subquery()
)
_QUERY: Select[*tuple[Any, ...]] = (
    select(Hold, Organiser.username, School.code, School.name, _ROWS)
    .join(Organiser, Organiser.id == Hold.organiser_id)
    .join(School, School.id == Organiser.school_id)
    .order_by(Hold.asked_at.desc(), Hold.id.desc())
)


def list_holds(session: Session, *, now: datetime) -> list[HoldRow]:
    """Lists all holds that count now; they are few."""
    return [_row(*row) for row in session.execute(_QUERY.where(held_rows.counts(now)))]


def count_unconfirmed(session: Session, *, now: datetime) -> int:
    """Counts the holds that wait for a second person."""
    query = select(func.count(Hold.id)).where(held_rows.counts(now), Hold.confirmed_at.is_(None))
    return session.scalar(query) or 0


def get_hold(session: Session, hold_id: int, *, now: datetime) -> HoldRow:
    """Finds one hold.

    Raises:
        NotFoundError: There is no such hold, or it is over.
    """
    found = session.execute(_QUERY.where(Hold.id == hold_id, held_rows.counts(now))).one_or_none()
    if found is None:
        raise no_hold()
    return _row(*found)


def _row(hold: Hold, username: str, code: str, name: str, rows: int) -> HoldRow:
    return HoldRow(
        id=hold.id,
        organiser_id=hold.organiser_id,
        username=username,
        school_code=code,
        school_name=name,
        since=hold.since,
        before=hold.before,
        network=hold.network,
        reason=hold.reason,
        days=hold.days,
        asked_at=hold.asked_at,
        asked_by=hold.asked_by,
        confirmed_at=hold.confirmed_at,
        confirmed_by=hold.confirmed_by,
        kept_until=hold.kept_until,
        rows=rows,
    )
