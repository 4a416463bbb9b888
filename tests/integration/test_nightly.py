"""Seven days that are seven, in the bytes, too: weeks of logins with a clock that is moved on."""

import itertools
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from authbridge import deletion_records, nightly, retention
from authbridge.audit import Actor
from authbridge.config import Config
from authbridge.doctor import reports
from authbridge.doctor.reports import Report
from authbridge.errors import StorageError
from authbridge.holds.commands import HoldRequest, confirm_hold, request_hold
from authbridge.login.authenticate import authenticate
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.reported_findings import ReportedFinding
from authbridge.storage import schema
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, Role
from authbridge.storage.rewriting import rewrite
from tests.support.factories import (
    LIMITS,
    make_attempt,
    make_organiser,
    make_origin,
    make_school,
    make_services,
    make_staff,
)
from tests.support.fakes import FakeClock
from tests.support.panel.staffed_panel import make_config
from workbench import ROOT
from workbench.postgres import Postgres

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
NIGHT = 2  # by UTC: three in Berlin
SCHOOLS = itertools.count(1)  # each marks its logins with a number of its own
PEOPLE = 8


@dataclass
class Disk:
    """A database, and the folder with all its files."""

    database: Database
    folder: Path
    server: Postgres | None = None

    def marked_days(self, number: int) -> dict[int, set[str]]:
        """Returns of which days' logins of that school there are bytes, and in which files."""
        address = rf"(?<![\d.])10\.{number}\.(\d{{1,3}})\.\d"
        marks = re.compile(rf"browser-{number}-day-(\d{{3}})|{address}".encode())
        if self.server is not None:
            self.server.run_sql("CHECKPOINT")  # what is only in its memory is written down, too
        found: dict[int, set[str]] = {}
        for path in filter(Path.is_file, self.folder.rglob("*")):
            for mark in marks.finditer(path.read_bytes()):
                found.setdefault(int(mark[1] or mark[2]), set()).add(str(path.relative_to(self.folder)))
        return found


@dataclass
class School:
    """Teachers who log in all day, from addresses that name the day."""

    disk: Disk
    config: Config
    clock: FakeClock = field(default_factory=lambda: FakeClock(NEW_YEAR))
    number: int = field(default_factory=lambda: next(SCHOOLS))

    def __post_init__(self) -> None:
        make_school(self.disk.database)
        self.people = [make_organiser(self.disk.database) for _ in range(PEOPLE)]
        self.services = make_services(self.disk.database, clock=self.clock)

    def spend_day(self, logins: int) -> None:
        """Lets a day go by, with that many logins each hour, and all that the service does by itself."""
        for hour in range(24):
            if hour == NIGHT:
                nightly.run(self.disk.database, self.config, clock=self.clock)
            elif hour % 6 == 0:
                retention.purge(self.disk.database, clock=self.clock, retention=WEEK, limits=LIMITS)
            for number in range(logins):
                self._log_in(hour, number)
            self.clock.advance(hours=1)

    @property
    def day(self) -> int:
        """Returns how many days have gone by."""
        return (self.clock() - NEW_YEAR).days

    def _log_in(self, hour: int, number: int) -> None:
        somebody = self.people[(hour + number) % PEOPLE]
        names = [somebody.username, somebody.username, f"nobody-{number}"]
        passwords = [somebody.password, "wrong-word-1234", somebody.password]
        attempt = make_attempt(
            names[number % 3],
            passwords[number % 3],
            ip=f"10.{self.number}.{self.day}.{1 + hour}",
            user_agent=f"browser-{self.number}-day-{self.day:03d} {number} with a long name",
        )
        authenticate(replace(attempt, at=self.clock()), make_origin(), self.services, within=9)


