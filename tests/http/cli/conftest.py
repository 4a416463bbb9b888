"""A machine on which every command finds what it names."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from authbridge.cli import main
from authbridge.cli.operator import Operator
from authbridge.clock import utc_now
from authbridge.revocations import feed
from authbridge.revocations.reports import Contact, note_contact
from authbridge.storage.database import Database
from authbridge.storage.models import Hold
from tests.http.cli.machine import Machine, environ_of


@pytest.fixture(name="template", scope="session")
def make_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which every example finds what it names."""
    folder = tmp_path_factory.mktemp("machine")
    (folder / "secret").write_text("s" * 64)
    (folder / "import.csv").write_text("school;username;password\nohg;frau.a;Geheim 1\nohg;frau.b;Geheim 2\n")
    environ = environ_of(folder)
    for arguments in (
        ("db", "upgrade"),
        ("school", "add", "ohg", "Szkoła „Łódź“"),
        ("school", "add", "alt", "Alte Schule"),
        ("organiser", "import", str(folder / "import.csv")),
        ("suspend", "organiser", "frau.b", "--reason", "other"),
        ("suspend", "school", "alt", "--reason", "other"),
        ("staff", "add", "anna", "--role", "admin"),
    ):
        result = CliRunner().invoke(main, arguments, obj=Operator(environ))
        assert result.exit_code == 0, result.output
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    with database.write_session() as session:
        place = feed.position(session.connection())
        yesterday = utc_now() - timedelta(days=1)  # it is late: no command waits for it
        session.add(_hold(yesterday))
        note_contact(session, Contact("prosody-1", *place, (), {}), now=yesterday)
    database.empty_write_ahead_log()
    database.engine.dispose()
    taken = CliRunner().invoke(main, ("backup", str(folder / "backup.db")), obj=Operator(environ))
    assert taken.exit_code == 0, taken.output
    (folder / "import.csv").write_text("school;username;password\nohg;frau.c;Geheim 3\n")
    accounts = folder / "prosody/meet%2etest/accounts"
    accounts.mkdir(parents=True)
    (accounts / "frau%2ed.dat").write_text('return {\n\t["password"] = "Geheim 4";\n};\n')
    (folder / "schools.csv").write_text("code;name\nneu;Łódź\n", encoding="utf-8")
    return folder


def _hold(at: datetime) -> Hold:
    return Hold(
        organiser_id=1,
        since=at,
        before=utc_now(),
        reason="Łódź „17“",
        days=90,
        asked_at=at,
        asked_by="staff:anna",
        kept_until=at + timedelta(days=3),
    )


@pytest.fixture(name="machine")
def make_machine(template: Path, tmp_path: Path) -> Machine:
    """A machine of its own for each test."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return Machine(tmp_path, environ_of(tmp_path))
