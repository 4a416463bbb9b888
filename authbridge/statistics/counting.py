"""Counts the journal of logins into monthly totals per school; each login once, whichever process counts.

The position in the journal is an id, never a time: a clock that was set back, or stood in the wrong year,
doubles nothing and leaves nothing out.  A login is counted when it can no longer be open.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from itertools import takewhile
from typing import NamedTuple

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from authbridge import background
from authbridge.clock import Clock, month_of
from authbridge.login.attempts import TOKEN
from authbridge.login.policy import Verdict
from authbridge.storage.database import Database
from authbridge.storage.models import JobRun, LoginAttempt, MonthlyTotal, Organiser, table_of
from authbridge.storage.statements import UNSYNCHRONISED, upsert

MONTHS_KEPT = 36  # beside the present one

_JOB = "statistics"
_INTERVAL = 300  # seconds
_RETRY = 60  # seconds after a failure
# A login is in the journal at most a minute after it reached the service, and closed within seconds; the
# clocks of two services over one database may differ by the rest.
_OPEN_FOR = timedelta(minutes=5)
_BATCH = 500  # rows of the journal a transaction: a login waits for the writer before it

_totals = table_of(MonthlyTotal)
_BEGIN = postgresql.insert(table_of(JobRun)).on_conflict_do_nothing()
_ADD_LOGINS = upsert(_totals, key=("school_id", "month"), changed=("active", "logins"), add=True)
_SET_ACCOUNTS = upsert(_totals, key=("school_id", "month"), changed=("accounts",))


def start(database: Database, *, clock: Clock, timezone: tzinfo) -> threading.Thread:
    """Starts a thread that counts now and every five minutes, for as long as the process lives."""
    job = partial(count, database, clock=clock, timezone=timezone)
    return background.run_periodically(_JOB, job, every=_INTERVAL, after_failure=_RETRY)


def count(database: Database, *, clock: Clock, timezone: tzinfo) -> None:
    """Counts what is new in the journal, in short transactions, and the accounts that there are now.

    Raises:
        StorageError: The database does not answer.
    """
    more = True
    while more:
        with database.write_session() as session:
            more = _count_batch(session, now=clock(), timezone=timezone)
    with database.write_session() as session:
        _count_accounts(session, now=clock(), timezone=timezone)


def counted_at(session: Session) -> datetime | None:
    """Returns when the journal was last counted."""
    return session.scalar(select(JobRun.done_at).where(JobRun.name == _JOB))


def purge(session: Session, *, now: datetime) -> None:
    """Deletes the totals of months that are older than they may be."""
    oldest = months_before(now.date(), MONTHS_KEPT)
    session.execute(delete(MonthlyTotal).where(MonthlyTotal.month < oldest), execution_options=UNSYNCHRONISED)


def months_before(day: date, number: int) -> date:
    """Returns the first day of the month that lies so many months before that of ``day``."""
    year, month = divmod(12 * day.year + day.month - 1 - number, 12)
    return date(year, month + 1, 1)


class _Row(NamedTuple):
    """A row of the journal; without an organiser, and so without a school, for unknown names."""

    id: int
    at: datetime
    verdict: str | None
    transport: str
    organiser_id: int | None
    school_id: int | None


class _Login(NamedTuple):
    """A login that got in."""

    organiser_id: int
    school_id: int
    month: date


def _count_batch(session: Session, *, now: datetime, timezone: tzinfo) -> bool:
    """Counts some rows of the journal; returns whether there may be more."""
    run = _lock(session, now)
    rows = _rows_after(session, run.position or 0, now)
    _add(session, list(_logins(rows, now, timezone)))
    run.done_at = now
    if rows:
        run.position = rows[-1].id
    return len(rows) == _BATCH


def _logins(rows: Iterable[_Row], now: datetime, timezone: tzinfo) -> Iterator[_Login]:
    for row in rows:
        if (
            row.verdict == Verdict.GRANTED.value
            and row.transport != TOKEN  # the login at the page is counted
            and row.organiser_id is not None
            and row.school_id is not None
        ):
            # What was written while the clock stood in a year to come counts in the present month.
            yield _Login(row.organiser_id, row.school_id, month_of(min(row.at, now), timezone))


def _lock(session: Session, now: datetime) -> JobRun:
    """Returns how far the journal is counted; another process that counts waits until this one is done."""
    session.execute(_BEGIN, {"name": _JOB, "done_at": now, "position": None})
    run = session.scalars(select(JobRun).where(JobRun.name == _JOB).with_for_update()).one()
    newest = session.scalar(select(func.max(LoginAttempt.id))) or 0
    # SQLite gives the ids of the newest rows again once these are deleted, all of them after long holidays.
    run.position = min(run.position or 0, newest)
    return run


def _rows_after(session: Session, position: int, now: datetime) -> list[_Row]:
    """Returns the next rows of the journal, up to the first one that may still be open."""
    query = (
        select(
            LoginAttempt.id,
            LoginAttempt.at,
            LoginAttempt.verdict,
            LoginAttempt.transport,
            LoginAttempt.organiser_id,
            Organiser.school_id,
        )
        .outerjoin(Organiser, Organiser.id == LoginAttempt.organiser_id)
        .where(LoginAttempt.id > position)
        .order_by(LoginAttempt.id)
        .limit(_BATCH)
    )
    rows = (_Row(*row) for row in session.execute(query))
    return list(takewhile(lambda row: abs(now - row.at) >= _OPEN_FOR, rows))


def _add(session: Session, granted: Sequence[_Login]) -> None:
    if not granted:
        return
    logins = Counter((login.school_id, login.month) for login in granted)
    active = Counter((login.school_id, login.month) for login in _first_of_month(session, set(granted)))
    present = _accounts(session)
    totals = [
        {
            "school_id": school_id,
            "month": month,
            "accounts": present.get(school_id, 0),  # of a month that nobody has counted; else it stays
            "active": active[school_id, month],
            "logins": logins[school_id, month],
            "meetings": 0,
        }
        # Always in one order: in two orders two services could wait for each other's rows (deadlock).
        for school_id, month in sorted(logins)
    ]
    session.execute(_ADD_LOGINS, totals)


def _first_of_month(session: Session, granted: set[_Login]) -> Iterable[_Login]:
    """Yields those whose organiser is not counted yet in their month or a later one, and marks them."""
    counted_in = _lock_uncounted(session, granted)
    for login in sorted(granted, key=lambda login: login.month):
        if login.organiser_id not in counted_in:
            continue
        latest = counted_in[login.organiser_id]
        if latest is None or latest < login.month:
            counted_in[login.organiser_id] = login.month
            yield login
    for month in {login.month for login in granted}:
        ids = [organiser_id for organiser_id, latest in counted_in.items() if latest == month]
        query = update(Organiser).where(Organiser.id.in_(ids)).values(counted_in=month)
        session.execute(query, execution_options=UNSYNCHRONISED)


def _lock_uncounted(session: Session, granted: set[_Login]) -> dict[int, date | None]:
    """Returns the latest month of each organiser that may be counted once more, by the organiser's id."""
    is_open = or_(
        Organiser.counted_in.is_(None), Organiser.counted_in < max(login.month for login in granted)
    )
    query = (
        select(Organiser.id, Organiser.counted_in)
        .where(Organiser.id.in_({login.organiser_id for login in granted}), is_open)
        .order_by(Organiser.username)  # as commands over several organisers lock them
        .with_for_update()
    )
    return dict(session.execute(query).all())


def _count_accounts(session: Session, *, now: datetime, timezone: tzinfo) -> None:
    """Writes the present number of accounts of each school to the present month, where it is another one."""
    _lock(session, now)
    month = month_of(now, timezone)
    present = _accounts(session)
    query = select(MonthlyTotal.school_id, MonthlyTotal.accounts).where(MonthlyTotal.month == month)
    known = dict(session.execute(query).all())
    changed = [
        {
            "school_id": school_id,
            "month": month,
            "accounts": accounts,
            "active": 0,
            "logins": 0,
            "meetings": 0,
        }
        for school_id in sorted(present | known)
        if known.get(school_id) != (accounts := present.get(school_id, 0))
    ]
    if changed:
        session.execute(_SET_ACCOUNTS, changed)


def _accounts(session: Session) -> dict[int, int]:
    """Returns the present number of accounts by the id of the school; schools without any are left out."""
    query = select(Organiser.school_id, func.count()).group_by(Organiser.school_id)
    return dict(session.execute(query).all())
