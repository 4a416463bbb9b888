"""An upgrade keeps the data, and there is a way back from it: by itself if it fails, else by one command."""

import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from authbridge.data_protection.descriptions import KeptFor
from authbridge.data_protection.inventory import INVENTORY
from authbridge.installation.database import SHORT_LIVED
from authbridge.installation.program import folder_of, point_to
from authbridge.installation.record import Record, Upgrade
from authbridge.machine.files import Machine
from authbridge.machine.login_page import SOCKET_LINK
from authbridge.machine.page_switch import plan_on, switch_on
from authbridge.machine.setup import read_setup
from authbridge.storage.migrations import NEWEST
from tests.integration.installation.conftest import ADD_LOGIN, ADDRESS, Install, migration, tree
from tests.support.full_disk import full_disk
from tests.support.jitsi_machine import CONFIG_JS, HOST
from tests.support.panel.staffed_panel import make_config
from tests.support.prosody_machine import lay_prosody
from tests.support.tree_system import TreeSystem

_UNIT = "authbridge-api.service"
_MODULE = "prosody_mod/mod_auth_external/mod_auth_external.lua"
_RESTART = "systemctl restart prosody"
_DATABASE = "/var/lib/authbridge/authbridge.db"
WEEK = timedelta(days=7)
_GOOD = "def upgrade():\n    op.execute('CREATE TABLE rooms (id INTEGER)')\n"
# What it has done stays, when it fails: SQLite's transaction is ended in the middle.
_BROKEN = """
def upgrade():
    op.drop_table("schools")
    op.get_bind().connection.commit()
    raise RuntimeError("a fault of the release")
"""


def _add_school(machine: Machine, code: str) -> None:
    TreeSystem(machine).authbridge("/opt/authbridge", "school", "add", code, "A school")


def _schools(machine: Machine) -> list[str]:
    with closing(sqlite3.connect(machine.path(_DATABASE))) as database:
        return [code for (code,) in database.execute("SELECT code FROM schools ORDER BY code")]


def _program(machine: Machine) -> str:
    return str(machine.path("/opt/authbridge").readlink())


def _restart_prosody(machine: Machine) -> None:
    record = Record(machine)
    for noted in record.names("restarts"):
        record.forget("restarts", noted)


@pytest.fixture(name="former")
def _former(install: Install, machine: Machine) -> str:
    """The program of a release that is installed, and has a school in its database."""
    install()
    _add_school(machine, "ohg")
    return _program(machine)


