"""What is found in the database: each finding once, whatever state it is in."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from authbridge import audit, deletion_records
from authbridge.audit import POLICY
from authbridge.deletion_records import DeletionRecord
from authbridge.doctor.reports import FINDINGS_OF_SERVICE
from authbridge.doctor.service import examine_service
from authbridge.login import journal
from authbridge.login.alarm_rules import Alarm
from authbridge.machine.findings import Finding, Level
from authbridge.staff.encryption import StaffEncryption
from authbridge.storage import job_runs
from authbridge.storage.database import Database
from authbridge.storage.models import Organiser, Role
from authbridge.synthetic_login.outcomes import SyntheticOutcome
from tests.support.factories import (
    ENCRYPTION,
    SECRET_KEY,
    make_invited,
    make_organiser,
    make_school,
    make_staff,
)
from tests.support.fakes import MORNING
from tests.support.feeds import report
from tests.support.panel.sample_data import make_deletion_record
from tests.support.synthetic_logins import add_synthetic_logins

DAY = timedelta(days=1)


def examine(
    database: Database,
    *,
    encryption: StaffEncryption = ENCRYPTION,
    now: datetime = MORNING,
    offers_panel: bool = True,
    backup_folder: Path = Path("/nowhere"),
) -> dict[str, Finding]:
    """Returns the findings by id; each is there once."""
    found = examine_service(
        database, encryption, offers_panel=offers_panel, backup_folder=backup_folder, now=now
    )
    by_id = {finding.id: finding for finding in found}
    assert len(by_id) == len(found)
    assert by_id.keys() == set(FINDINGS_OF_SERVICE)
    return by_id


def test_without_tables_nothing_else_is_claimed(tmp_path: Path) -> None:
    """Monitoring sees the same ids as ever."""
    empty = Database(f"sqlite:///{tmp_path / 'none.db'}")
    found = examine(empty)
    empty.engine.dispose()
    assert found.pop("database").level is Level.ERROR
    assert {finding.level for finding in found.values()} == {Level.NOTE}


def test_a_service_in_order_has_nothing_to_say(database: Database) -> None:
    """With a Prosody that asks, an administrator, and a purge within the hour."""
    make_staff(database, role=Role.ADMIN)
    make_organiser(database, make_school(database))
    report(database, "node-1")
    add_synthetic_logins(database, SyntheticOutcome.GRANTED)
    with database.write_session() as session:
        journal.mark_purged(session, now=MORNING)
        deletion_records.keep(session, make_deletion_record(0, is_well=True))
        job_runs.note_done(session, job_runs.BACKUP, now=MORNING)
    found = examine(database)
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert found.keys() == examine(Database("sqlite:////nowhere/at/all.db")).keys()


def test_a_change_of_the_secret_key_is_watched_to_its_end(database: Database) -> None:
    """With the former one in the file, without it, and once nothing needs it any more."""
    make_staff(database)
    new = b"n" * 32
    assert examine(database)["secret-key"].level is Level.OK

    begun = examine(database, encryption=StaffEncryption(new, SECRET_KEY))["secret-key"]
    lost = examine(database, encryption=StaffEncryption(new))["secret-key"]
    ended = examine(database, encryption=StaffEncryption(SECRET_KEY, new))["secret-key"]

    assert (begun.level, begun.line) == (Level.WARNING, "authbridge staff reseal")
    assert (lost.level, lost.line) == (Level.WARNING, "authbridge staff reset NAME")
    assert (ended.level, ended.line) == (Level.NOTE, "sed -i 2d /etc/authbridge/secret-key")


def test_a_purge_that_is_overdue_breaks_the_promise(database: Database) -> None:
    """Two hours after the last one; the service deletes every hour."""
    with database.write_session() as session:
        journal.mark_purged(session, now=MORNING)
    assert examine(database)["purge"].level is Level.OK
    assert examine(database, now=MORNING + timedelta(hours=3))["purge"].level is Level.ERROR


@pytest.mark.parametrize(
    ("record", "hours", "level"),
    [
        pytest.param(None, 0, Level.NOTE, id="the first night is still to come"),
        pytest.param(make_deletion_record(0, is_well=True), 26, Level.OK, id="last night"),
        pytest.param(make_deletion_record(0, is_well=True), 27, Level.ERROR, id="a night is missing"),
        pytest.param(make_deletion_record(0), 0, Level.ERROR, id="older rows were left"),
        pytest.param(
            replace(make_deletion_record(0, is_well=True), log_emptied=False),
            0,
            Level.WARNING,
            id="the log is kept",
        ),
    ],
)
def test_deleted_rows_are_gone_from_the_bytes(
    database: Database, record: DeletionRecord | None, hours: int, level: Level
) -> None:
    """Every night; what keeps them is said, with what to do."""
    if record is not None:
        with database.write_session() as session:
            deletion_records.keep(session, record)
    found = examine(database, now=MORNING + timedelta(hours=hours))["deletion-record"]
    assert found.level is level
    assert (level is Level.OK) == (not found.line)


def test_a_backup_that_is_missing_or_old_is_noticed(database: Database, tmp_path: Path) -> None:
    """Also where the next one could not be written."""
    found = examine(database)["backup"]
    assert (found.level, "authbridge-backup" in found.line) == (
        Level.NOTE,
        True,
    )  # the first night is to come
    with database.write_session() as session:
        for days_ago in range(2):
            deletion_records.keep(session, make_deletion_record(days_ago))
    assert examine(database)["backup"].level is Level.WARNING
    with database.write_session() as session:
        job_runs.note_done(session, job_runs.BACKUP, now=MORNING)
    assert examine(database, now=MORNING + DAY)["backup"].level is Level.OK
    assert examine(database, now=MORNING + 3 * DAY)["backup"].level is Level.WARNING
    assert examine(database, backup_folder=tmp_path)["backup"].level is Level.OK
    file = tmp_path / "file"
    file.write_text("")
    found = examine(database, backup_folder=file)["backup"]
    assert (found.level, found.where) == (Level.WARNING, str(file))


def test_a_prosody_that_stopped_to_ask_is_named(database: Database) -> None:
    """None at all is a warning: a suspension has never ended a meeting yet."""
    assert examine(database)["prosody-servers"].level is Level.WARNING
    report(database, "node-1")
    assert examine(database)["prosody-servers"].level is Level.OK
    assert examine(database, now=MORNING + DAY)["prosody-servers"].level is Level.ERROR


@pytest.mark.parametrize(
    ("outcomes", "level"),
    [
        ([], Level.NOTE),
        ([SyntheticOutcome.GRANTED], Level.OK),
        ([SyntheticOutcome.GRANTED, SyntheticOutcome.UNREACHABLE], Level.WARNING),
        ([SyntheticOutcome.UNREACHABLE, SyntheticOutcome.UNAVAILABLE], Level.ERROR),
        ([SyntheticOutcome.WRONG_GRANTED], Level.ERROR),
        ([SyntheticOutcome.UNREACHABLE, SyntheticOutcome.GRANTED], Level.OK),
    ],
)
def test_a_synthetic_login_that_fails_twice_is_an_error(
    database: Database, outcomes: list[SyntheticOutcome], level: Level
) -> None:
    """Once may be a restart; and what was long ago says nothing of now."""
    add_synthetic_logins(database, *outcomes)
    assert examine(database)["synthetic-login"].level is level
    if outcomes:
        later = examine(database, now=MORNING + timedelta(hours=1))
        assert later["synthetic-login"].level is Level.WARNING


def test_somebody_must_be_able_to_sign_in(database: Database) -> None:
    """A clerk cannot invite; an invitation ends; without a panel nobody needs to."""
    make_staff(database, "clerk")
    assert examine(database)["staff"].level is Level.WARNING
    assert examine(database, offers_panel=False)["staff"].level is Level.OK
    make_invited(database, "admin", Role.ADMIN)
    assert examine(database)["staff"].level is Level.NOTE
    assert examine(database, now=MORNING + 90 * DAY)["staff"].level is Level.WARNING


def test_passwords_from_before_are_counted(database: Database) -> None:
    """How weak they are nobody can see any more."""
    credential = make_organiser(database, make_school(database))
    assert examine(database)["taken-over"].level is Level.OK
    with database.write_session() as session:
        session.query(Organiser).update({"password_generated": False})
    found = examine(database)["taken-over"]
    assert (found.level, dict(found.what.values)) == (Level.NOTE, {"count": 1, "waiting": 1})
    assert str(credential) not in str(found.what)


def test_alarms_of_the_week_are_counted(database: Database) -> None:
    """An older one is forgotten."""
    with database.write_session() as session:
        for days in (1, 8):
            audit.record(
                session, actor=POLICY, action=Alarm.OVERALL, subject="service", now=MORNING - days * DAY
            )
    found = examine(database)["alarms"]
    assert (found.level, found.what.values["count"]) == (Level.NOTE, 1)
