"""A running service and both versions of Prosody, shared by the stories that leave them as they were."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.login_server import VERSIONS, Organisers, ProsodyFor, enrol_organisers
from workbench.postgres import Postgres
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the stories of this folder, whose programs give up after seconds of their own."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("programs")


@pytest.fixture(name="service", scope="session")
def start_service(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Service]:
    """Runs the auth service over SQLite."""
    service = Service(tmp_path_factory.mktemp("service"), bcrypt_cost=4)
    shutil.copy(sqlite_template, service.folder / "authbridge.db")
    service.start()
    yield service
    service.stop()


@pytest.fixture(name="organisers", scope="session")
def enrol_sqlite_organisers(service: Service) -> Organisers:
    """Makes the organisers of that service."""
    return enrol_organisers(service)


@pytest.fixture(name="prosody_for", scope="session")
def start_prosodys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProsodyFor]:
    """Yields ``prosody_for(version, service)``: a Prosody that asks that service, started once."""
    started: dict[tuple[str, int], Prosody] = {}
    with contextlib.ExitStack() as running:

        def prosody_for(version: str, service: Service) -> Prosody:
            key = (version, service.port)
            if key not in started:
                options = {HOST: external(service.url, service.token_file)}
                prosody = Prosody(version, tmp_path_factory.mktemp("prosody"), options)
                running.callback(prosody.stop)
                prosody.start()
                started[key] = prosody
            return started[key]

        yield prosody_for


@pytest.fixture(name="prosody", scope="session", params=VERSIONS)
def choose_prosody(request: pytest.FixtureRequest, prosody_for: ProsodyFor, service: Service) -> Prosody:
    """Runs a Prosody of either version that asks the service over SQLite."""
    return prosody_for(request.param, service)


@pytest.fixture(name="postgres_service", scope="session")
def start_postgres_service(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, postgres_template: str
) -> Iterator[Service]:
    """Runs the auth service over PostgreSQL."""
    url = postgres.create_database(postgres_template)
    service = Service(tmp_path_factory.mktemp("postgres-service"), url, bcrypt_cost=4)
    service.start()
    yield service
    service.stop()


@pytest.fixture(name="postgres_organisers", scope="session")
def enrol_postgres_organisers(postgres_service: Service) -> Organisers:
    """Makes the organisers of the service over PostgreSQL."""
    return enrol_organisers(postgres_service)
