"""The checks of Prosody read real files with a real Prosody's code, mend them, and take that back."""

from itertools import product
from pathlib import Path

import pytest

from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Level
from authbridge.machine.ledger import Ledger
from tests.support.jitsi_machine import HOST, HOST_FILE, Distribution, Release
from tests.support.login_server import NEWER, NEWER_FIRST, OLDER, UNPACKED
from tests.support.prosody_machine import appended, change, examine, lay_machine, mend, texts

LAYOUTS: list[tuple[Release, Distribution, bool]] = [
    (release, distribution, secured)
    for release in ("2024", "2025", "2026")
    for distribution in ("debian12", "debian13")
    for secured in (False, True)
]
# Each version beside the Jitsi of its time; test_stock_machine.py has what lies between.
TYPICAL = {(OLDER, ("2024", "debian12", True)), (NEWER, ("2026", "debian13", True))}


@pytest.mark.parametrize(
    ("version", "layout"),
    [
        pytest.param(
            version,
            layout,
            marks=[] if (version, layout) in TYPICAL else pytest.mark.soak,
            id="-".join(map(str, (version, *layout))),
        )
        for version, layout in product(UNPACKED, LAYOUTS)
    ],
)
def test_a_jitsi_as_its_packages_leave_it(
    version: str, layout: tuple[Release, Distribution, bool], tmp_path: Path
) -> None:
    """All that a machine can mend is mended; twice changes nothing more; taken back, all is as before."""
    release, distribution, secured = layout
    machine = lay_machine(tmp_path, version, release=release, distribution=distribution, secured=secured)
    before, found = texts(machine), examine(machine)
    assert {"prosody-module", "prosody-authentication"} <= {
        each.id for each in found.values() if each.level is Level.ERROR and each.fix
    }

    mend(machine, *found.values())
    after = examine(machine)
    assert list(after) == list(found)
    assert [each for each in after.values() if each.fix or each.level is Level.ERROR] == []
    assert {each.id for each in after.values() if each.level is not Level.OK} <= {"prosody-version"}
    comments = [line for line in before[str(tmp_path / HOST_FILE)].splitlines() if b"--" in line]
    for comment in comments:
        assert comment.partition(b"--")[2] in texts(machine)[str(tmp_path / HOST_FILE)]

    plan = PlannedChanges(machine)
    for finding in found.values():
        if finding.fix is not None:
            finding.fix(plan)
    assert plan.changes() == []

    Ledger(machine).undo("doctor")
    assert texts(machine) == before


@pytest.mark.parametrize("version", NEWER_FIRST)
def test_a_configuration_that_prosody_refuses(version: str, tmp_path: Path) -> None:
    """Everything that depends on it is unknown, and no secret that stands beside the fault is told."""
    machine = lay_machine(tmp_path, version)
    ids = list(examine(machine))
    change(machine, HOST_FILE, 'external_service_secret = "', 'external_service_secret = = "hunter2')
    found = examine(machine)
    assert list(found) == ids
    first, *rest = found.values()
    assert (first.id, first.level) == ("prosody-configuration", Level.ERROR)
    assert f"/{HOST}.cfg.lua:" in str(first.what)
    assert {each.level for each in rest} == {Level.WARNING}
    assert "hunter2" not in "".join(str(each.what) for each in found.values())


@pytest.mark.parametrize("version", NEWER_FIRST)
@pytest.mark.parametrize("folder", [".", "{data}/custom_plugins/share/lua/5.4"])
def test_nothing_is_run_that_others_than_root_can_write(
    folder: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what lies in the folder in which root happens to be, nor what Prosody's user has installed."""
    machine, theirs = lay_machine(tmp_path / "machine", version), tmp_path / "theirs"
    place = theirs / folder.format(data="data")
    (place / "util").mkdir(parents=True)
    for name in ("lfs", "ssl", "util/time"):
        (place / f"{name}.lua").write_text('error("theirs was run")')
    appended(machine, f'installer_plugin_path = "{theirs}/data/custom_plugins"')
    monkeypatch.chdir(theirs)
    assert examine(machine)["prosody-configuration"].level is Level.OK


def test_no_prosody_at_all(tmp_path: Path) -> None:
    """A machine for the service alone is well."""
    found = examine(Machine(tmp_path))
    assert {each.level for each in found.values()} == {Level.OK}
    assert "prosody-check" in found