@pytest.fixture(name="disk", params=["sqlite", "postgresql"])
def make_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """A SQLite file; and a PostgreSQL with its usual settings, that was set up as the README says."""
    if request.param == "sqlite":
        yield from _disk(f"sqlite:///{tmp_path}/authbridge.db", tmp_path)
    else:
        server: Postgres = request.getfixturevalue("usual_postgres")
        url = server.create_owned_database("secret")
        name = url.rpartition("/")[2]
        server.run_sql(_readme_sql().replace("TO authbridge", f"TO {name}"), name)
        yield from _disk(url, server.data, server)


@pytest.fixture(name="config")
def make_settings(tmp_path: Path) -> Config:
    """The usual settings, with a week of logs."""
    return make_config("sqlite:///unused.db", tmp_path)


@pytest.mark.parametrize(
    ("days", "logins", "holiday"),
    [
        pytest.param(11, 2, range(2, 10), id="a holiday"),
        pytest.param(30, 9, range(12, 20), id="a month", marks=pytest.mark.soak),
    ],
)
def test_no_byte_of_a_login_is_left_after_the_night_of_its_last_day(
    disk: Disk, config: Config, days: int, logins: int, holiday: range
) -> None:
    """In no file of the database, and while nobody logs in either; and the search does find what is there."""
    school = School(disk, config)
    for day in range(days):
        school.spend_day(0 if day in holiday else logins)
        found = disk.marked_days(school.number)
        if day not in holiday:
            assert day in found
        too_old = {each: files for each, files in found.items() if each < day - WEEK.days}
        assert too_old == {}


def test_a_planted_row_is_found(disk: Disk, config: Config) -> None:
    """The search would find a row that nobody deletes."""
    school = School(disk, config)
    school.spend_day(3)
    with disk.database.read_session() as session:
        planted = session.scalars(select(LoginAttempt.id).limit(1)).one()
    for _ in range(9):
        with disk.database.write_session() as session:
            session.get_one(LoginAttempt, planted).at = school.clock()
        school.spend_day(0)
    assert list(disk.marked_days(school.number)) == [0]


def test_the_bytes_of_held_rows_stay_as_long_as_the_hold_and_go_with_it(disk: Disk, config: Config) -> None:
    """Those of one organiser; all others are gone after the night of their last day, as ever."""
    school = School(disk, config)
    askers = [
        Actor(f"staff:{make_staff(disk.database, name, Role.AUDITOR).name}") for name in ("anna", "berta")
    ]
    school.spend_day(3)
    now = school.clock()
    wanted = HoldRequest(NEW_YEAR, now, "Anzeige 17", days=10)
    with disk.database.write_session() as session:
        username = school.people[0].username
        hold = request_hold(session, username, wanted, retention=WEEK, actor=askers[0], now=now)
        confirm_hold(session, hold, actor=askers[1], now=now)
    held_until = school.day + 10
    while school.day <= held_until:
        school.spend_day(0)
        assert list(disk.marked_days(school.number)) == ([0] if school.day <= held_until else [])
        if WEEK.days + 1 < school.day <= held_until:
            with disk.database.read_session() as session:
                assert set(session.scalars(select(LoginAttempt.organiser_id))) == {1}


def test_the_record_says_what_is_left(database: Database, config: Config) -> None:
    """Of each table: how many rows, the oldest, and before which moment there may be none."""
    clock = FakeClock(NEW_YEAR)
    school = School(Disk(database, Path()), config, clock)
    school.spend_day(1)
    nightly.run(database, config, clock=clock)

    with database.read_session() as session:
        newest, former = deletion_records.latest(session, 2)
        assert deletion_records.of_day(session, former.day) == former
    assert (former.day, newest.day) == (date(2027, 1, 1), date(2027, 1, 2))
    tables = {each.table: each for each in newest.tables}
    journal = tables["login_attempts"]
    assert (journal.rows, journal.oldest) == (24, NEW_YEAR)
    assert journal.limit == newest.made_at - WEEK
    assert tables["schools"].limit is None
    assert newest.overdue == []
    assert newest.logs == []


