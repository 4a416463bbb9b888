"""What the machine itself lacks is found: room, closed files, running units, a copy."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from authbridge.machine.checks import system
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Finding, Level
from authbridge.machine.programs import Answer
from authbridge.machine.setup import PROGRAM, Setup
from tests.support.jitsi_machine import Distribution, Release, lay_out

_SETUP = Setup("meet.example.org")
_UNITS = ("authbridge-api.socket", "authbridge-api.service")


class _Talking(Machine):
    """A tree of files in which programs answer: by their first words, the answer's code and output."""

    def __init__(self, root: Path, answers: Mapping[str, tuple[int, str]]) -> None:
        super().__init__(root)
        self._answers = answers

    def run(self, *command: str, patience: float = 0, text: str | None = None) -> Answer | None:  # noqa: ARG002
        said = next(
            (said for words, said in self._answers.items() if " ".join(command).startswith(words)), None
        )
        return None if said is None else Answer(*said, "")


def _found(machine: Machine, name: str, setup: Setup = _SETUP) -> Finding:
    (finding,) = [each for each in system.examine(PlannedChanges(machine), setup) if each.id == name]
    return finding


def _write(machine: Machine, name: str, text: str, mode: int = 0o644) -> Path:
    path = machine.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize(("said", "level"), [("yes\n", Level.OK), ("no\n", Level.WARNING), ("", Level.OK)])
def test_the_clock_is_set_by_a_time_server(tmp_path: Path, said: str, level: Level) -> None:
    """Where nobody can tell, nothing is claimed."""
    assert _found(_Talking(tmp_path, {"timedatectl show": (0, said)}), "clock").level is level


@pytest.mark.parametrize(
    ("mebibytes", "files", "level"),
    [
        (50_000, 10_000, Level.OK),
        (900, 10_000, Level.WARNING),
        (90, 10_000, Level.ERROR),
        (50_000, 10, Level.ERROR),
    ],
)
def test_room_is_for_bytes_and_for_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mebibytes: int, files: int, level: Level
) -> None:
    """A disk is full without bytes, and without inodes."""
    real = os.statvfs(tmp_path)
    fields = list(real)
    fields[1], fields[4], fields[5], fields[7] = 1024**2, mebibytes, 10**6, files
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(fields))
    assert _found(Machine(tmp_path), "disk").level is level


def test_our_secrets_are_closed(tmp_path: Path) -> None:
    """The command that is told closes them; a file with fewer rights than it may have is well."""
    machine = Machine(tmp_path)
    token = _write(machine, "/etc/authbridge/api-token", "t" * 64, 0o640)
    key = _write(machine, "/etc/authbridge/secret-key", "k" * 64, 0o600)
    assert _found(machine, "file-modes").level is Level.OK
    key.chmod(0o644)
    token.chmod(0o660)
    found = _found(machine, "file-modes")
    assert found.level is Level.ERROR
    assert found.line.splitlines() == [
        "chmod 640 /etc/authbridge/api-token",
        "chmod 640 /etc/authbridge/secret-key",
    ]


def test_the_password_of_the_mail_server_is_closed(tmp_path: Path) -> None:
    """Wherever the settings say that it stands."""
    machine = Machine(tmp_path)
    file = _write(machine, "/etc/smtp-password", "geheim", 0o400)
    setup = Setup(host="meet.test", smtp_password_file="/etc/smtp-password")
    assert _found(machine, "file-modes", setup).level is Level.OK
    file.chmod(0o640)
    assert _found(machine, "file-modes", setup).line == "chmod 600 /etc/smtp-password"


@pytest.mark.parametrize(("release", "distribution"), [("2024", "debian12"), ("2026", "debian13")])
def test_passwords_of_jitsi_that_everybody_can_read(
    tmp_path: Path, release: Release, distribution: Distribution
) -> None:
    """Closed by its folder is closed; a stock machine is in order."""
    lay_out(tmp_path, release=release, distribution=distribution, secured=True)
    machine = Machine(tmp_path)
    assert _found(machine, "jitsi-file-modes").level is Level.OK
    machine.path("/etc/jitsi/jicofo").chmod(0o755)
    machine.path("/etc/turnserver.conf").chmod(0o644)
    odd = machine.path("/etc/jitsi/jicofo/x; reboot")
    odd.write_text("password=s3cr3ts")
    found = _found(machine, "jitsi-file-modes")
    assert found.level is Level.WARNING
    assert found.line.splitlines()[-1] == "chmod o-rwx /etc/turnserver.conf"
    assert "chmod o-rwx /etc/jitsi/jicofo/jicofo.conf" in found.line
    assert "chmod o-rwx '/etc/jitsi/jicofo/x; reboot'" in found.line
    assert "logging.properties" not in found.line


def test_units_are_there_run_and_are_as_they_came(tmp_path: Path) -> None:
    """Each step of it, from worst to best."""
    answers = {"systemctl is-active": (3, "inactive\n"), "systemctl is-enabled": (1, "disabled\n")}
    machine = _Talking(tmp_path, answers)
    assert "is missing" in str(_found(machine, "units").what)
    for unit in _UNITS:
        _write(machine, f"/etc/systemd/system/{unit}", "[Unit]\n")
        _write(machine, f"{PROGRAM}/deploy/systemd/{unit}", "[Unit]\n")
    assert "does not run" in str(_found(machine, "units").what)
    answers["systemctl is-active"] = (0, "active\n")
    assert "after a reboot" in str(_found(machine, "units").what)
    answers["systemctl is-enabled"] = (0, "enabled\n")
    assert _found(machine, "units").level is Level.OK
    with_panel = Setup("meet.example.org", panel_url="https://panel.example.org")
    assert "authbridge-panel.socket" in str(_found(machine, "units", with_panel).what)
    _write(machine, "/etc/systemd/system/authbridge-api.service", "[Unit]\nUser=root\n")
    found = _found(machine, "units")
    assert (found.level, found.line) == (Level.WARNING, "systemctl edit authbridge-api.service")


def test_in_a_tree_nobody_asks_systemd(tmp_path: Path) -> None:
    """There a unit that is in place is in order."""
    machine = Machine(tmp_path)
    for unit in _UNITS:
        _write(machine, f"/etc/systemd/system/{unit}", "[Unit]\n")
    assert _found(machine, "units").level is Level.OK


def test_other_people_on_the_machine_are_counted(tmp_path: Path) -> None:
    """One is the administrator; services are no people; with the rules of nftables all is well."""
    machine = Machine(tmp_path)
    passwd = "root:x:0:0::/root:/bin/bash\nwww:x:33:33::/w:/usr/sbin/nologin\na:x:1000:1000::/h:/bin/bash\n"
    _write(machine, "/etc/passwd", passwd)
    assert _found(machine, "local-users").level is Level.OK
    _write(machine, "/etc/passwd", passwd + "b:x:1001:1001::/h:/bin/zsh\nc:x:1002:1002::/h:/bin/false\n")
    found = _found(machine, "local-users")
    assert (found.level, found.what.values["count"]) == (Level.NOTE, 2)
    _write(machine, "/etc/nftables.conf", "table inet authbridge {}\n")
    assert _found(machine, "local-users").level is Level.OK
