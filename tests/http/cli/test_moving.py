"""``authbridge db copy``: killed at any step, the same command does the rest; never do two let in."""

import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import event
from sqlalchemy.engine import Engine

from authbridge.cli import main
from authbridge.cli.operator import Operator
from authbridge.errors import StorageError
from authbridge.storage import schema
from authbridge.storage.database import Database
from tests.http.cli.machine import die, environ_of
from tests.support.factories import make_organiser, make_school
from tests.support.forked_command import Hook, do_nothing, start_forked
from workbench.postgres import Postgres


@pytest.fixture(name="environ")
def make_environ(sqlite_template: Path, tmp_path: Path) -> Mapping[str, str]:
    """A machine with SQLite, a school and an account."""
    (tmp_path / "secret").write_text("s" * 64)
    (tmp_path / "authbridge.db").write_bytes(sqlite_template.read_bytes())
    environ = environ_of(tmp_path)
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    make_school(database)
    make_organiser(database)
    database.engine.dispose()
    return environ


def run(environ: Mapping[str, str], *arguments: str, **variables: str) -> Result:
    """Runs the command in this process."""
    return CliRunner().invoke(main, ["db", "copy", *arguments], obj=Operator(environ), env=variables)


def run_forked(environ: Mapping[str, str], url: str, hook: Hook = do_nothing) -> int:
    """Runs the command in a process of its own; returns its exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    ended = start_forked(environ, "db", "copy", "--to", url, stdout=nowhere, hook=hook).wait()
    os.close(nowhere)
    return ended.code


def die_at(statement: str, number: int) -> Hook:
    """Lets a fork be killed when it has sent so many statements that begin so."""
    sent = count(1)

    def look(_connection: object, _cursor: object, sql: str, *_others: object) -> None:
        if sql.lstrip().startswith(statement) and next(sent) == number:
            die()

    return lambda: event.listen(Engine, "after_cursor_execute", look)


def accounts(url: str) -> int | None:
    """Returns how many accounts a service would find there; None: it would not start."""
    database = Database(url)
    try:
        schema.require_current(database)
        with database.read_connection() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM organisers").scalar_one())
    except StorageError:
        return None
    finally:
        database.engine.dispose()


_VERSION = "UPDATE alembic_version SET version_num = %("  # of PostgreSQL, and not by a migration


@pytest.mark.parametrize(
    ("statement", "number", "is_moved"),
    [
        pytest.param("CREATE TABLE", 9, False, id="making the tables"),
        pytest.param("INSERT INTO organisers", 1, False, id="copying"),
        pytest.param("LOCK TABLE", 2, False, id="copying what changed meanwhile"),
        pytest.param("ALTER TABLE", 5, False, id="closing the former"),
        pytest.param("PRAGMA wal_checkpoint", 1, True, id="former closed, new one not open"),
        pytest.param(_VERSION, 2, True, id="opening the new one"),
    ],
)
def test_killed_it_is_given_again(
    environ: Mapping[str, str], postgres: Postgres, statement: str, number: int, *, is_moved: bool
) -> None:
    """Before the end the former database goes on; afterwards all is in the new one."""
    former, url = environ["AUTHBRIDGE_DATABASE_URL"], postgres.create_database()

    code = run_forked(environ, url, die_at(statement, number))

    assert code == -9
    assert accounts(url) in {None, 0}, "nobody gets in by a half copy"
    assert accounts(former) == (None if is_moved else 1)
    assert run_forked(environ, url) == 0
    assert (accounts(former), accounts(url)) == (None, 1)
    assert run_forked(environ, url) == 0
    assert (accounts(former), accounts(url)) == (None, 1)


def test_it_says_what_to_set(environ: Mapping[str, str], postgres: Postgres) -> None:
    """And to restart the services at once."""
    result = run(environ, "--to", postgres.create_database())

    assert result.exit_code == 0, result.output
    assert "AUTHBRIDGE_DATABASE_URL" in result.output
    assert "systemctl restart authbridge-api authbridge-panel" in result.output


def test_no_password_is_an_argument(environ: Mapping[str, str], postgres: Postgres) -> None:
    """In a variable it is; no output shows it."""
    url = postgres.create_database().replace("authbridge@", "authbridge:hunter2@")

    refused = run(environ, "--to", url)
    done = run(environ, AUTHBRIDGE_COPY_TO=url)

    assert (refused.exit_code, done.exit_code) == (1, 0), done.output
    assert "AUTHBRIDGE_COPY_TO" in refused.output
    assert "hunter2" not in refused.output + done.output
