"""Backups that a restore accepts, and the databases onto which it puts them."""

from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, text

from authbridge.backup.files import BackupError
from authbridge.backup.taking import take
from authbridge.config import Config
from authbridge.login.policy import Verdict
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, LoginAttempt, Role
from authbridge.storage.table_copy import TABLES
from tests.support.backups import contents, opened
from tests.support.factories import make_organiser, make_school, make_services, make_staff
from tests.support.fakes import MORNING
from tests.support.restores import restore_from, verdict


def test_onto_a_new_machine(database: Database, config: Config) -> None:
    """Nobody knows what happened since, so it wants to be told; and the flag is no way around the rest."""
    make_school(database)
    issued = make_organiser(database)
    make_staff(database, "anna", Role.ADMIN)
    taken = take(database, config, now=MORNING)
    with pytest.raises(BackupError, match="not lost"):
        restore_from(taken.content, database, config, is_lost=True)
    with database.write_connection() as connection:
        for table in reversed(TABLES):
            if table.name != "revocation_feed":
                connection.execute(delete(table))

    with pytest.raises(BackupError, match="present-is-lost"):
        restore_from(taken.content, database, config)
    found = restore_from(taken.content, database, config, is_lost=True)

    assert found.is_new
    assert (found.deleted, found.staff_to_invite) == ((), ())
    assert verdict(issued, make_services(database)) is Verdict.GRANTED
    newcomer = make_organiser(database)
    assert verdict(newcomer, make_services(database)) is Verdict.GRANTED
    with database.read_session() as session:
        actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert "backup:restore" in actions
    assert actions.count("organiser:issue") == 2


@pytest.mark.parametrize("kept", [0, 50, 4096, 100_000])
def test_a_damaged_backup_changes_nothing(database: Database, config: Config, kept: int) -> None:
    """However much of it is left."""
    make_school(database)
    make_organiser(database)
    taken = take(database, config, now=MORNING)
    with database.read_connection() as connection:
        before = contents(connection)

    with pytest.raises(BackupError):
        restore_from(taken.content[:kept], database, config)

    with database.read_connection() as connection:
        assert contents(connection) == before


@pytest.mark.parametrize(("version", "words"), [("9999", "does not know"), (None, "none of AuthBridge")])
def test_a_backup_of_a_newer_program(
    database: Database, config: Config, version: str | None, words: str
) -> None:
    """The sentence says it; so for a database of somebody else."""
    taken = take(database, config, now=MORNING)
    with opened(taken.content) as backup:
        with backup.write_connection() as connection:
            connection.execute(
                text("UPDATE alembic_version SET version_num = :new"), {"new": version}
            ) if version else connection.execute(text("DROP TABLE alembic_version"))
        content = backup.content()
    with pytest.raises(BackupError, match=words):
        restore_from(content, database, config)


def test_a_copy_of_the_file_is_a_backup_as_well(
    sqlite_template: Path, database: Database, config: Config, tmp_path: Path
) -> None:
    """As the installer makes one before an upgrade; the logins in it are left out."""
    copied = tmp_path / "copied.db"
    copied.write_bytes(sqlite_template.read_bytes())
    former = Database(f"sqlite:///{copied}")
    make_school(former)
    issued = make_organiser(former)
    assert verdict(issued, make_services(former)) is Verdict.GRANTED
    former.empty_write_ahead_log()
    former.engine.dispose()

    restore_from(copied.read_bytes(), database, config, is_lost=True)

    with database.read_session() as session:
        assert session.scalar(select(func.count()).select_from(LoginAttempt)) == 0
    assert verdict(issued, make_services(database)) is Verdict.GRANTED


def test_a_backup_of_an_earlier_program(database: Database, config: Config) -> None:
    """It is brought to this version, in memory."""
    from authbridge.storage import schema  # noqa: PLC0415

    make_school(database)
    issued = make_organiser(database)
    taken = take(database, config, now=MORNING)
    with opened(taken.content) as backup:
        schema.downgrade(backup)
        content = backup.content()

    restore_from(content, database, config)

    assert verdict(issued, make_services(database)) is Verdict.GRANTED
