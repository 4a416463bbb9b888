"""What others than root may write is opened by the installer with their rights, and not with root's."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from authbridge.installation.record import Record
from authbridge.installation.settings import open_data, take_away
from authbridge.installation.steps import Installation, InstallationError, Options
from authbridge.installation.system import System
from authbridge.machine.files import Machine
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


def test_the_data_are_written_by_their_own_user(installation: Installation) -> None:
    """What SQLite creates beside them belongs to the service, and afterwards we are root again."""
    path = installation.machine.path(_DATABASE)
    with open_data(installation, _DATABASE) as data:
        data.execute("PRAGMA journal_mode = WAL")
        data.execute("CREATE TABLE schools (code TEXT)")
        assert {each.stat().st_uid for each in path.parent.iterdir()} == {_NOBODY}
    assert (os.geteuid(), os.getegid()) == (0, 0)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_leads_no_further_than_the_services_user_may_go(
    installation: Installation, *, is_there: bool
) -> None:
    """Neither to a file of root's, nor to a new one among root's files."""
    target = installation.machine.root / "etc/of-root"
    if is_there:
        _make_database(target, 0)
    installation.machine.path(_DATABASE).symlink_to("/etc/of-root")
    with (
        pytest.raises(InstallationError, match="cannot be opened"),
        open_data(installation, _DATABASE) as data,
    ):
        data.execute("CREATE TABLE rooms (name TEXT)")
    assert target.exists() == is_there


def test_data_that_cannot_be_read_are_not_taken_for_none(installation: Installation) -> None:
    """Taking the installation back removes nothing then."""
    path = installation.machine.path(_DATABASE)
    _make_database(path, 0)
    installation.record.note("folders", "/var/lib/authbridge")
    with pytest.raises(InstallationError, match="cannot be opened"):
        list(take_away(installation))
    assert path.exists()


def test_a_link_among_the_data_is_kept_as_a_link(installation: Installation) -> None:
    """Where it leads, its owner may have no right to look."""
    machine, secret = installation.machine, installation.machine.root / "etc/of-root"
    secret.write_text("a secret")
    _make_database(machine.path(_DATABASE), _NOBODY)
    with open_data(installation, _DATABASE) as data, data:
        data.execute("INSERT INTO schools VALUES ('ohg')")
    machine.path("/var/lib/authbridge/link").symlink_to(secret)
    installation.record.note("folders", "/var/lib/authbridge")
    for action in take_away(installation):
        action.do()
    (copy,) = machine.root.glob("var/backups/*/var-lib-authbridge/link")
    assert copy.is_symlink()
