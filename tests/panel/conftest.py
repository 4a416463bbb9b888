"""Fixtures of the panel's tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from authbridge.letters import Letterhead, read_letterhead
from authbridge.storage.database import Database
from authbridge.storage.models import Role, StaffSession
from tests.support.factories import HASHER
from tests.support.fakes import FakeClock
from tests.support.panel.staffed_panel import (
    Applications,
    PanelFactory,
    StaffedPanel,
    StaffedTemplate,
    make_config,
    make_services,
    panel_factory_in,
)
from workbench.staff import enrol_member


@pytest.fixture(scope="session", autouse=True)
def keep_letterhead() -> Iterator[None]:
    """Reads the same texts once for all tests; that takes a fifth of a second, twice an order."""
    kept: dict[object, Letterhead] = {}

    def read_once(folder: Path | None) -> Letterhead:
        texts = _texts_in(folder)
        if texts not in kept:
            kept[texts] = read_letterhead(folder)
        return kept[texts]

    with pytest.MonkeyPatch.context() as patch:
        for module in ("admin.issuing", "admin.views.terms"):
            patch.setattr(f"{module}.read_letterhead", read_once)
        yield


def _texts_in(folder: Path | None) -> object:
    if folder is None or not folder.is_dir():
        return folder
    return frozenset((file.name, file.read_bytes()) for file in folder.iterdir() if file.is_file())


@pytest.fixture(name="staffed_template", scope="session")
def make_staffed_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> StaffedTemplate:
    """A database with one member of staff of each role."""
    folder = tmp_path_factory.mktemp("staffed_template")
    path = folder / "staffed.db"
    shutil.copy(sqlite_template, path)
    url = f"sqlite:///{path}"
    services = make_services(Database(url), make_config(url, folder), FakeClock(), HASHER)
    members = {role: enrol_member(services, f"{role}-anna", role) for role in Role}
    with services.database.write_session() as session:
        session.query(StaffSession).delete()  # those in which they enrolled
    services.database.engine.dispose()
    return StaffedTemplate(path, members, Applications())


@pytest.fixture(name="panel_factory")
def make_panel_factory(tmp_path: Path, staffed_template: StaffedTemplate) -> Iterator[PanelFactory]:
    """Panels over one fresh SQLite file."""
    with panel_factory_in(tmp_path, staffed_template) as panel_factory:
        yield panel_factory


@pytest.fixture(name="panel")
def open_panel(panel_factory: PanelFactory) -> StaffedPanel:
    """A panel over SQLite, with one member of staff of each role."""
    return panel_factory.open()


@pytest.fixture(name="shared_panel", scope="module")
def open_shared_panel(
    staffed_template: StaffedTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StaffedPanel]:
    """One panel for all tests of a file; they leave nothing behind."""
    with panel_factory_in(tmp_path_factory.mktemp("shared_panel"), staffed_template) as panel_factory:
        yield panel_factory.open()
