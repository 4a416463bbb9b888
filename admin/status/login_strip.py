"""The logins of seven days as a picture, a column a day, and the same as rows of a table.

A mark stands at its hours, upon those before it; where there is no room for all, the topmost is a number.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext as _

from admin.panel import now, today
from admin.status.login_diagnosis import where
from admin.status.spans import capital, local_day, span, start_of
from admin.web.i18n import moment
from authbridge.login.diagnosis import LoginOutcome, RecentAttempt, episodes
from authbridge.schools.history import SuspensionRow

DAYS = 7
WIDTH, HEIGHT = 144, 66  # of a day
_PLACES = 12  # beside each other: two hours each
_MOST = 5  # above each other
_PITCH = WIDTH // _PLACES
_KINDS = {
    LoginOutcome.ADMITTED: "in",
    LoginOutcome.WAITED: "waiting",
    LoginOutcome.BUSY: "waiting",
    LoginOutcome.BROKEN_OFF: "waiting",
}
_REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Mark:
    """A login at its place: ``kind`` is in, refused or waiting; ``more`` stands for that many others."""

    kind: str
    x: int
    y: int
    more: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """A suspension behind the marks, from ``x`` on."""

    x: int
    width: int


@dataclass(frozen=True, slots=True)
class StripDay:
    """One day of the picture."""

    day: date
    marks: tuple[Mark, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class StripRow:
    """A row of the table: logins that belong together, or a suspension (without a number)."""

    at: datetime
    when: str
    kind: str
    what: str
    count: int | None
    where: str


def strip_days(attempts: Iterable[RecentAttempt], suspensions: Sequence[SuspensionRow]) -> list[StripDay]:
    """Returns the last seven days, today last."""
    by_day = defaultdict(list)
    for attempt in attempts:
        by_day[local_day(attempt.at)].append(attempt)
    days = [today() - timedelta(days=ago) for ago in reversed(range(DAYS))]
    return [StripDay(day, tuple(_marks(day, by_day[day])), tuple(_bars(day, suspensions))) for day in days]


def _marks(day: date, attempts: Sequence[RecentAttempt]) -> Iterable[Mark]:
    stacks: dict[int, list[RecentAttempt]] = defaultdict(list)
    for attempt in attempts:
        stacks[_x(attempt.at, day) // _PITCH].append(attempt)
    for place, stack in stacks.items():
        yield from _stacked(place * _PITCH + _PITCH // 2, stack)


def _stacked(x: int, stack: Sequence[RecentAttempt]) -> Iterable[Mark]:
    total = sum(attempt.count for attempt in stack)
    kinds = [_kind(attempt) for attempt in stack for _each in range(min(attempt.count, _MOST))]
    shown = kinds if total <= _MOST else kinds[: _MOST - 1]
    for height, kind in enumerate(shown):
        yield Mark(kind, x, _y(height))
    if total > _MOST:
        yield Mark(_kind(stack[-1]), x, _y(_MOST - 1), more=total - len(shown))


def _kind(attempt: RecentAttempt) -> str:
    return _KINDS.get(attempt.outcome, _REFUSED)


def _y(height: int) -> int:
    return HEIGHT - _PITCH // 2 - height * _PITCH


def _bars(day: date, suspensions: Iterable[SuspensionRow]) -> Iterable[Bar]:
    for each in suspensions:
        end = each.until or now()
        if local_day(each.since) <= day <= local_day(end):
            x = _x(each.since, day)
            yield Bar(x, max(2, _x(end, day) - x))


def _x(moment_: datetime, day: date) -> int:
    """Returns where a moment stands on that day, at its edge if it is on another."""
    # Through UTC: the two days a year on which clocks change are not 24 hours long.
    start, end = start_of(day).timestamp(), start_of(day + timedelta(days=1)).timestamp()
    share = (moment_.timestamp() - start) / (end - start)
    return min(max(round(share * WIDTH - 0.5), 0), WIDTH - 1)


def strip_rows(attempts: Iterable[RecentAttempt], suspensions: Iterable[SuspensionRow]) -> list[StripRow]:
    """Returns the same as rows, latest first."""
    rows = [
        StripRow(
            at=each.last,
            when=capital(span(each.first, each.last)),
            kind=_KINDS.get(each.outcome, _REFUSED),
            what=outcome_in_words(each.outcome),
            count=each.count,
            where=where(each.network),
        )
        for each in episodes(attempt for attempt in attempts if _is_shown(attempt.at))
    ]
    rows += [_suspension_row(each) for each in suspensions if each.until is None or _is_shown(each.until)]
    return sorted(rows, key=lambda row: row.at, reverse=True)


def _is_shown(moment_: datetime) -> bool:
    return local_day(moment_) > today() - timedelta(days=DAYS)


def _suspension_row(row: SuspensionRow) -> StripRow:
    if row.until is None:
        when = _("since %(moment)s", moment=moment(row.since))
    else:
        when = span(row.since, row.until)
    return StripRow(row.until or now(), capital(when), "closed", _("suspended"), None, "")


def outcome_in_words(outcome: LoginOutcome) -> str:
    """Returns what became of a login."""
    match outcome:
        case LoginOutcome.ADMITTED:
            return _("got in")
        case LoginOutcome.WRONG_PASSWORD:
            return _("wrong password")
        case LoginOutcome.SUSPENDED:
            return _("right password, but suspended")
        case LoginOutcome.EXPIRED:
            return _("right password, but expired")
        case LoginOutcome.WAITED:
            return _("had to wait")
        case LoginOutcome.BUSY:
            return _("service too busy")
        case LoginOutcome.BROKEN_OFF:
            return _("broken off")
