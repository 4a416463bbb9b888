"""What a node reports under a number counts once: meetings for their schools, rules for the day."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from authbridge.revocations import numbered_reports, rule_counts
from authbridge.revocations.numbered_reports import NumberedReport
from authbridge.revocations.reports import Contact, note_contact
from authbridge.storage.database import Database
from authbridge.storage.models import MeetingRule, MonthlyTotal, School
from tests.support.factories import TODAY
from tests.support.fakes import MORNING
from tests.support.feeds import settle

NOVEMBER = date(2026, 11, 1)


def tell(
    database: Database, number: int, meetings: dict[str, int], *, node: str = "node-a", run: str = "first"
) -> None:
    """Asks as a node that has just opened meetings."""
    send(database, NumberedReport(run, number, meetings), node=node)


def send(database: Database, report: NumberedReport, *, node: str = "node-a", today: date = TODAY) -> None:
    """Asks as a node with that report."""
    with database.write_session() as session:
        note_contact(session, Contact(node, None, 0, numbered=report), now=MORNING)
        numbered_reports.count(session, node, report, today=today)


def opened(database: Database) -> dict[tuple[str, date], int]:
    """What was counted, by school and month."""
    query = select(School.code, MonthlyTotal.month, MonthlyTotal.meetings).join(
        School, School.id == MonthlyTotal.school_id
    )
    with database.read_session() as session:
        return {(code, month): meetings for code, month, meetings in session.execute(query)}


def test_reports_add_up_by_school(database: Database) -> None:
    """Names that are nobody's count nowhere."""
    settle(database, "ohg-a", "ohg-b")
    settle(database, "abc-a", code="abc")

    tell(database, 1, {"ohg-a": 1, "ohg-b": 2, "abc-a": 1, "gone-a": 7, "nul-\0": 1, "ü-a": 1})
    tell(database, 2, {"ohg-a": 1})
    tell(database, 1, {"ohg-a": 1}, node="node-b")

    assert opened(database) == {("ohg", NOVEMBER): 5, ("abc", NOVEMBER): 1}


@pytest.mark.parametrize("number", [1, 2])
def test_a_report_that_comes_again_or_late_counts_once(database: Database, number: int) -> None:
    """The answer was lost, or the question lay about while a later one was answered."""
    settle(database, "ohg-a")
    for each in (1, 2, number):
        tell(database, each, {"ohg-a": 3})

    assert opened(database) == {("ohg", NOVEMBER): 6}


def test_another_run_of_prosody_begins_its_numbers_anew(database: Database) -> None:
    """And its first report counts."""
    settle(database, "ohg-a")
    tell(database, 7, {"ohg-a": 1})
    for _ in range(2):
        tell(database, 1, {"ohg-a": 1}, run="second")

    assert opened(database) == {("ohg", NOVEMBER): 2}


def test_rules_add_up_by_day(database: Database) -> None:
    """Over all nodes; a report that comes again counts once, also where no meeting was opened."""
    yesterday, rules = TODAY - timedelta(days=1), MeetingRule
    before = NumberedReport("first", 1, {}, {rules.NAMES: 4})
    report = NumberedReport("first", 2, {}, {rules.RECORDING: 1, rules.NAMES: 3})
    send(database, before, today=yesterday)
    for node in ("node-a", "node-a", "node-b"):
        send(database, report, node=node)

    with database.read_session() as session:
        counts = rule_counts.counts_since(session, yesterday)
        assert rule_counts.counts_since(session, TODAY) == {TODAY: counts[TODAY]}

    assert counts == {yesterday: {rules.NAMES: 4}, TODAY: {rules.NAMES: 6, rules.RECORDING: 2}}
