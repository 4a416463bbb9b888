"""What is in a backup: everything that must survive, and nothing that must not outlive it."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from authbridge.backup.contents import HORIZON, saved_tables
from authbridge.backup.taking import take
from authbridge.config import Config
from authbridge.data_protection.inventory import INVENTORY
from authbridge.data_protection.live import record_state
from authbridge.login.authenticate import authenticate
from authbridge.login.policy import Verdict
from authbridge.storage import schema
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, JobRun, LoginAttempt, Organiser, Suspension
from authbridge.storage.table_copy import TABLES
from tests.support.backups import contents, fill_all, make_config, opened
from tests.support.factories import make_attempt, make_organiser, make_origin, make_school, make_services
from tests.support.fakes import MORNING

LEFT_OUT = {
    "alarms_raised",
    "holds",
    "invitations",
    "known_networks",
    "login_attempts",
    "login_failures",
    "machine_reports",
    "network_waits",
    "prosody_nodes",
    "recovery_codes",
    "rejected_attempts",
    "revocations",
    "revocations_done",
    "staff_sessions",
    "synthetic_logins",
}


@pytest.fixture(name="config")
def make_settings(database_url: str, tmp_path: Path) -> Config:
    """Settings of an operator who keeps addresses longer than usual."""
    others = {"AUTHBRIDGE_RETENTION_DAYS": "30", "AUTHBRIDGE_LIMIT_KNOWN_GOOD": "9000000"}
    return make_config(database_url, tmp_path, **others)


def test_which_tables_a_backup_leaves_out(config: Config) -> None:
    """A new table is judged by its description; who adds one sees here whether it is in a backup."""
    saved = {table.name for table in saved_tables(config)}
    assert {table.name for table in TABLES} - saved == LEFT_OUT
    with_addresses = {
        each.table.name for each in INVENTORY if any(column.is_address for column in each.columns.values())
    }
    assert not saved & with_addresses


def test_a_backup_has_everything_else(database: Database, config: Config) -> None:
    """Every row of every other table is the same, whichever database runs."""
    with database.write_connection() as connection:
        fill_all(connection)
    with database.read_connection() as connection:
        before = contents(connection)

    taken = take(database, config, now=MORNING)

    with opened(taken.content) as backup, backup.read_connection() as connection:
        schema.require_current(backup)
        found = contents(connection)
        marks = dict(connection.execute(select(JobRun.name, JobRun.done_at)).all())
    assert {name for name, content in found.items() if not content.rows} == LEFT_OUT
    assert {name for name in found.keys() - LEFT_OUT if found[name] != before[name]} == {"job_runs"}
    assert marks["backup"] == MORNING
    assert max(marks.values()) < MORNING + timedelta(hours=1)
    with database.read_connection() as connection:
        assert contents(connection) == before


def test_a_backup_holds_nothing_that_must_be_gone_before_it_is(database: Database, config: Config) -> None:
    """A note of 85 days, an address that was guessed from: neither is in the bytes."""
    make_school(database)
    make_organiser(database)
    with database.write_session() as session:
        organiser = session.scalars(select(Organiser)).one()
        since = MORNING - timedelta(days=100)
        session.add(
            Suspension(
                organiser_id=organiser.id,
                note="UNMISTAKABLE",
                since=since,
                until=MORNING - timedelta(days=85),
                suspended_by="staff:anna",
            )
        )
        network = {"action": "network:locked", "subject": "198.51.100.77", "actor": "policy"}
        session.add(AuditEvent(at=MORNING, detail={}, **network))

    taken = take(database, config, now=MORNING)

    assert b"UNMISTAKABLE" not in taken.content
    assert b"198.51.100.77" not in taken.content
    with opened(taken.content) as backup, backup.write_session() as session:
        session.execute(update(JobRun).values(done_at=MORNING + HORIZON))
        state = record_state(session, config, now=MORNING + HORIZON)
        assert [each.described.title for each in state.tables if each.is_overdue] == []


def test_logins_go_on_and_a_backup_is_of_one_moment(database: Database, config: Config) -> None:
    """While accounts are issued, each with its line of the audit, no backup has one without the other."""
    make_school(database, quota=5000)
    issued = make_organiser(database)
    services = make_services(database)
    attempt = make_attempt(issued.username, issued.password, ip="198.51.100.7")
    done, verdicts = threading.Event(), []

    def log_in() -> None:
        while not done.is_set():
            verdicts.append(authenticate(attempt, make_origin(), services, within=9).verdict)

    def issue() -> None:
        while not done.is_set():
            make_organiser(database)

    workers = [threading.Thread(target=work) for work in (log_in, issue, issue)]
    for worker in workers:
        worker.start()
    taken = [take(database, config, now=MORNING) for _ in range(8)]
    done.set()
    for worker in workers:
        worker.join()

    counts = []
    for each in taken:
        with opened(each.content) as backup, backup.read_session() as session:
            accounts = session.scalar(select(func.count()).select_from(Organiser)) or 0
            lines = select(func.count()).where(AuditEvent.action == "organiser:issue")
            assert accounts == session.scalar(lines)
            assert session.scalar(select(func.count()).select_from(LoginAttempt)) == 0
            counts.append(accounts)
    assert counts[-1] > counts[0], "they were issued meanwhile"
    assert set(verdicts) == {Verdict.GRANTED}
