"""Counts how often each rule of a meeting stepped in, per day; no rooms, no persons."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from authbridge.storage.models import MeetingRule, RuleCount, table_of
from authbridge.storage.statements import UNSYNCHRONISED, upsert

KEPT = timedelta(days=365)

_ADD = upsert(table_of(RuleCount), key=("day", "rule"), changed=("times",), add=True)


def count(session: Session, rules: Mapping[MeetingRule, int], *, today: date) -> None:
    """Adds to the counts of that day."""
    # Always in one order: in two orders two services could wait for each other's rows (deadlock).
    for rule, times in sorted(rules.items()):
        session.execute(_ADD, {"day": today, "rule": rule, "times": times})


def counts_since(session: Session, day: date) -> dict[date, Counter[MeetingRule]]:
    """Returns the counts of that day and the later ones; days without any are left out."""
    query = select(RuleCount.day, RuleCount.rule, RuleCount.times).where(RuleCount.day >= day)
    counts: dict[date, Counter[MeetingRule]] = {}
    for counted_on, rule, times in session.execute(query):
        counts.setdefault(counted_on, Counter())[MeetingRule(rule)] = times
    return counts


def has_any(session: Session) -> bool:
    """Tells whether any rule was ever counted, within the year for which the counts are kept."""
    return session.scalar(select(RuleCount.day).limit(1)) is not None


def purge(session: Session, *, now: datetime) -> None:
    """Deletes the counts that are older than a year."""
    query = delete(RuleCount).where(RuleCount.day < (now - KEPT).date())
    session.execute(query, execution_options=UNSYNCHRONISED)
