"""Tells staff, in the audit, what the login policy thinks they should know; not twice within the hour."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.orm import Session

from authbridge.audit import POLICY, record
from authbridge.login.policy import (
    ALARMS_OF_ORGANISER,
    ALARMS_OF_STAFF,
    Alarm,
    FailureCounts,
    Limits,
    Network,
    alarms_after,
    pause_after,
    subject_of,
)
from authbridge.storage.database import Database
from authbridge.storage.models import AlarmRaised, table_of
from authbridge.storage.prepared import Prepared
from authbridge.storage.statements import UNSYNCHRONISED, upsert

_told = table_of(AlarmRaised)
_TAKE = upsert(
    _told, key=("about",), changed=("at",), where=_told.c.at <= bindparam("told_before")
).returning(_told.c.about)
_TOLD_AT = Prepared(select(_told.c.at).where(_told.c.about == bindparam("about")))


def due(
    connection: Connection,
    username: str | None,
    network: Network,
    counts: FailureCounts,
    *,
    now: datetime,
    limits: Limits,
) -> list[tuple[Alarm, str]]:
    """The alarms that the latest failure gives rise to, each with its subject, but those told lately.

    ``username`` is an organiser's or a staff member's, as ``counts`` says; None for a name that is nobody's:
    about it there is nothing to tell.
    """
    raised = [
        (alarm, subject_of(alarm, username, network)) for alarm in alarms_after(counts, network, limits)
    ]
    return [
        (alarm, subject)
        for alarm, subject in raised
        if subject is not None and _is_due(alarm, _told_at(connection, alarm, subject), now, limits)
    ]


def tell(database: Database, alarms: Iterable[tuple[Alarm, str]], *, now: datetime, limits: Limits) -> None:
    """Writes each into the audit, unless another process was faster."""
    with database.write_session() as session:
        for alarm, subject in alarms:
            if _take(session, alarm, subject, now, limits):
                record(session, actor=POLICY, action=alarm, subject=subject, now=now)


def forget(session: Session, username: str) -> None:
    """Whatever was told about this organiser is settled: staff will be told of the next attack."""
    _forget(session, username, ALARMS_OF_ORGANISER)


def forget_staff(session: Session, name: str) -> None:
    """Likewise for a member of staff."""
    _forget(session, name, ALARMS_OF_STAFF)


def _forget(session: Session, name: str, alarms: Iterable[Alarm]) -> None:
    told = [_about(alarm, name) for alarm in alarms]
    session.execute(delete(AlarmRaised).where(AlarmRaised.about.in_(told)), execution_options=UNSYNCHRONISED)


def _take(session: Session, alarm: Alarm, subject: str, now: datetime, limits: Limits) -> bool:
    """Whether it is ours to tell; in one statement, for others may be about to tell the same."""
    values = {"about": _about(alarm, subject), "at": now, "told_before": now - pause_after(alarm, limits)}
    return session.execute(_TAKE, values).first() is not None


def _is_due(alarm: Alarm, told_at: datetime | None, now: datetime, limits: Limits) -> bool:
    return told_at is None or now - told_at >= pause_after(alarm, limits)


def _told_at(connection: Connection, alarm: Alarm, subject: str) -> datetime | None:
    row = _TOLD_AT.run(connection, about=_about(alarm, subject))
    return None if row is None else row[0]


def _about(alarm: Alarm, subject: str) -> str:
    return f"{alarm} {subject}"
