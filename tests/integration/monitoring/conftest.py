"""A service in order, which the tests then disturb."""

import pytest
from werkzeug.test import Client

from authbridge import deletion_records
from authbridge.deletion_records import DeletionRecord, TableLeft
from authbridge.login import journal
from authbridge.login.passwords import Hasher
from authbridge.storage.database import Database
from authbridge.storage.models import JobRun
from authbridge.synthetic_login import records as synthetic_logins
from authbridge.synthetic_login.outcomes import SyntheticOutcome, SyntheticResult
from tests.http.test_api import question
from tests.support.api import AUTHORISED, make_api
from tests.support.factories import SECRET_KEY, make_organiser, make_school, make_services
from tests.support.fakes import FakeClock
from tests.support.feeds import report

NODE = "meet-1"
NO_HASH = "x" * 60


class Installation:
    """A service in order: old rows and backup are recent, and a meeting server asks."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()
        hasher = Hasher.with_quick_checks(4, SECRET_KEY)
        self.services = make_services(database, hasher=hasher, clock=self.clock)
        self.app = make_api(self.services, since_boot=self.clock.since_boot)
        self.client = Client(self.app)
        make_school(database)
        self.organiser = make_organiser(database, hasher=hasher)
        self.purge()
        self.back_up()
        self.record_the_night()
        self.try_a_login(SyntheticOutcome.GRANTED)
        self.ask_for_news()

    def purge(self) -> None:
        """Notes that old rows were deleted just now."""
        with self.database.write_session() as session:
            journal.mark_purged(session, now=self.clock())

    def back_up(self) -> None:
        """Notes that there is a backup of just now."""
        with self.database.write_session() as session:
            session.merge(JobRun(name="backup", done_at=self.clock()))

    def record_the_night(self, *, is_overdue: bool = False) -> None:
        """Notes what was left in the night: nothing that is too old, or something."""
        now = self.clock()
        left = TableLeft("login_attempts", 1, now, now, is_overdue=is_overdue)
        with self.database.write_session() as session:
            deletion_records.keep(session, DeletionRecord(now.date(), now, True, [left], []))  # noqa: FBT003

    def try_a_login(self, outcome: SyntheticOutcome) -> None:
        """Notes what came of a synthetic login just now."""
        with self.database.write_session() as session:
            login_id = synthetic_logins.begin(session, NODE, "~synthetic-x", NO_HASH, now=self.clock())
            took = 60 if outcome is SyntheticOutcome.GRANTED else None
            synthetic_logins.finish(session, login_id, SyntheticResult(outcome, milliseconds=took))

    def ask_for_news(self) -> None:
        """Lets the meeting server ask, which has carried out everything."""
        report(self.database, NODE, now=self.clock())

    def log_in(self, username: str, password: str, **changes: object) -> int:
        """Asks about a login; returns the status."""
        sent = question(username, password, **changes)
        return self.client.post("/v1/authenticate", json=sent, headers=AUTHORISED).status_code

    def scrape(self) -> str:
        """Asks as Prometheus does."""
        answer = self.client.get("/metrics")
        assert answer.status_code == 200
        return answer.text


@pytest.fixture(name="installation")
def make_installation(database: Database) -> Installation:
    """Over either database."""
    return Installation(database)