def test_an_upgrade_keeps_the_data_and_one_command_leads_back(
    former: str, install: Install, machine: Machine, next_clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is lost either way where the tables are the same; the way back tells of Prosody's restart."""
    unit, module = next_clone / "deploy/systemd" / _UNIT, next_clone / _MODULE
    unit.write_text(unit.read_text() + "# next\n")
    module.write_text(module.read_text() + "-- next\n")
    before = machine.read(f"/etc/systemd/system/{_UNIT}")
    assert install(clone=next_clone) == 0
    assert _program(machine) != former
    assert (machine.read(f"/etc/systemd/system/{_UNIT}") or "").endswith("# next\n")
    _add_school(machine, "neu")
    _restart_prosody(machine)
    capsys.readouterr()

    assert install("--rollback", clone=next_clone) == 0

    assert _RESTART in capsys.readouterr().out
    assert _program(machine) == former
    assert machine.read(f"/etc/systemd/system/{_UNIT}") == before
    assert _schools(machine) == ["neu", "ohg"]


def test_the_way_back_to_a_program_without_the_login_page_switches_it_off(
    install: Install, machine: Machine
) -> None:
    """Else the website would lead organisers to a page that is gone, and no command could take that back."""
    lay_prosody(machine.root, "13")
    install()
    before = machine.read(f"/{CONFIG_JS}")
    former = "/opt/authbridge-0123456789ab"
    machine.path(former).mkdir()
    Record(machine).note_upgrade(Upgrade(former, f"/opt/{_program(machine)}", None, NEWEST, NEWEST))
    setup = read_setup(machine)
    switch_on(machine, plan_on(machine, setup, HOST), setup)
    assert machine.read(f"/{CONFIG_JS}") != before

    assert install("--rollback") == 0

    assert f"/opt/{_program(machine)}" == former
    assert machine.read(f"/{CONFIG_JS}") == before
    assert not machine.path(SOCKET_LINK).is_symlink()


def test_the_way_back_over_a_change_of_the_tables_says_what_is_lost_and_asks(
    former: str,
    install: Install,
    machine: Machine,
    next_clone: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was entered since the upgrade is not in the copy of the database."""
    migration(next_clone, _GOOD)
    assert install(clone=next_clone) == 0
    _add_school(machine, "neu")
    _restart_prosody(machine)
    capsys.readouterr()

    assert install("--rollback", clone=next_clone) == 1
    assert "schools: 2 rows now, 1 then" in capsys.readouterr().out
    assert _schools(machine) == ["neu", "ohg"]

    assert install("--rollback", "--yes", clone=next_clone) == 0
    assert _RESTART not in capsys.readouterr().out, "its modules are the same"
    assert _program(machine) == former
    assert _schools(machine) == ["ohg"]
    assert "ohg" in TreeSystem(machine).authbridge("/opt/authbridge", "school", "list")


def test_the_copy_holds_no_login_once_the_upgrade_is_done(
    former: str, install: Install, machine: Machine, next_clone: Path
) -> None:
    """It lives for a week, and they are a week old; the database itself keeps them."""
    with closing(sqlite3.connect(machine.path(_DATABASE))) as database:
        database.execute(ADD_LOGIN)
        database.commit()
    migration(next_clone, _GOOD)

    assert install(clone=next_clone) == 0

    (copy,) = machine.root.glob("var/backups/authbridge/*.db")
    assert ADDRESS.encode() not in copy.read_bytes()
    assert b"A school" in copy.read_bytes()
    assert ADDRESS.encode() in machine.path(_DATABASE).read_bytes()
    assert install("--rollback", "--yes", clone=next_clone) == 0
    assert (_program(machine), _schools(machine)) == (former, ["ohg"])


def test_tables_that_live_for_a_week_are_known(tmp_path: Path) -> None:
    """Those of the record of processing, but for orders, codes and holds, which the way back needs."""
    config = make_config("sqlite:////nowhere.db", tmp_path)
    periods = {
        each.table.name: each.kept.period(config) for each in INVENTORY if isinstance(each.kept, KeptFor)
    }
    short = {name for name, period in periods.items() if isinstance(period, timedelta) and period <= WEEK}
    assert short - {"revocations", "report_codes", "invitations", "holds"} == set(SHORT_LIVED)


def test_a_failed_migration_leaves_everything_as_it_was_and_says_so(
    former: str,
    install: Install,
    machine: Machine,
    next_clone: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The former program runs on its former database; also if the migration had begun to change it."""
    unit = next_clone / "deploy/systemd" / _UNIT
    unit.write_text(unit.read_text() + "# next\n")
    before = machine.read(f"/etc/systemd/system/{_UNIT}")
    migration(next_clone, _BROKEN)

    assert install(clone=next_clone) == 1

    assert "are as before" in capsys.readouterr().err
    assert _program(machine) == former
    assert _schools(machine) == ["ohg"]
    assert machine.read(f"/etc/systemd/system/{_UNIT}") == before
    assert install() == 0
    assert "ohg" in TreeSystem(machine).authbridge("/opt/authbridge", "school", "list")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk")
def test_a_disk_that_fills_up_changes_nothing(
    former: str,
    install: Install,
    machine: Machine,
    next_clone: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a copy there is no upgrade; what is begun of it is removed."""
    place = machine.path("/var/backups/authbridge")
    with full_disk(place):
        assert install(clone=next_clone) == 1
        assert list(place.iterdir()) == []
    assert "program and database are as before" in " ".join(capsys.readouterr().err.split())
    assert (_program(machine), _schools(machine)) == (former, ["ohg"])


def test_a_copy_that_is_gone_empties_no_database(
    install: Install, machine: Machine, next_clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An upgrade that was killed, given again when its copy is gone, and fails."""
    install()
    _add_school(machine, "ohg")
    former = f"/opt/{_program(machine)}"
    migration(next_clone, "def upgrade():\n    raise RuntimeError\n")
    install(clone=next_clone)
    folder = folder_of(next_clone)
    point_to(machine, folder)
    gone = "/var/backups/authbridge/gone.db"
    Record(machine).note_upgrade(Upgrade(former, folder, gone, NEWEST, None))
    assert install(clone=next_clone) == 1
    assert f"its tables are of version {NEWEST} (before" in " ".join(capsys.readouterr().err.split())
    assert _schools(machine) == ["ohg"]
    assert not machine.path(gone).exists()


def test_copies_of_the_database_are_for_root_alone(
    former: str, install: Install, machine: Machine, next_clone: Path
) -> None:
    """Logins are in it."""
    assert former
    install(clone=next_clone)
    (copy,) = machine.root.glob("var/backups/authbridge/*.db")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.parent.stat().st_mode & 0o777 == 0o700
    assert "7d" in (machine.read("/etc/tmpfiles.d/authbridge.conf") or "")


def test_of_former_programs_the_last_one_is_kept(
    former: str, install: Install, machine: Machine, next_clone: Path
) -> None:
    """One way back is enough; the disk is not filled."""
    install(clone=next_clone)
    second = _program(machine)
    (next_clone / "CHANGELOG.md").write_text("The one after it.\n")
    install(clone=next_clone)
    folders = {path.name for path in machine.path("/opt").iterdir()}
    assert folders == {"authbridge", second, _program(machine)}
    assert former not in folders


def test_an_upgrade_is_taken_back_to_the_very_beginning(
    install: Install, machine: Machine, next_clone: Path
) -> None:
    """Two releases, one undo."""
    before = tree(machine)
    install()
    unit = next_clone / "deploy/systemd" / _UNIT
    unit.write_text(unit.read_text() + "# next\n")
    install(clone=next_clone)
    assert install("--undo", clone=next_clone) == 0
    assert tree(machine) == before
    assert not Record(machine).exists
