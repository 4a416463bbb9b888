"""Tells which rows of the journal are kept for an incident, beyond the retention; changes nothing.

A row is kept as long as a hold counts that names its organiser, its moment and, if the hold is narrowed, its
network.  Who may make one says :mod:`authbridge.holds`.
"""

from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from authbridge.storage.models import Hold, LoginAttempt, RejectedAttempts
from authbridge.storage.networks import Overlaps


def counts(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Selects the holds that keep their rows at that moment."""
    return Hold.kept_until > now


def names_attempt() -> ColumnElement[bool]:
    """Selects the pairs of a hold and a login that it names."""
    return _names(LoginAttempt.organiser_id, LoginAttempt.at, LoginAttempt.ip)


def names_rejection() -> ColumnElement[bool]:
    """Selects the pairs of a hold and a minute of logins rejected without a check that it names.

    Of a minute only the network is known, which may be wider than that of the hold, or narrower.
    """
    return _names(RejectedAttempts.organiser_id, RejectedAttempts.minute, RejectedAttempts.network)


def attempt_is_held(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Selects the logins that a hold keeps."""
    return exists().where(counts(now), names_attempt()).correlate(LoginAttempt)


def rejection_is_held(now: datetime) -> ColumnElement[bool]:
    """Selects the minutes of logins rejected without a check that a hold keeps."""
    return exists().where(counts(now), names_rejection()).correlate(RejectedAttempts)


def last_end(session: Session, *, now: datetime, organiser_id: int | None = None) -> datetime | None:
    """Returns when the last hold ends, of that organiser or of all; None if there is none."""
    is_it = [] if organiser_id is None else [Hold.organiser_id == organiser_id]
    return session.scalar(select(func.max(Hold.kept_until)).where(counts(now), *is_it))


def _names(
    organiser_id: InstrumentedAttribute[int | None],
    at: InstrumentedAttribute[datetime],
    origin: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
) -> ColumnElement[bool]:
    return and_(
        Hold.organiser_id == organiser_id,
        Hold.since <= at,
        Hold.before > at,
        or_(Hold.network.is_(None), Overlaps(origin, Hold.network)),
    )
