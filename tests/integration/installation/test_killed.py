"""Killed at any moment, the installation can be repeated and taken back; and so can the way back."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from authbridge.installation.command import main
from authbridge.installation.packages import PACKAGES
from authbridge.machine.files import Machine
from tests.integration.installation.conftest import PANEL, tree
from tests.support.jitsi_machine import HOST
from tests.support.killed_installer import LightSystem
from workbench import ROOT

_ARGUMENTS = ("--host", HOST, "--panel", PANEL)
_TRIES = 4  # of some hundred moments; make soak takes all of them


def _install(machine: Machine, clone: Path, *arguments: str) -> None:
    assert main(arguments or _ARGUMENTS, clone, machine, LightSystem(machine)) == 0


def _is_killed(machine: Machine, clone: Path, step: int, *arguments: str) -> bool:
    command = [sys.executable, "-m", "tests.support.killed_installer"]
    ended = subprocess.run(  # noqa: S603 - this Python, our own words
        [*command, str(machine.root), str(clone), str(step), *arguments],
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
    )
    assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr
    return ended.returncode != 0


def _contents(machine: Machine) -> dict[str, object]:
    """Returns what stays the same from run to run: all but secrets and the ledger."""
    own = ("etc/authbridge/api-token", "etc/authbridge/secret-key", "var/lib/authbridge")
    return {name: each for name, each in tree(machine).items() if not name.startswith(own)}


def _count(machine: Machine, clone: Path, *arguments: str) -> int:
    """Returns how many moments there are, and leaves the tree as if it had not run."""
    copy = Machine(machine.root.with_name("counted"))
    shutil.copytree(machine.root, copy.root, symlinks=True)
    first, last = 1, 2000
    while first < last:  # the first step that is not reached any more
        middle = (first + last) // 2
        shutil.rmtree(copy.root)
        shutil.copytree(machine.root, copy.root, symlinks=True)
        if _is_killed(copy, clone, middle, *arguments):
            first = middle + 1
        else:
            last = middle
    shutil.rmtree(copy.root)
    return first - 1


def _check_moments(machine: Machine, clone: Path, tries: int | None) -> None:
    # They stay when all else is taken back: later runs would have fewer moments than the first one.
    machine.path("/var/lib/packages").write_text("\n".join(PACKAGES), encoding="utf-8")
    before = tree(machine)
    moments = list(range(1, _count(machine, clone, *_ARGUMENTS) + 1))
    assert len(moments) > 50
    for step in moments if tries is None else random.sample(moments, tries):
        assert _is_killed(machine, clone, step, *_ARGUMENTS)
        if step % 2:
            _install(machine, clone)
            assert machine.path("/opt/authbridge").is_symlink()
            installed = _contents(machine)
            _install(machine, clone)
            assert _contents(machine) == installed, step
        _install(machine, clone, "--undo")
        assert tree(machine) == before, step


def _check_moments_of_the_way_back(machine: Machine, clone: Path, tries: int | None) -> None:
    before = tree(machine)
    _install(machine, clone)
    moments = list(range(1, _count(machine, clone, "--undo") + 1))
    assert len(moments) > 20
    for step in moments if tries is None else random.sample(moments, tries):
        assert _is_killed(machine, clone, step, "--undo")
        _install(machine, clone, "--undo")
        assert tree(machine) == before, step
        _install(machine, clone)


def test_killed_at_some_moments_it_can_be_repeated_and_taken_back(
    machine: Machine, light_clone: Path
) -> None:
    """Then on or back; at the end all is there, or all is as before."""
    _check_moments(machine, light_clone, _TRIES)


def test_killed_on_the_way_back_it_can_be_repeated(machine: Machine, light_clone: Path) -> None:
    """The way back is as patient as the way there."""
    _check_moments_of_the_way_back(machine, light_clone, _TRIES)


@pytest.mark.soak
def test_killed_at_every_moment(machine: Machine, light_clone: Path) -> None:
    """All of them, there and back."""
    _check_moments(machine, light_clone, None)
    _check_moments_of_the_way_back(machine, light_clone, None)
