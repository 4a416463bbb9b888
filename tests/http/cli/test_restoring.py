"""``authbridge restore``: what it says, and that it is done or not done."""

import json
import os
import resource
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pyrage
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import event, select
from sqlalchemy.engine import Engine

from authbridge.cli import main
from authbridge.cli.operator import Operator
from authbridge.storage.database import Database
from authbridge.storage.models import School
from authbridge.storage.table_copy import TABLES
from tests.http.cli.machine import die, environ_of
from tests.support.backups import contents
from tests.support.factories import make_organiser, make_school
from tests.support.fakes import FakeClock
from tests.support.forked_command import Hook, do_nothing, start_forked

KEY = pyrage.x25519.Identity.generate()
WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE TEMP", "DROP")


@pytest.fixture(name="environ")
def make_environ(database: Database, database_url: str, tmp_path: Path) -> Mapping[str, str]:
    """A machine with a school, an account, a backup of both, and an account that was suspended since."""
    (tmp_path / "secret").write_text("s" * 64)
    (tmp_path / "key").write_text(f"# created: today\n{KEY}\n")
    (tmp_path / "wrong-key").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    (tmp_path / "no-key").write_text("AGE-SECRET-KEY-1NONSENSE\n")
    make_school(database)
    issued = make_organiser(database)
    environ = environ_of(tmp_path) | {"AUTHBRIDGE_DATABASE_URL": database_url}
    for arguments in (
        ("backup", str(tmp_path / "plain.db")),
        ("backup", str(tmp_path / "kept.age"), "--recipient", str(KEY.to_public())),
        ("suspend", "organiser", issued.username, "--reason", "misuse"),
    ):
        assert run(environ, *arguments).exit_code == 0
    return environ


def run(environ: Mapping[str, str], *arguments: str, typed: bytes = b"") -> Result:
    """Runs a command in this process."""
    operator = Operator(environ, clock=FakeClock(datetime.now(UTC)))
    return CliRunner().invoke(main, list(arguments), obj=operator, input=typed)


