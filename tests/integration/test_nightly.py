"""Seven days that are seven, in the bytes, too: weeks of logins with a clock that is moved on."""

import logging
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from authbridge import deletion_records, nightly
from authbridge.audit import Actor
from authbridge.config import Config
from authbridge.doctor import reports
from authbridge.doctor.reports import Report
from authbridge.errors import StorageError
from authbridge.holds.commands import HoldRequest, confirm_hold, request_hold
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.reported_findings import ReportedFinding
from authbridge.storage import database as storage
from authbridge.storage import schema
from authbridge.storage.database import Database, MemoryDatabase
from authbridge.storage.models import JobRun, LoginAttempt, Role
from authbridge.storage.rewriting import rewrite
from tests.support.factories import make_staff
from tests.support.fakes import FakeClock
from tests.support.marked_logins import NEW_YEAR, WEEK, Disk, School
from tests.support.panel.staffed_panel import make_config
from workbench import ROOT
from workbench.postgres import Postgres

BERLIN = ZoneInfo("Europe/Berlin")
LARGEST = "SELECT max(pg_total_relation_size(relid)) FROM pg_stat_user_tables"


@pytest.fixture(name="disk", params=["sqlite", "postgresql"])
def make_disk(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Disk]:
    """A SQLite file; and a PostgreSQL with its usual settings, that was set up as the README says."""
    server: Postgres | None = None
    url, folder = f"sqlite:///{tmp_path}/database/authbridge.db", tmp_path / "database"
    if request.param == "postgresql":
        server = request.getfixturevalue("usual_postgres")
        assert server is not None
        url, folder = server.create_owned_database("secret"), server.data
        name = url.rpartition("/")[2]
        server.run_sql(_readme_sql().replace("TO authbridge", f"TO {name}"), name)
    else:
        folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path / "temporary"))
    with _disk(url, folder, tmp_path, server) as disk:
        yield disk


@pytest.fixture(name="config")
def make_settings(tmp_path: Path) -> Config:
    """The usual settings, with a week of logs."""
    return make_config("sqlite:///unused.db", tmp_path)


@pytest.mark.parametrize(
    ("days", "logins", "holiday", "backup_every"),
    [
        pytest.param(11, 2, range(2, 10), 4, id="a holiday"),
        pytest.param(30, 9, range(12, 20), 1, id="a month", marks=pytest.mark.soak),
    ],
)
def test_no_byte_of_a_login_is_left_after_the_night_of_its_last_day(
    disk: Disk, days: int, logins: int, holiday: range, backup_every: int
) -> None:
    """In no file of database, backups and journal, and no temporary one; and what is there is found."""
    school = School(disk)
    for day in range(days):
        school.spend_day(0 if day in holiday else logins, backs_up=day % backup_every == 0)
        found = disk.marked_days(school.number)
        if day not in holiday:
            assert day in found
        too_old = {each: files for each, files in found.items() if each < day - WEEK.days}
        assert too_old == {}
    assert b"storage: The database does not answer" in disk.journal.read_bytes()
    assert len(list(disk.backups.iterdir())) == min(days, WEEK.days + 1) // backup_every


def plant_row(disk: Disk, school: School) -> str:
    """A login that nobody deletes."""
    address, browser = school.mark()
    with disk.database.write_session() as session:
        login = {"transport": "tcp", "node": "n", "request_id": "q", "at": NEW_YEAR + 8 * WEEK}
        session.add(LoginAttempt(ip=address, user_agent=browser, **login))
    if disk.server is None:
        disk.database.empty_write_ahead_log()
        return r"^authbridge\.db$"
    return r"^\d+$"


def plant_in_log(disk: Disk, school: School) -> str:
    """In the database's write-ahead log alone."""
    _, browser = school.mark()
    if disk.server is None:
        with disk.database.write_session() as session:
            session.add(JobRun(name=browser, done_at=NEW_YEAR))
        return r"^authbridge\.db-wal$"
    with disk.database.read_session() as session:
        session.execute(text("SELECT pg_logical_emit_message(false, 'planted', :mark)"), {"mark": browser})
    return r"^[0-9A-F]{24}$"


