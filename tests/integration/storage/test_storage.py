"""What storage does in bad times, and that migrations lose nothing."""

import contextlib
import hashlib
import os
import sqlite3
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, inspect, make_url, text
from sqlalchemy.schema import Table

from authbridge import readiness
from authbridge.errors import ConfigError, ConflictError, StorageError
from authbridge.login.authenticate import authenticate
from authbridge.login.policy import Verdict
from authbridge.revocations import reports
from authbridge.revocations.reports import Contact
from authbridge.staff import sessions
from authbridge.storage import database as storage
from authbridge.storage import migrations, schema
from authbridge.storage.database import Database
from authbridge.storage.models import Base
from tests.support.factories import (
    IDLE,
    make_attempt,
    make_organiser,
    make_origin,
    make_school,
    make_services,
    make_staff,
)
from tests.support.fakes import MORNING
from workbench.postgres import Postgres
from workbench.processes import PATIENCE


@contextlib.contextmanager
def locked(database: Database) -> Iterator[None]:
    """Somebody else writes, and does not come to an end."""
    url = database.engine.url
    if database.is_sqlite:
        with contextlib.closing(sqlite3.connect(url.database or "", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
    else:
        dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(dsn) as other:
            other.execute("LOCK TABLE login_attempts IN ACCESS EXCLUSIVE MODE")
            yield


def test_nobody_gets_in_while_the_database_is_locked(database: Database) -> None:
    """A lock that is not released is an outage within seconds, and afterwards all is as before."""
    make_school(database)
    issued = make_organiser(database)
    attempt = make_attempt(issued.username, issued.password)

    with locked(database), pytest.raises(StorageError):
        authenticate(attempt, make_origin(), make_services(database), within=9)

    assert authenticate(attempt, make_origin(), make_services(database), within=9).verdict is Verdict.GRANTED


def test_a_short_lock_is_waited_for(database: Database) -> None:
    """Two who write at the same moment both get their turn."""
    make_school(database)
    issued = make_organiser(database)
    attempt = make_attempt(issued.username, issued.password)
    entered, release = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(database):
            entered.set()
            release.wait(PATIENCE)

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(PATIENCE)
    threading.Timer(0.3, release.set).start()

    assert authenticate(attempt, make_origin(), make_services(database), within=9).verdict is Verdict.GRANTED
    holder.join()


def test_nobody_gets_in_when_the_disk_is_full(sqlite_template: Path, tmp_path: Path) -> None:
    """A database that cannot grow is an outage, even for the right password."""
    path = tmp_path / "full.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    make_school(database)
    issued = make_organiser(database)
    services = make_services(database)
    attempt = make_attempt(issued.username, issued.password, user_agent="x" * 256)

    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    database.engine.dispose()
    _limit_pages(database, pages)

    with pytest.raises(StorageError, match="full"):
        _repeat(lambda: authenticate(attempt, make_origin(), services, within=9), times=100)

    assert readiness.examine(database, now=MORNING).words["disk"] == "ok"
    database.engine.dispose()


def _repeat(do: Callable[[], object], *, times: int) -> None:
    for _ in range(times):
        do()


def _limit_pages(database: Database, pages: int) -> None:
    @event.listens_for(database.engine, "connect")
    def limit(connection: sqlite3.Connection, _entry: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")


def test_a_read_only_database_is_an_outage(sqlite_template: Path, tmp_path: Path) -> None:
    """A file that cannot be written lets nobody in."""
    path = tmp_path / "read-only.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///file:{path}?mode=ro&uri=true")

    with pytest.raises(StorageError):
        authenticate(make_attempt("a", "b"), make_origin(), make_services(database), within=9)
    database.engine.dispose()


def test_an_unreachable_server_is_an_outage() -> None:
    """A PostgreSQL that is not there raises our error, with no password in it."""
    database = Database("postgresql://authbridge:hunter2@127.0.0.1:1/authbridge")

    with pytest.raises(StorageError) as raised, database.write_session() as session:
        session.connection()

    assert "hunter2" not in str(raised.value)


def test_an_error_carries_no_hash(database: Database) -> None:
    """The parameters of a failed statement are in no exception."""
    make_school(database)
    make_organiser(database)
    secret = "$2b$04$marker"
    failing = "INSERT INTO organisers (username, password_hash) VALUES (:username, :hash)"

    with pytest.raises(ConflictError) as raised, database.write_session() as session:
        session.execute(text(failing), {"username": "x", "hash": secret})

    told = "".join(traceback.format_exception(raised.value))
    assert secret not in told


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://localhost/x", "sqlite://", "sqlite:///:memory:", "pg://u:hunter2@h:x/y"]
)
def test_an_unusable_address_is_a_setting_to_mend(url: str) -> None:
    """The sentence names the variable and does not quote what may hold a password."""
    with pytest.raises(ConfigError, match="AUTHBRIDGE_DATABASE_URL") as raised:
        Database(url)

    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@db.example.org/x",
        "postgresql://u:hunter2@192.0.2.1/x",
        "postgresql://u:hunter2@[2001:db8::1]/x",
        "postgresql://u:hunter2@db.example.org/x?sslmode=require",
        "postgresql://u:hunter2@db.example.org/x?sslmode=verify-ca",
        "postgresql://u:hunter2@localhost/x?hostaddr=192.0.2.1",
        "postgresql://u:hunter2@/x?host=db.example.org",
        "postgresql://u:hunter2@/x?host=localhost&host=db.example.org",
        "postgresql://u:hunter2@localhost.example.org/x",
        "postgresql://u:hunter2@/x?service=elsewhere",
        "postgresql://u:hunter2@0.0.0.0/x",
    ],
)
def test_a_postgresql_elsewhere_is_asked_over_tls_alone(url: str) -> None:
    """Encrypted, and by a server whose certificate and name are right, or not at all."""
    with pytest.raises(ConfigError, match="sslmode=verify-full") as raised:
        Database(url)
    assert "hunter2" not in str(raised.value)
    encrypted = make_url(url).update_query_dict({"sslmode": "verify-full"})
    assert Database(encrypted.render_as_string(hide_password=False)).free_bytes() is None, "its disk is there"


