"""An import that is killed within its transaction leaves nothing, and the same command then does all."""

import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from authbridge.storage.database import Database
from authbridge.storage.models import Base
from tests.http.cli.machine import die, environ_of
from tests.support.factories import make_school
from tests.support.forked_command import Ended, Hook, do_nothing, start_forked

PLAIN = 'return {\n\t["password"] = "Sommerferien";\n%s};\n'
COMMANDS = {
    "import-prosody": ("import-prosody", ".", "--host", "meet.test", "--school", "ohg"),
    "organiser import": ("organiser", "import", "organisers.csv"),
    "school import": ("school", "import", "schools.csv"),
}
REPEATED = {"import-prosody": 1, "organiser import": 1, "school import": 0}  # exit codes: names are taken


@pytest.fixture(name="environ")
def make_environ(database: Database, database_url: str, tmp_path: Path) -> Mapping[str, str]:
    """A machine with a school, a Prosody's folder and two tables."""
    (tmp_path / "secret").write_text("s" * 64)
    accounts = tmp_path / "meet%2etest/accounts"
    accounts.mkdir(parents=True)
    for name, more in (("a.dat", ""), ("b.dat", '\t["disabled"] = true;\n')):
        (accounts / name.replace(".", "b.")).write_text(PLAIN % more)
    (tmp_path / "organisers.csv").write_text("school;username;password\nohg;a.b;Brot\nohg;c.d;Brot\n")
    (tmp_path / "schools.csv").write_text("code;name\nohg;Anders\nlmg;Lise\n")
    make_school(database)
    return environ_of(tmp_path) | {"AUTHBRIDGE_DATABASE_URL": database_url}


def die_after_insert(number: int) -> Hook:
    """Lets a fork be killed when it has sent so many INSERTs."""
    sent = count(1)

    def look(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if statement.startswith("INSERT") and next(sent) == number:
            die()

    return lambda: event.listen(Engine, "after_cursor_execute", look)


def run(environ: Mapping[str, str], name: str, hook: Hook = do_nothing) -> Ended:
    """Runs one of the commands in a process of its own; its output goes nowhere."""
    folder = Path(environ["TMPDIR"])
    arguments = [
        str(folder / each) if each == "." or each.endswith(".csv") else each for each in COMMANDS[name]
    ]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    ended = start_forked(environ, *arguments, stdout=nowhere, hook=hook).wait()
    os.close(nowhere)
    return ended


def rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All that is in the database."""
    with database.read_session() as session:
        tables = Base.metadata.sorted_tables
        return {each.name: [tuple(row) for row in session.execute(each.select())] for each in tables}


@pytest.mark.parametrize("name", COMMANDS)
def test_all_or_nothing_comes_in(environ: Mapping[str, str], database: Database, name: str) -> None:
    """Killed after each statement that writes, one after the other; then whole; then it is in already."""
    before = rows(database)
    for number in count(1):
        ended = run(environ, name, die_after_insert(number))
        if ended.code == 0:
            break
        assert ended.code == -9, ended.stderr
        assert rows(database) == before
    assert number >= (5 if name == "import-prosody" else 3)

    done = rows(database)
    added = {
        table: len(done[table]) - len(before[table]) for table in ("organisers", "schools", "audit_events")
    }
    assert added == {
        "organisers": 0 if name == "school import" else 2,
        "schools": 1 if name == "school import" else 0,
        "audit_events": 1,
    }
    assert len(done["suspensions"]) == (1 if name == "import-prosody" else 0)
    assert run(environ, name).code == REPEATED[name]
    assert rows(database) == done