def run_forked(environ: Mapping[str, str], *arguments: str, hook: Hook = do_nothing) -> int:
    """Runs a command in a process of its own; returns its exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    ended = start_forked(environ, *arguments, stdout=nowhere, hook=hook).wait()
    os.close(nowhere)
    return ended.code


def all_of(database: Database) -> object:
    """Returns what the database holds."""
    with database.read_connection() as connection:
        return contents(connection)


def test_check_says_what_would_be_undone(
    environ: Mapping[str, str], database: Database, tmp_path: Path
) -> None:
    """And changes nothing."""
    before = all_of(database)
    result = run(environ, "restore", "--check", str(tmp_path / "plain.db"))
    document = json.loads(run(environ, "restore", "--check", str(tmp_path / "plain.db"), "--json").output)

    assert result.exit_code == 0, result.output
    assert "The backup is whole: 1 schools, 1 accounts" in result.output
    assert "Accounts suspended since; they stay suspended. 1:\n  ohg-" in result.output
    assert document["rows"]["organisers"] == 1
    assert [name[:4] for name in document["suspended"]] == ["ohg-"]
    assert all_of(database) == before


def test_check_where_the_present_database_is_lost(environ: Mapping[str, str], tmp_path: Path) -> None:
    """It proves that the backup opens, and says that nobody knows what happened since."""
    gone = {**environ, "AUTHBRIDGE_DATABASE_URL": f"sqlite:///{tmp_path / 'gone.db'}"}

    result = run(gone, "restore", "--check", str(tmp_path / "plain.db"))

    assert result.exit_code == 0, result.output
    assert "nobody knows what happened since" in result.output
    assert run(gone, "restore", str(tmp_path / "plain.db")).exit_code == 4
    assert run(gone, "db", "upgrade").exit_code == 0
    refused = run(gone, "restore", str(tmp_path / "plain.db"))
    assert (refused.exit_code, "--present-is-lost" in refused.output) == (1, True)
    restored = run(gone, "restore", str(tmp_path / "plain.db"), "--present-is-lost")
    assert restored.exit_code == 0, restored.output
    assert "NOBODY KNOWS" in restored.output


def test_an_encrypted_backup_wants_its_key(
    environ: Mapping[str, str], database: Database, tmp_path: Path
) -> None:
    """From a file or from standard input; no other key, and none at all, changes anything."""
    before = all_of(database)
    file = str(tmp_path / "kept.age")
    for arguments, words in (
        ((), "--identity FILE"),
        (("--identity", str(tmp_path / "wrong-key")), "cannot be decrypted"),
        (("--identity", str(tmp_path / "no-key")), "no key of age"),
        (("--identity", str(tmp_path / "nothing")), "cannot be read"),
    ):
        result = run(environ, "restore", file, *arguments)
        assert (result.exit_code, words in result.output) == (1, True), result.output
        assert "AGE-SECRET" not in result.output
    assert all_of(database) == before

    assert run(environ, "restore", file, "--check", "--identity", "-", typed=str(KEY).encode()).exit_code == 0
    assert run(environ, "restore", file, "--identity", str(tmp_path / "key")).exit_code == 0
    content = (tmp_path / "plain.db").read_bytes()
    assert run(environ, "restore", "-", typed=content).exit_code == 0


def die_after_write(number: int) -> Hook:
    """Lets a fork be killed when it has sent so many statements that write to the database of the service."""
    sent = count(1)

    def look(connection: object, _cursor: object, statement: str, *_others: object) -> None:
        is_in_memory = str(connection.engine.url) == "sqlite://"  # type: ignore[attr-defined]
        if not is_in_memory and statement.startswith(WRITES) and next(sent) == number:
            die()

    return lambda: event.listen(Engine, "after_cursor_execute", look)


SOME = [1, 20, 40, 55]  # of some 60; the rest by make soak


@pytest.mark.parametrize("number", SOME)
def test_killed_it_is_done_or_not_done(
    environ: Mapping[str, str], database: Database, tmp_path: Path, number: int
) -> None:
    """Nothing of it is there; the same command then does all of it."""
    before = all_of(database)

    code = run_forked(environ, "restore", str(tmp_path / "plain.db"), hook=die_after_write(number))

    assert code == -9
    with database.read_connection() as connection:
        restored = connection.exec_driver_sql(
            "SELECT count(*) FROM audit_events WHERE action = 'backup:restore'"
        )
        is_done = restored.scalar_one() == 1
    if not is_done:
        assert all_of(database) == before
    assert run_forked(environ, "restore", str(tmp_path / "plain.db")) == 0


@pytest.mark.parametrize("size", [20_000, 60_000, 100_000])
def test_a_full_disk_undoes_all_of_it_or_nothing(sqlite_template: Path, tmp_path: Path, size: int) -> None:
    """The exit code says which: 4, the database is as before; 0, all of it is restored."""
    (tmp_path / "secret").write_text("s" * 64)
    shutil.copy(sqlite_template, tmp_path / "authbridge.db")
    environ = environ_of(tmp_path)
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    make_school(database)
    assert run(environ, "backup", str(tmp_path / "plain.db")).exit_code == 0
    make_school(database, "lmg")
    before = all_of(database)
    database.engine.dispose()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    code = run_forked(environ, "restore", str(tmp_path / "plain.db"), hook=limit)

    with database.read_session() as session:
        schools = session.scalars(select(School.code).order_by(School.code)).all()
    assert (code, schools) in [(4, ["lmg", "ohg"]), (0, ["ohg"])]
    assert (all_of(database) == before) == (code == 4)
    database.engine.dispose()


@pytest.mark.soak
def test_killed_at_every_write_it_is_done_or_not_done(
    environ: Mapping[str, str], database: Database, tmp_path: Path
) -> None:
    """At each statement, one after the other, until it is not killed any more."""
    before = all_of(database)
    for number in count(1):
        code = run_forked(environ, "restore", str(tmp_path / "plain.db"), hook=die_after_write(number))
        with database.read_connection() as connection:
            query = "SELECT count(*) FROM audit_events WHERE action = 'backup:restore'"
            is_done = connection.exec_driver_sql(query).scalar_one() > 0
        if is_done:
            break
        assert code == -9
        assert all_of(database) == before
    assert number > len(TABLES)
