"""An upgrade keeps the data in PostgreSQL too: copied by its own programs before, brought back by them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url

from authbridge.installation import postgresql
from authbridge.machine.files import Machine
from tests.integration.installation.conftest import ADD_LOGIN, ADDRESS, Install, migration, tree
from tests.support.full_disk import full_disk
from tests.support.tree_system import TreeSystem
from workbench.postgres import Postgres

_PASSWORD = "p/w#d? 100%:'\\ä"
_SETTINGS = "etc/authbridge/authbridge.env"
_USED = ("psql", "pg_dump")

# A table that refers to an older one, and which the copy from before does not know.
_ROOMS = "CREATE TABLE rooms (id INTEGER, school INTEGER REFERENCES schools (id))"
# And it may take longer than a login may wait.
_GOOD = f"""
def upgrade():
    assert op.get_bind().exec_driver_sql("SHOW statement_timeout").scalar() == "0"
    op.execute({_ROOMS!r})
"""
_BROKEN = f"""
def upgrade():
    op.execute({_ROOMS!r})
    op.drop_column("schools", "name")
    op.get_bind().connection.commit()
    raise RuntimeError("a fault of the release")
"""


def _newest() -> Path:
    return max(Path("/usr/lib/postgresql").iterdir(), key=lambda path: float(path.name))


@dataclass(frozen=True)
class Installed:
    """A release that is installed on a machine with its data in PostgreSQL."""

    machine: Machine
    install: Install
    url: str

    @property
    def program(self) -> str:
        """Returns the folder of the program that is in force."""
        return str(self.machine.path("/opt/authbridge").readlink())

    def add_school(self, code: str) -> None:
        """Adds a school by the program that is in force."""
        TreeSystem(self.machine).authbridge("/opt/authbridge", "school", "add", code, "A school")

    def rows(self, question: str) -> list[str]:
        """Asks the database as its owner."""
        with psycopg.connect(self.url) as connection:
            return [row[0] for row in connection.execute(question.encode())]

    @property
    def state(self) -> tuple[list[str], list[str]]:
        """Returns the schools, and the tables with their columns."""
        columns = "SELECT table_name || '.' || column_name FROM information_schema.columns"
        return (
            self.rows("SELECT code FROM schools ORDER BY code"),
            self.rows(f"{columns} WHERE table_schema = 'public' ORDER BY 1"),
        )

    def copies(self) -> list[Path]:
        """Returns the copies of the database."""
        return sorted(self.machine.path("/var/backups").glob("authbridge/*"))


@pytest.fixture(name="installed")
def _installed(install: Install, machine: Machine, postgres: Postgres) -> Installed:
    """A release with a school in its database; put into PostgreSQL as the README says."""
    _offer_programs(machine, _newest().name)
    install()
    installed = Installed(machine, install, postgres.create_owned_database(_PASSWORD))
    settings = machine.root / _SETTINGS
    lines = settings.read_text().splitlines()
    lines = [line for line in lines if not line.startswith("AUTHBRIDGE_DATABASE_URL=")]
    settings.write_text("\n".join([*lines, f"AUTHBRIDGE_DATABASE_URL={installed.url}", ""]))
    TreeSystem(machine).authbridge("/opt/authbridge", "db", "upgrade")
    installed.add_school("ohg")
    return installed


@pytest.mark.parametrize(
    "address",
    [
        "postgresql:///authbridge",
        "postgresql://anna@/authbridge?host=/run/postgresql",
        "postgresql://anna:p/w#x?y@db.example.org:5433/authbridge",
        "postgresql+psycopg://anna:p%40%C3%A4@[::1]:5433/authbridge?sslmode=require&sslrootcert=/etc/ca.pem",
        "postgresql://anna:p@/authbridge?host=db1.example.org,db2.example.org&target_session_attrs=read-write",
        "postgresql://anna@/authbridge?host=db1.example.org&host=db2.example.org&sslmode=verify-full",
        "postgresql://anna@/authbridge?host=127.0.0.1:5433&host=127.0.0.1:5434",
        "postgresql://anna@/authbridge?host=127.0.0.1,127.0.0.1&port=5433,5434",
    ],
)
def test_an_address_is_read_as_the_service_reads_it(address: str) -> None:
    """Also one whose password is not written as the rules of addresses want it."""
    url = make_url(address).set(drivername="postgresql+psycopg")
    _, options = create_engine(url).dialect.create_connect_args(url)
    del options["context"]  # of the driver's own
    # Without a port for any host SQLAlchemy still sets a comma between them.
    wanted = {name: str(value) for name, value in options.items() if str(value).strip(",")}
    assert postgresql.parse_address(address) == wanted


def test_a_failed_migration_is_taken_back_each_time(
    installed: Installed, next_clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever it had committed; the sessions of other programs meanwhile stand in no way."""
    before, program = installed.state, installed.program
    migration(next_clone, _BROKEN)
    with psycopg.connect(installed.url):
        for _ in range(2):
            assert installed.install(clone=next_clone) == 1
            assert "and the database are as before" in capsys.readouterr().err
            assert (installed.state, installed.program) == (before, program)
    migration(next_clone, _GOOD)
    assert installed.install(clone=next_clone) == 0
    assert installed.rows("SELECT count(*)::text FROM rooms") == ["0"]
    assert [copy.stat().st_mode & 0o777 for copy in installed.copies()] == [0o600] * 3