def test_what_the_environment_says_of_postgresql_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver would take another machine from there, where the address names none."""
    monkeypatch.setenv("PGHOST", "db.example.org")
    with pytest.raises(ConfigError, match="sslmode=verify-full"):
        Database("postgresql:///x")
    Database("postgresql://127.0.0.1/x")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///x",
        "postgresql://u@/x?host=/run/postgresql",
        "postgresql://u:p@127.0.0.1/x",
        "postgresql://u:p@[::1]:5433/x",
        "postgresql://u:p@localhost/x",
    ],
)
def test_a_postgresql_here_needs_no_tls(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at a socket or at loopback; its room is seen, if it lies where Debian has it."""
    database = Database(url)
    assert database.engine.url.database == "x"
    monkeypatch.setattr(storage, "FOLDER_OF_POSTGRESQL", tmp_path)
    assert database.free_bytes()
    monkeypatch.setattr(storage, "FOLDER_OF_POSTGRESQL", tmp_path / "nothing")
    assert database.free_bytes() is None


def test_a_new_sqlite_file_is_its_owners_alone(tmp_path: Path) -> None:
    """The hashes in it are nobody else's business."""
    path = tmp_path / "authbridge.db"

    database = Database(f"sqlite:///{path}")
    schema.upgrade(database)
    database.engine.dispose()

    assert path.stat().st_mode & 0o077 == 0


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """The administrator reads which file could not be made."""
    database = Database(f"sqlite:///{tmp_path / 'nowhere' / 'authbridge.db'}")

    with pytest.raises(StorageError, match=r"nowhere/authbridge\.db cannot be made"):
        schema.upgrade(database)


def test_deleted_rows_are_overwritten(sqlite_template: Path, tmp_path: Path) -> None:
    """What is deleted from a SQLite file cannot be read from it afterwards."""
    path = tmp_path / "authbridge.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    attempt = make_attempt("nobody", "x", user_agent="UNMISTAKABLE-BROWSER")
    authenticate(attempt, make_origin(), make_services(database), within=9)

    with database.write_session() as session:
        session.execute(text("DELETE FROM login_attempts"))
    database.empty_write_ahead_log()
    database.engine.dispose()

    files = list(tmp_path.glob("authbridge.db*"))
    assert files
    assert not any(b"UNMISTAKABLE" in file.read_bytes() for file in files)


def test_the_migrations_make_the_tables_of_the_models(database: Database) -> None:
    """What Alembic builds is what the models say: columns, their types, keys and indices."""
    inspector = inspect(database.engine)

    for table in Base.metadata.sorted_tables:
        built = {column["name"]: column for column in inspector.get_columns(table.name)}
        assert list(built) == [column.name for column in table.columns]
        for column in table.columns:
            assert built[column.name]["nullable"] == column.nullable, column
            wanted = column.type.compile(database.engine.dialect)
            assert built[column.name]["type"].compile(database.engine.dialect) == wanted, column
        assert {index["name"] for index in inspector.get_indexes(table.name)} >= _index_names(table)
        assert {key["name"] for key in inspector.get_foreign_keys(table.name)} == {
            key.name for key in table.foreign_key_constraints
        }


def test_the_newest_version_is_that_of_the_last_migration(database: Database) -> None:
    """It is written down apart, for whoever does not want to ask Alembic."""
    files = (Path(migrations.__file__).parent / "versions").glob("0*.py")
    assert max(file.name.partition("_")[0] for file in files) == migrations.NEWEST
    assert schema.version(database) == migrations.NEWEST


def _index_names(table: Table) -> set[str | None]:
    return {str(index.name) for index in table.indexes}