def plant_in_backup(disk: Disk, school: School) -> str:
    """Encrypted, as all of them are."""
    copy = MemoryDatabase()
    schema.upgrade(copy)
    with copy.write_session() as session:
        session.add(JobRun(name=school.mark()[1], done_at=NEW_YEAR))
    disk.put_into_backup(copy.content(), school.clock)
    copy.close()
    return r"\.age$"


def plant_in_temporary_file(_disk: Disk, school: School) -> str:
    """What a library has forgotten."""
    with tempfile.NamedTemporaryFile("w", suffix=".forgotten", delete=False) as file:
        file.write(school.mark()[0])
    return r"\.forgotten$"


def plant_in_journal(disk: Disk, school: School) -> str:
    """A line that quotes an address."""
    logging.getLogger("authbridge.planted").error("refused: %s", school.mark()[0])
    disk.write_journal()
    return r"^journal$"


def test_what_is_planted_is_found(disk: Disk) -> None:
    """The search would find a marker in each of these places."""
    school = School(disk)
    assert disk.marked_days(school.number) == {}
    for plant in (plant_row, plant_in_log, plant_in_backup, plant_in_temporary_file, plant_in_journal):
        place = plant(disk, school)
        found = disk.marked_days(school.number)[school.day]
        assert any(re.search(place, name) for name in found), (plant.__name__, found)
        school.clock.advance(days=1)
    assert sorted(disk.marked_days(school.number)) == list(range(school.day))


def test_the_bytes_of_held_rows_stay_as_long_as_the_hold_and_go_with_it(disk: Disk) -> None:
    """Those of one organiser; all others are gone after the night of their last day, as ever."""
    school = School(disk)
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


def test_the_record_says_what_is_left(database: Database, config: Config, tmp_path: Path) -> None:
    """Of each table: how many rows, the oldest, and before which moment there may be none."""
    clock = FakeClock(NEW_YEAR)
    with Disk(database, tmp_path, tmp_path).in_use() as disk:
        School(disk, clock).spend_day(1)
    nightly.run(database, config, clock=clock)

    with database.read_session() as session:
        newest, former = deletion_records.latest(session, 2)
        assert deletion_records.of_day(session, former.day) == former
    assert (former.day, newest.day) == (date(2027, 1, 1), date(2027, 1, 2))
    tables = {each.table: each for each in newest.tables}
    journal = tables["login_attempts"]
    assert (journal.rows, journal.oldest) == (23, NEW_YEAR)  # at noon none was taken down
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


def test_a_table_that_somebody_holds_is_said(disk: Disk) -> None:
    """It is not waited for long, for logins would wait behind; the next try succeeds."""
    School(disk)
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
    with pytest.raises(StorageError, match="MiB are needed in"):
        rewrite(database)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3 * size))
    assert rewrite(database)
    database.engine.dispose()


def test_too_little_room_of_a_postgresql_of_this_machine_is_said(
    usual_postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filled by a copy, it would panic, and not start again: what the copy took is not given back."""
    url = usual_postgres.create_owned_database("secret")
    with _disk(url, usual_postgres.data, tmp_path, usual_postgres) as disk:
        with disk.database.read_connection() as connection:
            largest = connection.scalar(text(LARGEST))
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr(storage, "FOLDER_OF_POSTGRESQL", tmp_path)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3 * largest - 1))
        with pytest.raises(StorageError, match="MiB are needed in"):
            rewrite(disk.database)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3 * largest))
        rewrite(disk.database)


def test_without_rights_the_log_is_said_to_be_kept(
    usual_postgres: Postgres, config: Config, tmp_path: Path
) -> None:
    """The tables are written anew all the same."""
    url = usual_postgres.create_owned_database("secret")
    with _disk(url, usual_postgres.data, tmp_path, usual_postgres) as disk:
        School(disk).spend_day(1)
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


@contextmanager
def _disk(url: str, folder: Path, others: Path, server: Postgres | None = None) -> Iterator[Disk]:
    database = Database(url)
    schema.upgrade(database)
    with Disk(database, folder, others, server).in_use() as disk:
        yield disk
