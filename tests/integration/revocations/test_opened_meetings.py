"""The meetings that were opened: each report of a node counts once, for the schools of its organisers."""

from datetime import date

import pytest
from sqlalchemy import select

from authbridge.revocations import opened_meetings
from authbridge.revocations.opened_meetings import OpenedMeetings
from authbridge.revocations.reports import Contact, note_contact
from authbridge.storage.database import Database
from authbridge.storage.models import MonthlyTotal, School
from tests.support.fakes import MORNING
from tests.support.feeds import settle

NOVEMBER = date(2026, 11, 1)


def tell(
    database: Database, number: int, meetings: dict[str, int], *, node: str = "node-a", run: str = "first"
) -> None:
    """Asks as a node that has just opened meetings."""
    report = OpenedMeetings(run, number, meetings)
    with database.write_session() as session:
        note_contact(session, Contact(node, None, 0, opened=report), now=MORNING)
        opened_meetings.count(session, node, report, month=NOVEMBER)


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
