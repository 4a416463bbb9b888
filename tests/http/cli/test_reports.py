"""``authbridge report list``: what was reported and blocked, for a program that watches."""

import json

import pytest

from authbridge.clock import utc_now
from authbridge.misuse import commands
from authbridge.misuse.commands import MisuseDescription
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import Reporter, ReportResult
from tests.http.conftest import Run
from tests.support.factories import ACTOR, make_organiser

TOLD = MisuseDescription(Reporter.SCHOOL_HEAD, "heute", "UNMISTAKABLE")


@pytest.fixture(name="username")
def report_two(environ: dict[str, str], school: str) -> str:
    """Reports an organiser, who is suspended, and the school, which was a mistake."""
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    username = make_organiser(database, school).username
    with database.write_session() as session:
        commands.report_and_suspend(session, ORGANISER, username, TOLD, actor=ACTOR, now=utc_now())
        mistake = commands.report_misuse(session, SCHOOL, school, TOLD, actor=ACTOR, now=utc_now())
        commands.close_report(session, mistake.id, ReportResult.UNFOUNDED, "", actor=ACTOR, now=utc_now())
    database.engine.dispose()
    return username


def test_the_list_says_what_was_done_and_quotes_nobody(run: Run, username: str) -> None:
    """Open ones first; the words of people stay in the panel."""
    listed = run("report", "list", "--json").stdout
    assert "UNMISTAKABLE" not in listed
    rows = json.loads(listed)
    assert [(row["organiser"], row["result"]) for row in rows] == [(username, None), (None, "unfounded")]
    assert rows[0]["suspended_since"]
    assert [row["organiser"] for row in json.loads(run("report", "list", "--open", "--json").stdout)] == [
        username
    ]


def test_nothing_is_a_sentence(run: Run, school: str) -> None:
    """A list without rows says so."""
    assert school
    assert run("report", "list").stdout.strip() == "Nobody has reported misuse."
