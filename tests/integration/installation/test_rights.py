"""What others than root may write is opened by the installer with their rights, and not with root's."""

import os
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from authbridge.installation import locking, sqlite_file
from authbridge.installation.database import services_stopped
from authbridge.installation.locking import LockedError
from authbridge.installation.record import Record
from authbridge.installation.settings import take_away
from authbridge.installation.sqlite_file import open_content, read_content, write_content
from authbridge.installation.steps import Installation, InstallationError, Options
from authbridge.installation.system import System
from authbridge.machine.files import Machine
from authbridge.machine.setup import SETTINGS
from workbench import ROOT

_NOBODY = 65534
_DATABASE = "/var/lib/authbridge/authbridge.db"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")


@pytest.fixture(name="installation")
def _installation() -> Iterator[Installation]:
    """A machine whose service's user is another than we are, in a folder that everybody may pass."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        for name in ("etc/authbridge", "var/lib/authbridge"):
            (root / name).mkdir(parents=True)
        os.chown(root / "var/lib/authbridge", _NOBODY, _NOBODY)
        (root / "etc/passwd").write_text(f"authbridge:x:{_NOBODY}:{_NOBODY}::/:/bin/false\n")
        (root / "etc/group").write_text(f"authbridge:x:{_NOBODY}:\n")
        machine = Machine(root)
        yield Installation(machine, System(machine), Record(machine), ROOT, Options("meet.test"), "/opt/x")


def _make_database(path: Path, owner: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE schools (code TEXT)")
    os.chown(path, owner, owner)
    path.chmod(0o600)


def _content(*statements: str) -> bytes:
    with closing(sqlite3.connect(":memory:")) as data:
        for statement in ("CREATE TABLE rooms (name TEXT)", *statements):
            data.execute(statement)
        data.commit()
        return data.serialize()


def test_the_data_are_written_by_their_own_user(installation: Installation) -> None:
    """What SQLite creates belongs to the service; what is read is what was written, journals and all."""
    path = installation.machine.path(_DATABASE)
    write_content(installation, _DATABASE, _content("INSERT INTO rooms VALUES ('a')"))
    with closing(sqlite3.connect(path)) as service:
        service.execute("PRAGMA journal_mode = WAL")
        service.execute("INSERT INTO rooms VALUES ('b')")
        service.commit()
        for each in path.parent.iterdir():
            os.chown(each, _NOBODY, _NOBODY)
        content = read_content(installation, _DATABASE)
    write_content(installation, _DATABASE, content)
    with open_content(read_content(installation, _DATABASE)) as data:
        assert data.execute("SELECT name FROM rooms").fetchall() == [("a",), ("b",)]
    assert {each.stat().st_uid for each in path.parent.iterdir()} == {_NOBODY}


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_leads_no_further_than_the_services_user_may_go(
    installation: Installation, *, is_there: bool
) -> None:
    """Neither to a file of root's, nor to a new one among root's files."""
    target = installation.machine.root / "etc/of-root"
    if is_there:
        _make_database(target, 0)
    installation.machine.path(_DATABASE).symlink_to("/etc/of-root")
    with pytest.raises(InstallationError, match="cannot be opened"):
        read_content(installation, _DATABASE)
    with pytest.raises(InstallationError, match="cannot be opened"):
        write_content(installation, _DATABASE, _content())
    assert target.exists() == is_there


@pytest.mark.parametrize("name", ["authbridge.db", "authbridge.db-wal", "authbridge.db-journal"])
def test_what_is_no_file_is_not_waited_for(
    installation: Installation, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's user owns the folder, and a FIFO that nobody writes to has no end."""
    monkeypatch.setattr(sqlite_file, "_PATIENCE", 1.0)
    path = installation.machine.path(_DATABASE)
    if name != path.name:
        _make_database(path, _NOBODY)
    os.mkfifo(path.with_name(name), 0o444)
    os.chown(path.with_name(name), _NOBODY, _NOBODY)
    with pytest.raises(InstallationError, match="A lock, or what is no file"):
        read_content(installation, _DATABASE)


def test_a_lock_on_the_data_is_not_waited_for_for_ever(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own copy waits as long as the lock is there."""
    monkeypatch.setattr(sqlite_file, "_PATIENCE", 1.0)
    path = installation.machine.path(_DATABASE)
    _make_database(path, _NOBODY)
    with closing(sqlite3.connect(path)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InstallationError, match="A lock"):
            read_content(installation, _DATABASE)
        with pytest.raises(InstallationError, match="A lock"):
            write_content(installation, _DATABASE, _content())


def test_a_lock_on_the_settings_is_not_waited_for_for_ever(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's user may read them, and so lock them: an upgrade says which process does."""
    monkeypatch.setattr(locking, "_PATIENCE", 0.3)
    settings = installation.machine.path(SETTINGS)
    settings.write_text("")
    hold = (
        "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, 2); print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen(  # noqa: S603 - our own words
        ["/usr/bin/python3", "-c", hold, settings],
        stdout=subprocess.PIPE,
        user=_NOBODY,
        group=_NOBODY,
        extra_groups=[],
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        said = rf"by process {holder.pid} \(python3, user nobody\)"
        with pytest.raises(LockedError, match=said), services_stopped(installation):
            pytest.fail("The lock was held.")
        holder.kill()


def test_data_that_cannot_be_read_are_not_taken_for_none(installation: Installation) -> None:
    """Taking the installation back removes nothing then."""
    path = installation.machine.path(_DATABASE)
    _make_database(path, 0)
    installation.record.note("folders", "/var/lib/authbridge")
    with pytest.raises(InstallationError, match="cannot be opened"):
        list(take_away(installation))
    assert path.exists()


def test_a_link_among_the_data_is_kept_as_a_link_and_a_fifo_is_not_kept(installation: Installation) -> None:
    """Where it leads, its owner may have no right to look; and what has no end cannot be copied."""
    machine, secret = installation.machine, installation.machine.root / "etc/of-root"
    secret.write_text("a secret")
    _make_database(machine.path(_DATABASE), _NOBODY)
    content = _content("CREATE TABLE schools (code TEXT)", "INSERT INTO schools VALUES ('ohg')")
    write_content(installation, _DATABASE, content)
    machine.path("/var/lib/authbridge/link").symlink_to(secret)
    os.mkfifo(machine.path("/var/lib/authbridge/fifo"))
    installation.record.note("folders", "/var/lib/authbridge")
    for action in take_away(installation):
        action.do()
    (copy,) = machine.root.glob("var/backups/*/var-lib-authbridge/link")
    assert copy.is_symlink()
    assert not copy.with_name("fifo").exists()
    assert not machine.path(_DATABASE).exists()
