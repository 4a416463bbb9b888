"""The meeting rules with how often each stepped in: today, lately, and day by day."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from admin.panel import current_panel, today
from admin.status.rule_words import RuleWords, words_of
from authbridge.revocations.rule_counts import counts_since, has_any
from authbridge.storage.models import MeetingRule

_DAYS = 14  # of the table
_WEEK, _MONTH = 7, 30  # days


@dataclass(frozen=True, slots=True)
class RuleCard:
    """A rule, and how often it stepped in: today, and within the last days, today among them."""

    rule: MeetingRule
    words: RuleWords
    today: int
    week: int
    month: int


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day, and how often each rule stepped in on it, in the order of the cards."""

    day: date
    times: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ShownRules:
    """All rules, and the latest days, newest first; no days where no rule was ever reported."""

    cards: tuple[RuleCard, ...]
    days: tuple[DayRow, ...]


def shown_rules() -> ShownRules:
    """Returns the rules with their counts, as of now."""
    with current_panel().database.read_session() as session:
        counts = counts_since(session, _back(_MONTH - 1))
        is_reported = has_any(session)
    days = [_back(number) for number in range(_DAYS)] if is_reported else []
    return ShownRules(
        tuple(_card(rule, counts) for rule in MeetingRule), tuple(_row(day, counts) for day in days)
    )


def _back(days: int) -> date:
    return today() - timedelta(days=days)


def _card(rule: MeetingRule, counts: Mapping[date, Counter[MeetingRule]]) -> RuleCard:
    def within(days: int) -> int:
        return sum(times[rule] for day, times in counts.items() if day > _back(days))

    return RuleCard(rule, words_of(rule), within(1), within(_WEEK), within(_MONTH))


def _row(day: date, counts: Mapping[date, Counter[MeetingRule]]) -> DayRow:
    times = counts.get(day, Counter())
    return DayRow(day, tuple(times[rule] for rule in MeetingRule))
