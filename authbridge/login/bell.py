"""Counts the logins of a day per five minutes, and what is usual on a school day: numbers, of no person.

A week of logins is kept, so what is usual comes from whole days of the last six, the school days among them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from sqlalchemy import ColumnElement, Integer, case, cast, extract, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from authbridge.login.attempts import TOKEN
from authbridge.login.policy import Verdict
from authbridge.storage.models import LoginAttempt, RejectedAttempts

STEP = timedelta(minutes=5)
BEGINS = time(7, 0)

_DAYS_BACK = 6  # whole days: at midnight the oldest moment of the sixth is seven days old
_SATURDAY = 5
_STEP_SECONDS = int(STEP.total_seconds())


@dataclass(frozen=True, slots=True)
class Count:
    """The logins that began within five minutes of ``at``; refused and waiting ones count as ``refused``."""

    at: datetime
    granted: int
    refused: int


@dataclass(frozen=True, slots=True)
class Usual:
    """How many got in on a usual school day, by the minutes since midnight at which the step begins.

    ``days`` is how many school days it is the mean of; 0 while there is nothing to compare with.
    """

    days: int = 0
    granted: dict[int, float] = field(default_factory=dict)


def count_logins(
    session: Session, *, now: datetime, timezone: tzinfo, known: Sequence[Count] = ()
) -> tuple[Count, ...]:
    """Counts today's logins from seven o'clock to now, each five minutes, also those with none.

    ``known`` are the first of these counts, if somebody has them already; those of another day are ignored.
    """
    begin = _moment(now.astimezone(timezone).date(), timezone)
    steps = max(0, -(-int((now - begin).total_seconds()) // _STEP_SECONDS))
    moments = [begin + number * STEP for number in range(steps)]
    kept = tuple(known) if [each.at for each in known] == moments[: len(known)] else ()
    found = _counts(session, begin + len(kept) * STEP, now + STEP)
    return kept + tuple(Count(at, *found.get(_step_of(at), (0, 0))) for at in moments[len(kept) :])


def usual_logins(session: Session, *, today: date, timezone: tzinfo) -> Usual:
    """Returns the mean of the school days before today on which somebody logged in, weekends left out."""
    days = [today - timedelta(days=back) for back in range(1, _DAYS_BACK + 1)]
    begin, end = _moment(days[-1], timezone, time()), _moment(today, timezone, time())
    granted, seen = Counter[int](), set()
    for step, (count, _) in _counts(session, begin, end).items():
        moment = datetime.fromtimestamp(step * _STEP_SECONDS, UTC).astimezone(timezone)
        if count and moment.weekday() < _SATURDAY:
            granted[60 * moment.hour + moment.minute] += count
            seen.add(moment.date())
    return Usual(len(seen), {minute: count / len(seen) for minute, count in granted.items()})


def _moment(day: date, timezone: tzinfo, at: time = BEGINS) -> datetime:
    return datetime.combine(day, at, timezone).astimezone(UTC)


def _step_of(moment: datetime) -> int:
    return int(moment.timestamp()) // _STEP_SECONDS


def _counts(session: Session, begin: datetime, end: datetime) -> dict[int, tuple[int, int]]:
    """Returns granted and refused logins by the number of their five minutes since 1970."""
    granted, refused = Counter[int](), Counter[int]()
    is_granted = LoginAttempt.verdict == Verdict.GRANTED.value
    for step, all_of_them, good in _by_step(
        session,
        LoginAttempt.at,
        (func.count(), func.sum(case((is_granted, 1), else_=0))),
        begin,
        end,
        LoginAttempt.transport != TOKEN,
    ):
        granted[step] += good
        refused[step] += all_of_them - good
    rejected = func.sum(RejectedAttempts.repeated + RejectedAttempts.locked + RejectedAttempts.unavailable)
    for step, number in _by_step(session, RejectedAttempts.minute, (rejected,), begin, end):
        refused[step] += number
    return {step: (granted[step], refused[step]) for step in granted | refused}


def _by_step(
    session: Session,
    at: InstrumentedAttribute[datetime],
    numbers: Iterable[ColumnElement[int]],
    begin: datetime,
    end: datetime,
    *others: ColumnElement[bool],
) -> Iterable[tuple[int, ...]]:
    step = cast(extract("epoch", at), Integer) // _STEP_SECONDS
    query = select(step, *numbers).where(at >= begin, at < end, *others).group_by(step)
    return (tuple(int(number) for number in row) for row in session.execute(query))
