"""The ledger changes files of a machine and takes all of it back, whatever happened in between."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from authbridge.machine.files import Machine, PlannedChanges, UnreadableFileError
from authbridge.machine.ledger import Ledger

_HOST_FILE = "/etc/prosody/conf.avail/meet.test.cfg.lua"
_LINK = "/etc/prosody/conf.d/meet.test.cfg.lua"
_BEFORE = """\
VirtualHost "meet.test"
    authentication = "jitsi-anonymous"
    modules_enabled = {
        "bosh";
    }
"""
_OURS = _BEFORE.replace("jitsi-anonymous", "external")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with one file of Prosody, and the link to it that Jitsi's packages make."""
    host_file = tmp_path / _HOST_FILE[1:]
    host_file.parent.mkdir(parents=True)
    host_file.write_text(_BEFORE, encoding="utf-8")
    host_file.chmod(0o640)
    (tmp_path / "etc/prosody/conf.d").mkdir()
    # As Jitsi's packages make it: a link that begins at the root of the machine.
    (tmp_path / _LINK[1:]).symlink_to(_HOST_FILE)
    return Machine(tmp_path)


def _tree(machine: Machine) -> dict[str, tuple[int, int, bytes | str]]:
    """Returns of each file and link below the root its mode, time of change and content."""
    found: dict[str, tuple[int, int, bytes | str]] = {}
    for path in sorted(machine.root.rglob("*")):
        status = path.lstat()
        name = str(path.relative_to(machine.root))
        if path.is_symlink():
            found[name] = (0, 0, str(path.readlink()))
        elif path.is_file():
            found[name] = (status.st_mode, status.st_mtime_ns, path.read_bytes())
        elif name != "var" and not name.startswith("var/"):
            found[name] = (status.st_mode, 0, "")
    return found


def _change(machine: Machine) -> None:
    plan = PlannedChanges(machine)
    plan.edit(_LINK, lambda text: text.replace("jitsi-anonymous", "external"))
    plan.write("/etc/systemd/journald.conf.d/authbridge.conf", "[Journal]\n")
    plan.link("/etc/nginx/sites-enabled/panel.conf", "../sites-available/panel.conf")
    Ledger(machine).apply(plan.changes(), by="doctor")


def test_all_is_byte_for_byte_as_before(machine: Machine) -> None:
    """Content, mode, time, links and folders come back."""
    before = _tree(machine)
    _change(machine)
    assert machine.read(_HOST_FILE) == _OURS
    assert machine.path(_LINK).is_symlink(), "the link was replaced by a file"
    assert machine.real(_HOST_FILE).stat().st_mode & 0o777 == 0o640
    assert machine.path("/etc/nginx/sites-enabled/panel.conf").is_symlink()

    undone = Ledger(machine).undo("doctor")

    assert all(each.is_restored for each in undone)
    assert _tree(machine) == before


def test_a_change_in_two_steps_goes_back_to_the_beginning(machine: Machine) -> None:
    """Mended twice, undone once."""
    before = _tree(machine)
    _change(machine)
    plan = PlannedChanges(machine)
    plan.edit(_HOST_FILE, lambda text: text + "-- more\n")
    Ledger(machine).apply(plan.changes(), by="doctor")
    Ledger(machine).undo("doctor")
    assert _tree(machine) == before


def test_what_others_changed_since_stays(machine: Machine) -> None:
    """The administrator's own lines are not ours to take back."""
    _change(machine)
    path = machine.real(_HOST_FILE)
    path.write_text(f'{_OURS}\nComponent "theirs.meet.test" "muc"\n', encoding="utf-8")
    undone = {each.name: each for each in Ledger(machine).undo("doctor")}
    assert path.read_text(encoding="utf-8") == f'{_BEFORE}\nComponent "theirs.meet.test" "muc"\n'
    assert not undone[_LINK].is_restored
    assert undone[_LINK].copy is None


