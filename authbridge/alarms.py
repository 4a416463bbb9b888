"""Tells staff, in the audit, what the login policy thinks they should know; not twice within the hour."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from authbridge.audit import POLICY, record
from authbridge.database import Database
from authbridge.models import AlarmTold, table_of
from authbridge.policy import Alarm, Limits, Network, Tally, alarms_after
from authbridge.prepared import Prepared

_told = table_of(AlarmTold)
_TOLD_AT = Prepared(select(_told.c.at).where(_told.c.about == bindparam("about")))


def due(
    connection: Connection,
    username: str | None,
    network: Network,
    tally: Tally,
    *,
    now: datetime,
    limits: Limits,
) -> list[tuple[Alarm, str]]:
    """The alarms that the latest failure gives rise to, each with its subject, but those told lately.

    ``username`` is None for a name that is nobody's: about it there is nothing to tell.
    """
    raised = [(alarm, _subject(alarm, username, network)) for alarm in alarms_after(tally, network, limits)]
    return [
        (alarm, subject)
        for alarm, subject in raised
        if subject is not None and _is_due(alarm, _told_at(connection, alarm, subject), now, limits)
    ]


def tell(database: Database, alarms: Iterable[tuple[Alarm, str]], *, now: datetime, limits: Limits) -> None:
    """Writes each into the audit, unless another process was faster."""
    with database.writing() as session:
        for alarm, subject in alarms:
            if _is_due(alarm, _lock_told(session, alarm, subject), now, limits):
                session.merge(AlarmTold(about=_about(alarm, subject), at=now))
                record(session, actor=POLICY, action=alarm, subject=subject, now=now)


def _subject(alarm: Alarm, username: str | None, network: Network) -> str | None:
    match alarm.partition(":")[0]:
        case "organiser":
            return username
        case "network":
            return network.key
        case subject:
            return subject


def _is_due(alarm: Alarm, told_at: datetime | None, now: datetime, limits: Limits) -> bool:
    of_account = alarm in {Alarm.ACCOUNT_GUESSED, Alarm.ACCOUNT_FULL}  # these count a whole day
    pause = limits.account_window if of_account else limits.alarm_pause
    return told_at is None or now - told_at >= timedelta(seconds=pause)


def _told_at(connection: Connection, alarm: Alarm, subject: str) -> datetime | None:
    row = _TOLD_AT.run(connection, about=_about(alarm, subject))
    return None if row is None else row[0]


def _lock_told(session: Session, alarm: Alarm, subject: str) -> datetime | None:
    told = session.get(AlarmTold, _about(alarm, subject), with_for_update=True)
    return None if told is None else told.at


def _about(alarm: Alarm, subject: str) -> str:
    return f"{alarm} {subject}"