def test_the_record_holds_what_the_server_check_found_of_logs(database: Database, config: Config) -> None:
    """Of all servers, and of their logs only."""
    clock = FakeClock(NEW_YEAR)
    log = ReportedFinding.of(Finding("log-nginx", Level.ERROR, Remark("Kept for %(days)s days.", days=52)))
    other = ReportedFinding.of(Finding("nginx-address", Level.OK, Remark("Well.")))
    with database.write_session() as session:
        reports.keep(session, Report("meet.test", NEW_YEAR, [log, other]))

    (logs,) = nightly.run(database, config, clock=clock).logs

    assert (logs.machine, logs.examined_at) == ("meet.test", NEW_YEAR)
    assert [each.id for each in logs.faults] == ["log-nginx"]


@pytest.mark.parametrize(
    ("made_at", "now", "due"),
    [
        pytest.param(None, "2027-01-05 12:00", True, id="never"),
        pytest.param("2027-01-04 03:20", "2027-01-05 02:59", False, id="before the night"),
        pytest.param("2027-01-04 03:20", "2027-01-05 03:00", True, id="at three"),
        pytest.param("2027-01-05 03:00", "2027-01-05 23:59", False, id="done this night"),
        pytest.param("2027-01-04 03:20", "2027-01-05 09:00", True, id="nobody ran that night"),
        pytest.param("2027-01-07 03:00", "2027-01-05 12:00", True, id="done by a clock two days ahead"),
        pytest.param("2027-03-27 03:10", "2027-03-28 04:00", True, id="summer time begins"),
        pytest.param("2027-10-31 03:10", "2027-11-01 02:59", False, id="summer time ends"),
    ],
)
def test_it_is_due_once_a_night(config: Config, made_at: str | None, now: str, *, due: bool) -> None:
    """At three by the operator's clock, or as soon as somebody runs again."""
    moments = [None if each is None else datetime.fromisoformat(each) for each in (made_at, now)]
    former, present = (each and each.replace(tzinfo=BERLIN).astimezone(UTC) for each in moments)
    assert present is not None
    assert nightly.is_due(former, config, now=present) is due


def test_a_table_that_somebody_holds_is_said(disk: Disk, config: Config) -> None:
    """It is not waited for long, for logins would wait behind; the next try succeeds."""
    School(disk, config)
    with disk.database.write_session() as session:
        session.scalars(select(LoginAttempt)).all()
        if disk.server is not None:
            session.execute(text("LOCK TABLE login_attempts IN SHARE MODE"))
        with pytest.raises(StorageError):
            rewrite(disk.database)
    assert rewrite(disk.database)


def test_too_little_room_is_said_before_it_is_used(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copies would fill the disk, and logins could not be written."""
    shutil.copy(sqlite_template, tmp_path / "authbridge.db")
    database = Database(f"sqlite:///{tmp_path}/authbridge.db")
    usage = shutil.disk_usage(tmp_path)
    size = (tmp_path / "authbridge.db").stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3 * size - 1))
    with pytest.raises(StorageError, match="MiB are needed beside"):
        rewrite(database)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3 * size))
    assert rewrite(database)
    database.engine.dispose()


def test_without_rights_the_log_is_said_to_be_kept(usual_postgres: Postgres, config: Config) -> None:
    """The tables are written anew all the same."""
    url = usual_postgres.create_owned_database("secret")
    for disk in _disk(url, usual_postgres.data, usual_postgres):
        School(disk, config).spend_day(1)
        record = nightly.run(disk.database, config, clock=FakeClock(NEW_YEAR))
        assert not record.log_emptied


def _readme_sql() -> str:
    found = re.search(
        r"psql authbridge <<'SQL'\n(.*?)^SQL$",
        (ROOT / "deploy/README.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert found is not None
    return found[1]


def _disk(url: str, folder: Path, server: Postgres | None = None) -> Iterator[Disk]:
    database = Database(url)
    schema.upgrade(database)
    yield Disk(database, folder, server)
    database.engine.dispose()
