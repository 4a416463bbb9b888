"""What the checks find is mended together; what makes anything worse is taken back."""

import errno
import itertools
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.mending import MendingError, mend, take_back
from authbridge.machine.setup import Setup
from tests.support.doctor import snapshot

_SETUP = Setup("meet.test")
_HOST_FILE = "/etc/prosody/conf.avail/meet.test.cfg.lua"
_SITE = "/etc/nginx/sites-available/meet.test.conf"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine on which two files lack a line each."""
    for name in (_HOST_FILE, _SITE):
        path = tmp_path / name[1:]
        path.parent.mkdir(parents=True)
        path.write_text("first\n", encoding="utf-8")
    return Machine(tmp_path)


def _look_for(line: str, machine: Machine, _setup: Setup) -> list[Finding]:
    """Finds the files that lack the line; and one file that has too many lines."""

    def fix(name: str) -> Callable[[PlannedChanges], None]:
        return lambda plan: plan.edit(name, lambda text: text + line)

    found = []
    for name in (_HOST_FILE, _SITE):
        lacks = line not in (machine.read(name) or "")
        level = Level.ERROR if lacks else Level.OK
        found.append(Finding(name, level, Remark("It lacks a line."), fix=fix(name) if lacks else None))
    is_long = len((machine.read(_SITE) or "").splitlines()) > 2
    return [*found, Finding("long", Level.ERROR if is_long else Level.OK, Remark("It is long."))]


def _look_for_two(line: str, machine: Machine, _setup: Setup) -> list[Finding]:
    """Finds the files that do not begin with the line."""
    lacking = [name for name in (_HOST_FILE, _SITE) if not (machine.read(name) or "").startswith(line)]
    return [
        Finding(name, Level.ERROR, Remark("It lacks a line."), fix=partial(_begin, name=name, line=line))
        for name in lacking
    ]


def _begin(plan: PlannedChanges, name: str, line: str) -> None:
    plan.edit(name, lambda text: line + text)


def test_both_files_are_mended_and_taken_back(machine: Machine) -> None:
    """Meetings go on: of the two services only nginx reads its files again by itself."""
    mended = mend(machine, _SETUP, by="doctor", look=partial(_look_for, "second\n"))
    assert {change.name for change in mended.changes} == {_HOST_FILE, _SITE}
    assert mended.restart == ["prosody"]
    assert machine.read(_SITE) == "first\nsecond\n"

    undone, restart = take_back(machine, by="doctor")

    assert all(each.is_restored for each in undone)
    assert restart == ["prosody"]
    assert machine.read(_SITE) == machine.read(_HOST_FILE) == "first\n"


def test_a_second_time_nothing_is_changed(machine: Machine) -> None:
    """What is well is left alone."""
    mend(machine, _SETUP, by="doctor", look=partial(_look_for, "second\n"))
    assert not mend(machine, _SETUP, by="doctor", look=partial(_look_for, "second\n")).changes


def test_what_makes_a_new_fault_is_taken_back_alone(machine: Machine) -> None:
    """An earlier mending stays."""
    mend(machine, _SETUP, by="doctor", look=partial(_look_for, "second\n"))
    with pytest.raises(MendingError, match=r"taken back: long: It is long\."):
        mend(machine, _SETUP, by="doctor", look=partial(_look_for, "third\n"))
    assert machine.read(_SITE) == machine.read(_HOST_FILE) == "first\nsecond\n"


@pytest.mark.parametrize("room", range(14))
def test_on_a_full_disk_all_is_as_before(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """No half of the changes stays: with one of two files changed, nobody might get into a meeting."""
    mend(machine, _SETUP, by="doctor", look=partial(_look_for, "second\n"))
    before = snapshot(machine.root)
    steps, sync = itertools.count(), os.fsync

    def write(descriptor: int) -> None:
        if next(steps) == room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", write)
    look = partial(_look_for_two, "2nd\n")
    try:
        mend(machine, _SETUP, by="doctor", look=look)
    except OSError:
        assert snapshot(machine.root) == before
        mend(machine, _SETUP, by="doctor", look=look)
    assert machine.read(_SITE) == machine.read(_HOST_FILE) == "2nd\nfirst\nsecond\n"
    take_back(machine, by="doctor")
    assert machine.read(_SITE) == machine.read(_HOST_FILE) == "first\n"
