"""All checks together: a Jitsi machine as its packages leave it becomes one of ours, and itself again."""

from pathlib import Path

import pytest

from authbridge.machine.examination import examine
from authbridge.machine.findings import Level
from authbridge.machine.mending import mend, take_back
from tests.support.doctor import snapshot
from tests.support.jitsi_machine import CONFIG_JS, HOST_FILE, JICOFO_CONF, SITE, Release
from tests.support.prosody_machine import SETUP, lay_machine

_TOUCHED = {f"/{name}" for name in (HOST_FILE, SITE, JICOFO_CONF, CONFIG_JS)}
_PERSONS = {"prosody-version", "prosody-address"}  # the latter is to be proved on a running machine


@pytest.mark.parametrize(("release", "secured"), [("2024", True), ("2025", False), ("2026", False)])
def test_a_stock_machine_there_and_back(tmp_path: Path, release: Release, *, secured: bool) -> None:
    """The fixes do not disturb each other; twice is once; undone, all is as before."""
    machine = lay_machine(tmp_path, "13", release=release, secured=secured)
    before = snapshot(machine.root)

    mended = mend(machine, SETUP, by="doctor")
    assert {change.name for change in mended.changes} >= _TOUCHED
    faulty = {each.id for each in examine(machine, SETUP) if each.level is not Level.OK}
    assert {each for each in faulty if each.startswith(("nginx", "website", "jicofo", "prosody"))} <= _PERSONS
    assert not mend(machine, SETUP, by="doctor").changes

    undone, _ = take_back(machine, by="doctor")
    assert all(each.is_restored for each in undone)
    assert snapshot(machine.root) == before