def test_where_others_changed_our_own_line_the_copy_is_named_and_kept(machine: Machine) -> None:
    """Nothing is guessed, and nothing is lost."""
    _change(machine)
    path = machine.real(_HOST_FILE)
    theirs = _OURS.replace("external", "token")
    path.write_text(theirs, encoding="utf-8")
    for _ in range(2):
        (conflict,) = [each for each in Ledger(machine).undo("doctor") if each.copy is not None]
        assert path.read_text(encoding="utf-8") == theirs
        assert Path(conflict.copy or "").read_text(encoding="utf-8") == _BEFORE


def test_only_the_named_changes_are_taken_back(machine: Machine) -> None:
    """To undo the doctor is not to undo the installation."""
    _change(machine)
    plan = PlannedChanges(machine)
    plan.write("/etc/authbridge/authbridge.env", "AUTHBRIDGE_XMPP_HOST=meet.test\n", mode=0o640)
    ledger = Ledger(machine)
    ledger.apply(plan.changes(), by="install")
    ledger.undo("doctor")
    assert machine.read("/etc/authbridge/authbridge.env") == "AUTHBRIDGE_XMPP_HOST=meet.test\n"
    assert ledger.holds("install")
    assert not ledger.holds("doctor")


def test_copies_are_for_root_alone(machine: Machine) -> None:
    """Prosody's files hold secrets, so do the copies."""
    _change(machine)
    ledger = machine.path("/var/lib/authbridge-changes")
    assert ledger.stat().st_mode & 0o077 == 0


_KILLED = """
import os, signal, sys
from pathlib import Path
from authbridge.machine import files, ledger
calls = 0
def counted(real):
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    return call
# Every step that reaches the disk ends with one of these.
os.fsync = counted(os.fsync)
Path.rename = counted(Path.rename)
Path.symlink_to = counted(Path.symlink_to)
machine = files.Machine(Path(sys.argv[1]))
if sys.argv[3] == "apply":
    plan = files.PlannedChanges(machine)
    name = "/etc/prosody/conf.d/meet.test.cfg.lua"
    plan.edit(name, lambda text: text.replace("jitsi-anonymous", "external"))
    plan.write("/etc/systemd/journald.conf.d/authbridge.conf", "[Journal]\\n")
    plan.link("/etc/nginx/sites-enabled/panel.conf", "../sites-available/panel.conf")
    ledger.Ledger(machine).apply(plan.changes(), by="doctor")
else:
    ledger.Ledger(machine).undo("doctor")
"""


def _run_killed(machine: Machine, step: int, what: str, program: str = _KILLED) -> bool:
    """Returns whether it was killed before its end."""
    command = [sys.executable, "-c", program, str(machine.root), str(step), what]
    ended = subprocess.run(  # noqa: S603 - this Python, our own words
        command, check=False, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    )
    assert ended.returncode in {0, -signal.SIGKILL}
    return ended.returncode != 0


def test_killed_at_any_step_it_can_be_repeated_and_taken_back(machine: Machine) -> None:
    """Kill -9 before each write, then on or back."""
    before = _tree(machine)
    step = 1
    while _run_killed(machine, step, "apply"):
        assert machine.read(_HOST_FILE) in {_BEFORE, _OURS}, "half a file"
        if step % 2:
            _change(machine)
            assert machine.read(_HOST_FILE) == _OURS
        Ledger(machine).undo("doctor")
        assert _tree(machine) == before
        step += 1
    assert step > 10


def test_killed_while_it_takes_back_it_can_be_repeated(machine: Machine) -> None:
    """Kill -9 before each write of the way back, then again."""
    before = _tree(machine)
    _change(machine)
    step = 1
    while _run_killed(machine, step, "undo"):
        assert machine.read(_HOST_FILE) in {_BEFORE, _OURS}, "half a file"
        step += 1
        Ledger(machine).undo("doctor")
        assert _tree(machine) == before
        _change(machine)
    assert step > 3