def test_one_command_leads_back_and_forth(
    installed: Installed, next_clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says first how much is lost; of the tables that the upgrade had added nothing stays."""
    before, program = installed.state, installed.program
    migration(next_clone, _GOOD)
    for code in ("neu", "neuer"):
        assert installed.install(clone=next_clone) == 0
        installed.add_school(code)
        capsys.readouterr()
        assert installed.install("--rollback", clone=next_clone) == 1
        assert "schools: 2 rows now, 1 then" in capsys.readouterr().out
        assert installed.install("--rollback", "--yes", clone=next_clone) == 0
        assert (installed.state, installed.program) == (before, program)


def test_the_copy_holds_no_login_once_the_upgrade_is_done(installed: Installed, next_clone: Path) -> None:
    """And is brought back all the same."""
    with psycopg.connect(installed.url) as connection:
        connection.execute(ADD_LOGIN.encode())
    migration(next_clone, _GOOD)

    assert installed.install(clone=next_clone) == 0

    (copy,) = installed.copies()
    assert ADDRESS not in copy.read_text()
    assert installed.rows("SELECT ip FROM login_attempts") == [ADDRESS]
    assert installed.install("--rollback", "--yes", clone=next_clone) == 0
    assert installed.rows("SELECT code FROM schools") == ["ohg"]
    assert installed.rows("SELECT ip FROM login_attempts") == []


def test_the_password_is_seen_by_the_programs_alone(
    installed: Installed, next_clone: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in their arguments, nor in what is said; and root's own settings lead to no other database."""
    monkeypatch.setenv("PGHOST", "203.0.113.1")
    monkeypatch.setenv("PGSERVICE", "other")
    seen = _watch_programs(installed.machine)
    migration(next_clone, _BROKEN)
    assert installed.install(clone=next_clone) == 1
    told = "".join(capfd.readouterr())
    assert "and the database are as before" in told
    lines = seen.read_text().splitlines()
    assert {line.split()[0] for line in lines} == {"psql", "pg_dump"}
    for text in (told, *lines):
        assert _PASSWORD not in text
        assert installed.url.split("@")[0] not in text
    assert {line.rpartition("ENVIRONMENT ")[2] for line in lines} == {"LANG PATH PGPASSWORD"}


@pytest.mark.parametrize(
    ("present", "wanted"), [(None, "postgresql-client"), ("99", f"postgresql-client-{_newest().name}")]
)
def test_without_the_programs_of_the_servers_version_nothing_begins(
    installed: Installed,
    next_clone: Path,
    capsys: pytest.CaptureFixture[str],
    present: str | None,
    wanted: str,
) -> None:
    """What cannot be copied is not changed; the sentence has the command that helps."""
    shutil.rmtree(installed.machine.root / "usr/lib/postgresql")
    if present:
        _offer_programs(installed.machine, present)
    before = tree(installed.machine)
    assert installed.install(clone=next_clone) == 1
    assert f"apt-get install {wanted}\n" in capsys.readouterr().err
    assert tree(installed.machine) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk")
def test_a_disk_that_fills_up_changes_nothing(
    installed: Installed, next_clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is begun of the copy is removed: it would fill the disk, and logins are in it."""
    unit = next_clone / "deploy/systemd/authbridge-api.service"
    unit.write_text(unit.read_text() + "# next\n")
    before = tree(installed.machine)
    program = installed.program
    with full_disk(installed.machine.path("/var/backups/authbridge")):
        assert installed.install(clone=next_clone) == 1
        assert installed.copies() == []
    err = capsys.readouterr().err
    assert "No space left on device" in err
    assert "program and database are as before" in " ".join(err.split())
    after = tree(installed.machine)
    assert installed.program == program
    assert {name: after[name] for name in after if name.startswith("etc/systemd")} == {
        name: before[name] for name in before if name.startswith("etc/systemd")
    }


@pytest.mark.parametrize("obstacle", ["_lock", "_forbid", "_cut_off"])
def test_a_restore_that_fails_changes_nothing_and_says_where_one_stands(
    installed: Installed,
    next_clone: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    obstacle: str,
) -> None:
    """Somebody keeps a table locked; tables may be dropped, but not made; the copy is not whole."""
    before = installed.state
    migration(next_clone, _GOOD)
    assert installed.install(clone=next_clone) == 0
    after, program = installed.state, installed.program
    monkeypatch.setattr(postgresql, "LOCK_PATIENCE", 1)
    capsys.readouterr()
    with globals()[obstacle](installed):
        assert installed.install("--rollback", "--yes", clone=next_clone) == 1
        told = " ".join(capsys.readouterr().err.split())
        assert "brought back, which is done wholly or not at all: its tables are of version" in told
        assert "(after the upgrade)" in told
        assert f"In force is the program /opt/{program}" in told
        assert str(installed.copies()[0].name) in told
        assert (installed.state, installed.program) == (after, program)
    assert installed.install("--rollback", "--yes", clone=next_clone) == 0
    assert installed.state == before


@contextmanager
def _lock(installed: Installed) -> Iterator[None]:
    with psycopg.connect(installed.url) as connection:
        connection.execute("SELECT FROM schools")
        yield


@contextmanager
def _forbid(installed: Installed) -> Iterator[None]:
    server = installed.url.partition("@")[2]
    with psycopg.connect(f"postgresql://authbridge@{server}", autocommit=True) as connection:
        connection.execute("ALTER SCHEMA public OWNER TO authbridge")
        yield
        connection.execute("ALTER SCHEMA public OWNER TO pg_database_owner")


@contextmanager
def _cut_off(installed: Installed) -> Iterator[None]:
    (copy,) = installed.copies()
    whole = copy.read_bytes()
    copy.write_bytes(whole[: len(whole) // 2])
    yield
    copy.write_bytes(whole)


def _watch_programs(machine: Machine) -> Path:
    """Lets each program write its arguments and the names of its environment into a file, then run."""
    folder, seen = machine.root / f"usr/lib/postgresql/{_newest().name}/bin", machine.root.parent / "seen"
    for name in _USED:
        script = folder / name
        script.unlink()
        script.write_text(
            "#!/bin/sh\n"
            f"names=$(tr '\\0' '\\n' </proc/$$/environ | sed 's/=.*//' | sort | tr '\\n' ' ')\n"
            f"echo {name} $(printf '%s ' \"$@\" | tr '\\n' ' ') ENVIRONMENT ${{names% }} >>{seen}\n"
            f'exec {_newest()}/bin/{name} "$@"\n'
        )
        script.chmod(0o755)
    return seen


def _offer_programs(machine: Machine, version: str) -> None:
    folder = machine.root / f"usr/lib/postgresql/{version}/bin"
    folder.mkdir(parents=True)
    for name in _USED:
        (folder / name).symlink_to(_newest() / "bin" / name)
