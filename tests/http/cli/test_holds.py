"""``authbridge hold``: what is held for an incident, for a program that watches; and its end."""

import json
from datetime import timedelta

import pytest

from authbridge.audit import Actor
from authbridge.clock import utc_now
from authbridge.holds.commands import HoldRequest, confirm_hold, request_hold
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Role
from tests.http.conftest import Run
from tests.support.factories import make_organiser, make_staff

DAY = timedelta(days=1)


@pytest.fixture(name="username")
def hold_two(environ: dict[str, str], school: str) -> str:
    """Asks for two holds of one organiser, and confirms the first."""
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    for member in ("anna", "berta"):
        make_staff(database, member, Role.AUDITOR)
    username = make_organiser(database, school).username
    now = utc_now()
    wanted = HoldRequest(now - DAY, now, "Anzeige 17", days=90, network="203.0.113.0/24")
    asker, other = Actor("staff:anna"), Actor("staff:berta")
    with database.write_session() as session:
        for _ in range(2):
            request_hold(session, username, wanted, retention=7 * DAY, actor=asker, now=now)
        confirm_hold(session, 1, actor=other, now=now)
    database.engine.dispose()
    return username


def test_the_list_says_what_is_held_and_by_whom(run: Run, username: str) -> None:
    """The latest first; a request waits."""
    rows = json.loads(run("hold", "list", "--json").stdout)
    assert [(row["id"], row["state"], row["confirmed_by"]) for row in rows] == [
        (2, "waits", None),
        (1, "held", "staff:berta"),
    ]
    assert {(row["name"], row["network"], row["rows"], row["asked_by"]) for row in rows} == {
        (username, "203.0.113.0/24", 0, "staff:anna")
    }
    assert "Anzeige 17" in run("hold", "list").stdout


def test_it_is_ended_once_and_the_audit_says_by_whom(
    run: Run, environ: dict[str, str], username: str
) -> None:
    """A hold that is over is not there any more."""
    for number in ("1", "2"):
        assert run("hold", "end", number).stdout.strip() == f"Hold {number} is ended."
        run("hold", "end", number, code=1)
    assert run("hold", "list").stdout.strip() == "Nothing is held."
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    with database.read_session() as session:
        events = session.query(AuditEvent).filter(AuditEvent.action.in_(["hold:end", "hold:reject"])).all()
    database.engine.dispose()
    assert [(each.action, each.subject, each.actor[:4]) for each in events] == [
        ("hold:end", username, "cli:"),
        ("hold:reject", username, "cli:"),
    ]
