"""On a full disk the installer says so, and can be repeated and taken back; so can the way back."""

import errno
import itertools
import os
import random
import shutil
from pathlib import Path

import pytest

from authbridge.installation import database
from authbridge.installation.command import main
from authbridge.installation.packages import PACKAGES
from authbridge.installation.steps import Installation, InstallationError
from authbridge.installation.system import ProgramFailedError
from authbridge.machine.files import Machine
from tests.integration.installation.conftest import PANEL, tree
from tests.support.jitsi_machine import HOST
from tests.support.killed_installer import LightSystem

_INSTALL = ("--host", HOST, "--panel", PANEL)
_STEPS = 24  # at which the installer waits for the disk, at least
_TRIES = 3


def _is_full(room: int, machine: Machine, clone: Path, *arguments: str) -> bool:
    """Runs the installer on a disk that is full at that step, and has room again after it."""
    steps, sync = itertools.count(), os.fsync

    def write(descriptor: int) -> None:
        if next(steps) == room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", write)
        code = main(arguments, clone, machine, LightSystem(machine))
    assert code == (1 if next(steps) > room else 0)
    return code == 1


def test_it_says_so_and_can_be_repeated_and_taken_back(
    machine: Machine, light_clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever it could not write: at the end all is there, or all is as before."""
    machine.path("/var/lib/packages").write_text("\n".join(PACKAGES), encoding="utf-8")
    before = tree(machine)
    for room in random.sample(range(_STEPS), _TRIES):
        assert _is_full(room, machine, light_clone, *_INSTALL)
        assert "The disk is full" in capsys.readouterr().err
        if room % 2:
            assert main(_INSTALL, light_clone, machine, LightSystem(machine)) == 0
        _is_full(room % 4, machine, light_clone, "--undo")
        assert main(["--undo"], light_clone, machine, LightSystem(machine)) == 0
        assert tree(machine) == before, room


class _Full(LightSystem):
    """A machine whose disk is full as soon as the next program migrates, and until it is repeated."""

    def authbridge(self, program: str, *arguments: str) -> str:
        """Fails as a program does that cannot write."""
        if self.machine.path(program).joinpath("README.md").exists():
            raise ProgramFailedError("The database is full.")
        return super().authbridge(program, *arguments)


def test_an_upgrade_whose_way_back_finds_no_room_says_where_it_stands(
    machine: Machine,
    light_clone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Repeated when there is room, it goes on; nothing is lost."""
    assert main(_INSTALL, light_clone, machine, LightSystem(machine)) == 0
    former = machine.path("/opt/authbridge").readlink()
    next_clone = shutil.copytree(light_clone, tmp_path / "next")
    (next_clone / "README.md").write_text("The next release.")

    def write(_installation: Installation, file: str, _content: bytes) -> None:
        raise InstallationError("The database %(file)s cannot be opened: disk I/O error", file=file)

    with monkeypatch.context() as patch:
        patch.setattr(database, "write_content", write)
        assert main(_INSTALL, next_clone, machine, _Full(machine)) == 1
    said = capsys.readouterr().err
    (copy,) = machine.names("/var/backups/authbridge/*")
    assert all(
        words in said
        for words in ("The database is full.", "disk I/O error", "could not be brought back", copy)
    )

    assert main(_INSTALL, next_clone, machine, LightSystem(machine)) == 0
    assert machine.path("/opt/authbridge").readlink() != former
    assert main(["--rollback", "--yes"], next_clone, machine, LightSystem(machine)) == 0
    assert machine.path("/opt/authbridge").readlink() == former
