"""Databases for the tests: SQLite and PostgreSQL behind the same sentences."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer

from authbridge.storage import schema
from authbridge.storage.database import Database
from tests.support import logs_at_failure
from tests.support.compiled_statements import share_compiled_statements
from tests.support.machine_monitor import CROWDED, MachineMonitor
from tests.support.own_postgres import open_postgres
from tests.support.rerun_on_stall import RerunOnStall
from tests.support.reused_database import ReusedDatabase
from tests.support.scheduling import Scheduling
from workbench.postgres import FOR_A_SHORT_LIFE, Postgres


def pytest_configure(config: pytest.Config) -> None:
    """Judges what needs a running machine only while it runs, compiles each statement once, shows logs.

    No example of a property has a time limit: one of a thousand may meet a machine that stands still.
    """
    hypothesis.settings.register_profile("tests", deadline=None)
    hypothesis.settings.load_profile("tests")
    share_compiled_statements()
    config.pluginmanager.register(logs_at_failure)
    config.pluginmanager.register(
        RerunOnStall({"realtime": MachineMonitor(), "programs": MachineMonitor(CROWDED)})
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Lets one process run all tests that share running programs."""
    return Scheduling(config, log)


@pytest.fixture(name="postgres", scope="session")
def start_postgres() -> Iterator[Postgres]:
    """Runs an empty PostgreSQL server."""
    with open_postgres(FOR_A_SHORT_LIFE) as server:
        yield server


@pytest.fixture(name="usual_postgres", scope="session")
def start_usual_postgres() -> Iterator[Postgres]:
    """Runs a PostgreSQL server with the settings that it has on a machine, but for its waits for the disk."""
    with open_postgres(["fsync=off"]) as server:
        yield server


@pytest.fixture(name="sqlite_template", scope="session")
def make_sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes a SQLite file with our tables."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    _upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(name="postgres_template", scope="session")
def make_postgres_template(postgres: Postgres) -> str:
    """Makes a PostgreSQL database with our tables; returns its name."""
    url = postgres.create_database()
    _upgrade(url)
    return url.rpartition("/")[2]


@pytest.fixture(name="reused_database", scope="session")
def make_reused_database(postgres: Postgres, postgres_template: str) -> Iterator[ReusedDatabase]:
    """Makes the PostgreSQL database that one test after the other empties and uses."""
    reused = ReusedDatabase(postgres.create_database(postgres_template))
    yield reused
    reused.close()


@pytest.fixture(name="database_url", params=["sqlite", "postgresql"])
def make_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Returns the address of a database with our tables and no rows, of either kind."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "authbridge.db")
        return f"sqlite:///{tmp_path / 'authbridge.db'}"
    if request.node.get_closest_marker("own_database"):
        server: Postgres = request.getfixturevalue("postgres")
        return server.create_database(request.getfixturevalue("postgres_template"))
    reused: ReusedDatabase = request.getfixturevalue("reused_database")
    return reused.empty()


@pytest.fixture(name="database")
def connect_database(database_url: str) -> Iterator[Database]:
    """Opens a fresh database with our tables, of either kind."""
    database = Database(database_url)
    yield database
    database.engine.dispose()


def _upgrade(url: str) -> None:
    database = Database(url)
    schema.upgrade(database)
    database.engine.dispose()
