"""A Jitsi machine as its packages leave it, and one where all is well."""

import shutil
from pathlib import Path

import pytest

from authbridge.machine.files import Machine
from tests.support.login_server import NEWER
from tests.support.prosody_machine import copied, examine, lay_machine, mend


@pytest.fixture(name="stock", scope="session")
def lay_stock(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine as Jitsi's packages leave it."""
    return lay_machine(tmp_path_factory.mktemp("stock"), NEWER)


@pytest.fixture(name="mended", scope="session")
def lay_mended(stock: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The same, set up as it must be."""
    machine = copied(stock, tmp_path_factory.mktemp("mended"))
    mend(machine, *examine(machine).values())
    shutil.rmtree(machine.root / "var/lib/authbridge-changes")
    return machine


@pytest.fixture(name="machine")
def copy_mended(mended: Machine, tmp_path: Path) -> Machine:
    """A machine where all is well, for one test alone."""
    return copied(mended, tmp_path / "machine")