@pytest.mark.own_database
def test_a_database_of_an_older_version_is_refused_until_it_is_upgraded(database: Database) -> None:
    """The sentence names the command; nothing is read or written before."""
    while schema.version(database) is not None:
        schema.downgrade(database)

    with pytest.raises(StorageError, match="db upgrade"):
        schema.require_current(database)
    with pytest.raises(StorageError), database.write_session() as session:
        reports.note_contact(session, Contact("node-a", None, 0), now=MORNING)
    schema.upgrade(database)
    schema.require_current(database)


def test_another_upgrade_of_a_current_database_changes_nothing(database: Database) -> None:
    """An operator who is not sure runs it once more: organisers and their passwords stay."""
    make_school(database)
    issued = make_organiser(database)
    attempt = make_attempt(issued.username, issued.password, ip="198.51.100.7")

    schema.upgrade(database)

    schema.require_current(database)
    assert schema.version(database) == migrations.NEWEST
    assert authenticate(attempt, make_origin(), make_services(database), within=9).verdict is Verdict.GRANTED


@pytest.mark.own_database
def test_an_upgrade_of_the_first_release_keeps_everybody(database: Database) -> None:
    """One step back and up again: organisers log in with the passwords they have."""
    make_school(database)
    issued = make_organiser(database)
    attempt = make_attempt(issued.username, issued.password, ip="198.51.100.7")
    while schema.version(database) != "0001":
        schema.downgrade(database)

    schema.upgrade(database)

    schema.require_current(database)
    assert authenticate(attempt, make_origin(), make_services(database), within=9).verdict is Verdict.GRANTED


@pytest.mark.own_database
def test_who_is_signed_in_stays_so_over_an_upgrade(database: Database) -> None:
    """Before version 0006 a token was the session's number alone."""
    make_staff(database)
    while schema.version(database) != "0005":
        schema.downgrade(database)
    token = "A" * 43
    with database.write_session() as session:
        session.execute(
            text(
                "INSERT INTO staff_sessions (id_hash, staff_id, stage, started_at, seen_at, notices)"
                " SELECT :id, id, 'signed-in', :now, :now, '[]' FROM staff"
            ),
            {"id": hashlib.sha256(token.encode()).hexdigest(), "now": MORNING},
        )

    schema.upgrade(database)

    with database.write_session() as session:
        found = sessions.find(session, token, idle=IDLE, now=MORNING)
        assert found is not None
        new = sessions.renew_token(session, found)
        assert sessions.find(session, token, idle=IDLE, now=MORNING) is None
        assert sessions.find(session, new, idle=IDLE, now=MORNING) is not None


@pytest.mark.own_database
def test_a_database_of_a_newer_program_is_left_alone(database: Database) -> None:
    """The sentence says so; nothing is changed, up or down."""
    with database.write_session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    for change in (schema.upgrade, schema.downgrade):
        with pytest.raises(StorageError, match="cannot change"):
            change(database)
    assert schema.version(database) == "9999"


@pytest.mark.own_database
def test_all_the_way_down_leaves_nothing(database: Database) -> None:
    """Every step has its way back."""
    make_school(database)
    while schema.version(database) is not None:
        schema.downgrade(database)

    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}


@pytest.mark.own_database
@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a disk")
def test_what_was_opened_while_nothing_could_be_written_is_opened_anew(
    database: Database, tmp_path: Path
) -> None:
    """Else a connection would stay read-only when the fault is long over, until the service is restarted."""
    for _ in range(2):
        with _unwritable(database, tmp_path):
            database.engine.dispose()  # as by a restart, or by more logins than ever before
            with database.read_session() as session:
                session.execute(text("SELECT 1"))
            with pytest.raises(StorageError), database.write_session() as session:
                session.execute(text("DELETE FROM schools"))
        with database.write_session() as session:
            session.execute(text("DELETE FROM schools"))


@contextlib.contextmanager
def _unwritable(database: Database, folder: Path) -> Iterator[None]:
    """Makes the database read-only for every connection that is opened meanwhile."""
    if database.is_sqlite:
        with contextlib.closing(sqlite3.connect(database.file or "")) as other_service:
            other_service.execute("SELECT * FROM schools").fetchall()  # with nobody there it would not open
            for command in (("mount", "--bind"), ("mount", "-o", "remount,bind,ro")):
                subprocess.run([*command, folder, folder], check=True)  # noqa: S603
            try:
                yield
            finally:
                subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S603, S607
        return
    name = database.engine.url.database
    with database.own_connection() as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        yield
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


def test_a_login_that_stands_still_lets_go_of_its_locks(postgres: Postgres, postgres_template: str) -> None:
    """Its service is frozen, or its machine gone: logins at another service do not wait for its return."""
    url = postgres.create_database(postgres_template)
    frozen, neighbour = Database(url, durable=False), Database(url, durable=False)
    with contextlib.closing(frozen.engine.raw_connection()) as connection:
        connection.cursor().execute("SELECT pg_advisory_xact_lock(1)")
        with neighbour.write_connection() as other:
            other.execute(text("SELECT pg_advisory_xact_lock(1)"))
    frozen.engine.dispose()
    neighbour.engine.dispose()