def test_what_a_killed_one_leaves_in_logrotates_folder_is_not_read(tmp_path: Path) -> None:
    """Logrotate reads a name that begins with a point, whatever it ends with."""
    folder = tmp_path / "etc/logrotate.d"
    folder.mkdir(parents=True)
    conf, rules = tmp_path / "etc/logrotate.conf", folder / "nginx"
    conf.write_text(f"include {folder}\n", encoding="ascii")
    rules.write_text("/var/log/nginx/*.log {\n\tdaily\n}\n", encoding="ascii")
    for path in (conf, rules):
        path.chmod(0o644)
    killed = _KILLED.replace(
        "/etc/systemd/journald.conf.d/authbridge.conf", "/etc/logrotate.d/nginx"
    ).replace("/etc/prosody/conf.d/meet.test.cfg.lua", "/etc/logrotate.d/nginx")
    step = 1
    while _run_killed(Machine(tmp_path), step, "apply", killed):
        said = subprocess.run(  # noqa: S603
            ["/usr/sbin/logrotate", "--debug", "--state", tmp_path / "state", conf],
            check=False,
            capture_output=True,
            text=True,
        ).stderr
        read = [line for line in said.splitlines() if line.startswith("reading config file")]
        assert read == [f"reading config file {conf}", "reading config file nginx"]
        step += 1
    assert step > 5


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of others")
class TestFolderOfOthers:
    """jicofo's user owns the folder of its settings, and shall not come by root's rights with it."""

    _NAME = "/etc/jitsi/jicofo/jicofo.conf"

    @pytest.fixture
    def folder(self, machine: Machine) -> Path:
        """That folder, with a file in it."""
        folder = machine.root / "etc/jitsi/jicofo"
        folder.mkdir(parents=True)
        (folder / "jicofo.conf").write_text("theirs\n")
        for path in (folder, folder / "jicofo.conf"):
            os.chown(path, 65534, 65534)
        return folder

    def _plan(self, machine: Machine, name: str = _NAME) -> PlannedChanges:
        plan = PlannedChanges(machine)
        plan.edit(name, lambda text: f"{text}ours\n")
        return plan

    def _swap(self, path: Path, target: str) -> None:
        path.rename(path.with_name("former"))
        path.symlink_to(target)
        os.lchown(path, 65534, 65534)

    def test_their_file_is_changed_and_stays_theirs(self, machine: Machine, folder: Path) -> None:
        """As Jitsi's packages have it."""
        Ledger(machine).apply(self._plan(machine).changes(), by="doctor")
        path = folder / "jicofo.conf"
        assert (path.read_text(), path.stat().st_uid) == ("theirs\nours\n", 65534)

    def test_a_link_of_theirs_is_not_followed(self, machine: Machine, folder: Path) -> None:
        """Whether it is laid before or after root has looked."""
        plan = self._plan(machine)
        self._swap(folder / "jicofo.conf", "/etc/of-root")
        with pytest.raises(UnreadableFileError):
            Ledger(machine).apply(plan.changes(), by="doctor")
        with pytest.raises(UnreadableFileError):
            machine.read(self._NAME)
        assert machine.names("/etc/jitsi/jicofo/*.conf") == []
        assert not (machine.root / "etc/of-root").exists()

    def test_nothing_is_written_below_a_further_folder_of_theirs(
        self, machine: Machine, folder: Path
    ) -> None:
        """It could be a link a moment later."""
        inner = folder / "more"
        inner.mkdir()
        (inner / "jicofo.conf").write_text("theirs\n")
        plan = self._plan(machine, "/etc/jitsi/jicofo/more/jicofo.conf")
        with pytest.raises(UnreadableFileError, match="not root's"):
            Ledger(machine).apply(plan.changes(), by="doctor")
        assert (inner / "jicofo.conf").read_text() == "theirs\n"
