"""Raises the alarms of the login policy in the audit, where staff read them; none twice within its pause."""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from itertools import product

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.orm import Session

from authbridge.audit import POLICY, record
from authbridge.errors import location_of
from authbridge.login.alarm_rules import ALARMS_OF_ORGANISER, ALARMS_OF_STAFF, Alarm, DueAlarm, pause_after
from authbridge.login.limits import Limits
from authbridge.storage.database import Database
from authbridge.storage.models import AlarmRaised, table_of
from authbridge.storage.prepared import Prepared
from authbridge.storage.statements import UNSYNCHRONISED, upsert

_log = logging.getLogger(__name__)

Task = Callable[[], None]

_ANSWER_FIRST = 0.1  # seconds between a failure and its alarm

_raised = table_of(AlarmRaised)
# In one statement: of two processes that raise the same alarm at the same moment one gets no row.
_RAISE = upsert(
    _raised, key=("about",), changed=("at",), where=_raised.c.at <= bindparam("raised_before")
).returning(_raised.c.about)
_RAISED_AT = Prepared(select(_raised.c.at).where(_raised.c.about == bindparam("about")))


def raise_alarms(database: Database, due: Iterable[DueAlarm], *, now: datetime, limits: Limits) -> None:
    """Writes each alarm into the audit, unless another process has raised it meanwhile."""
    with database.write_session() as session:
        for alarm, subject in due:
            raised_before = now - pause_after(alarm, limits)
            values = {"about": _about(alarm, subject), "at": now, "raised_before": raised_before}
            if session.execute(_RAISE, values).first() is not None:
                record(session, actor=POLICY, action=alarm, subject=subject, now=now)


def try_to_raise(database: Database, due: Iterable[DueAlarm], *, now: datetime, limits: Limits) -> None:
    """Raises the alarms, and logs it if that fails: the next failure raises them again."""
    try:
        raise_alarms(database, due, now=now, limits=limits)
    except Exception as error:  # noqa: BLE001 - see above
        _log.error("an alarm was not raised: %s at %s", type(error).__name__, location_of(error))


def at_once(task: Task) -> None:
    """Runs a task now; for tests and commands, where nobody compares times."""
    task()


def after_the_answer() -> Callable[[Task], object]:
    """Returns what runs tasks in a thread of their own, a moment later, when the answer has gone.

    Only names that exist raise alarms: an answer that waits for one would tell them.
    """
    later = ThreadPoolExecutor(1, "alarms")
    return lambda task: later.submit(copy_context().run, _after_answer, task)


def _after_answer(task: Task) -> None:
    time.sleep(_ANSWER_FIRST)
    task()


def raised_at(connection: Connection, alarm: Alarm, subject: str) -> datetime | None:
    """Returns when this alarm was last raised; None if never."""
    row = _RAISED_AT.run(connection, about=_about(alarm, subject))
    return None if row is None else row[0]


def forget(session: Session, *usernames: str) -> None:
    """Settles the alarms about organisers, so that the next attack raises them again."""
    _forget(session, usernames, ALARMS_OF_ORGANISER)


def forget_staff(session: Session, name: str) -> None:
    """Settles the alarms about a member of staff, so that the next attack raises them again."""
    _forget(session, [name], ALARMS_OF_STAFF)


def _forget(session: Session, names: Iterable[str], alarms: Iterable[Alarm]) -> None:
    about = [_about(alarm, name) for alarm, name in product(alarms, names)]
    session.execute(delete(AlarmRaised).where(AlarmRaised.about.in_(about)), execution_options=UNSYNCHRONISED)


def _about(alarm: Alarm, subject: str) -> str:
    return f"{alarm} {subject}"
