"""The move to another database: every row, no acknowledged change lost, and never two that let in."""

import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, event, insert, select, text

from authbridge.backup.files import BackupError
from authbridge.backup.moving import move
from authbridge.config import Config
from authbridge.errors import StorageError
from authbridge.login.authenticate import LoginServices, authenticate
from authbridge.login.policy import Verdict
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage import schema
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, Organiser, School, table_of
from authbridge.storage.table_copy import Content
from tests.support.backups import change_all, contents, fill_all, make_config
from tests.support.factories import make_attempt, make_organiser, make_origin, make_school, make_services
from tests.support.fakes import MORNING
from workbench.postgres import Postgres


@pytest.fixture(name="database")
def make_source(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A database in SQLite."""
    shutil.copy(sqlite_template, tmp_path / "authbridge.db")
    source = Database(f"sqlite:///{tmp_path / 'authbridge.db'}")
    yield source
    source.engine.dispose()


@pytest.fixture(name="config")
def make_settings(database: Database, tmp_path: Path) -> Config:
    """The usual settings."""
    return make_config(str(database.engine.url), tmp_path)


@pytest.fixture(name="target")
def make_target(postgres: Postgres) -> Iterator[Database]:
    """An empty database in PostgreSQL."""
    target = Database(postgres.create_database())
    yield target
    target.engine.dispose()


def verdict(issued: IssuedCredential, services: LoginServices) -> Verdict:
    """Logs in."""
    attempt = make_attempt(issued.username, issued.password, ip="198.51.100.7")
    return authenticate(attempt, make_origin(), services, within=9).verdict


def test_every_row_is_there_and_new_ones_are_numbered_on(
    database: Database, target: Database, config: Config
) -> None:
    """Logins go on there; the former one lets nobody in, not by a service that runs, and has no logins."""
    make_school(database)
    issued = make_organiser(database)
    former = make_services(database)
    with database.write_connection() as connection:
        fill_all(connection)
    assert verdict(issued, former) is Verdict.GRANTED
    with database.read_connection() as connection:
        before = contents(connection)

    copied = move(database, target, config)

    assert dict(copied) == before
    with target.read_connection() as connection:
        assert contents(connection) == before
    schema.require_current(target)
    with pytest.raises(StorageError):
        verdict(issued, former)
    with pytest.raises(StorageError, match="moved to another one"):
        schema.require_current(database)
    with database.read_connection() as connection:
        assert connection.execute(text("SELECT count(*) FROM moved_login_attempts")).scalar_one() == 0
        assert connection.execute(text("SELECT count(*) FROM moved_organisers")).scalar_one() == 2
    services = make_services(target)
    assert verdict(issued, services) is Verdict.GRANTED
    assert verdict(make_organiser(target), services) is Verdict.GRANTED
    assert dict(move(database, target, config)) != before, (
        "given again it changes nothing, and tells the rows"
    )


def test_logins_and_changes_go_on_while_the_rows_are_copied(
    database: Database, target: Database, config: Config
) -> None:
    """What is added, changed and deleted meanwhile in any table is so in the new database."""
    make_school(database)
    issued, services = make_organiser(database), make_services(database)
    with database.write_connection() as connection:
        for day in range(2):
            fill_all(connection, MORNING + timedelta(days=day))
    told: list[Verdict] = []
    expected = dict[str, Content]()

    @event.listens_for(target.engine, "before_cursor_execute")
    def interfere(_connection: object, _cursor: object, sql: str, *_others: object) -> None:
        if sql.startswith("INSERT INTO login_attempts") and not told:
            told.append(verdict(issued, services))
            with database.write_connection() as connection:
                change_all(connection, MORNING + timedelta(days=2))
                expected.update(contents(connection))

    copied = move(database, target, config)

    assert told == [Verdict.GRANTED]
    assert dict(copied) == expected
    with target.read_connection() as connection:
        assert contents(connection) == expected
    make_school(target, "new")
    assert verdict(make_organiser(target, "new"), make_services(target)) is Verdict.GRANTED


def test_nothing_that_was_acknowledged_is_lost(database: Database, target: Database, config: Config) -> None:
    """Accounts are issued and log in while it goes on, until the old database refuses."""
    make_school(database, quota=5000)
    done: list[IssuedCredential] = [make_organiser(database)]
    services = make_services(database)
    told: list[Verdict] = []

    def issue() -> None:
        try:
            while True:
                done.append(make_organiser(database))
        except StorageError:
            return

    def log_in() -> None:
        try:
            while True:
                told.append(verdict(done[0], services))
        except StorageError:
            return

    workers = [threading.Thread(target=work) for work in (issue, issue, log_in)]
    for worker in workers:
        worker.start()
    while len(done) < 20:
        workers[0].join(0.01)
    move(database, target, config)
    for worker in workers:
        worker.join()

    with target.read_session() as session:
        names = set(session.scalars(select(Organiser.username)))
        logins = session.scalars(select(LoginAttempt.verdict)).all()
    assert names == {each.username for each in done}
    assert set(told) == {Verdict.GRANTED}
    assert len(logins) == len(told)
    assert verdict(done[-1], make_services(target)) is Verdict.GRANTED


def test_a_database_in_use_is_not_overwritten(database: Database, target: Database, config: Config) -> None:
    """Not one with rows, not one of a newer program, not the copy of another one."""
    make_school(database)
    schema.upgrade(target)
    make_school(target, "lmg")
    with target.read_connection() as connection:
        before = contents(connection)
    for version in (schema.version(target), "9999", schema.BEING_COPIED):
        with target.write_session() as session:
            schema.set_version(session, str(version))
        with pytest.raises(BackupError, match="not empty"):
            move(database, target, config)
        with target.read_connection() as connection:
            assert contents(connection) == before
    schema.require_current(database)
    make_organiser(database)


def test_a_copy_that_was_cut_off_is_made_anew(database: Database, target: Database, config: Config) -> None:
    """What was written since is in it; meanwhile no service starts on the half one."""
    make_school(database)
    schema.upgrade(target)
    with database.read_connection() as connection, target.write_session() as session:
        schools = [dict(row) for row in connection.execute(select(table_of(School))).mappings()]
        session.execute(insert(School), schools)
        epoch = connection.execute(text("SELECT epoch FROM revocation_feed")).scalar_one()
        session.execute(text("UPDATE revocation_feed SET epoch = :epoch"), {"epoch": epoch})
        schema.set_version(session, schema.BEING_COPIED)
    with pytest.raises(StorageError, match="cut off"):
        schema.require_current(target)
    issued = make_organiser(database)

    move(database, target, config)

    assert verdict(issued, make_services(target)) is Verdict.GRANTED


def test_the_rest_is_done_where_it_was_cut_off_at_the_end(
    database: Database, target: Database, config: Config
) -> None:
    """The source is closed, the target not open yet: given again, it is; another target is refused."""
    make_school(database)
    issued = make_organiser(database)
    move(database, target, config)
    with target.write_session() as session:
        schema.set_version(session, schema.BEING_COPIED)

    move(database, target, config)

    assert verdict(issued, make_services(target)) is Verdict.GRANTED
    with target.write_session() as session:
        session.execute(delete(table_of(LoginAttempt)))
        session.execute(text("UPDATE revocation_feed SET epoch = 'another'"))
        schema.set_version(session, schema.BEING_COPIED)
    with pytest.raises(BackupError, match="not to that database"):
        move(database, target, config)


def test_an_unreachable_target_changes_nothing(database: Database, config: Config) -> None:
    """The services go on."""
    make_school(database)
    issued = make_organiser(database)
    target = Database("postgresql://nobody@127.0.0.1:1/nothing")

    with pytest.raises(StorageError):
        move(database, target, config)

    assert verdict(issued, make_services(database)) is Verdict.GRANTED


def test_only_sqlite_is_moved(database: Database, target: Database, config: Config) -> None:
    """PostgreSQL has its own programs for that."""
    schema.upgrade(target)
    with pytest.raises(BackupError, match="pg_dump"):
        move(target, database, config)
