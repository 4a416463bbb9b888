"""Forty guesses at the same moment, over HTTP, to real processes: five are hashed."""

import http.client
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import pytest
from sqlalchemy import func, select

from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.database import Database
from authbridge.storage.models import Base, LoginAttempt, LoginFailure
from tests.support.asking import ask, wrong_passwords_at
from tests.support.factories import make_organiser, make_school
from tests.support.threads import at_once
from workbench.processes import PATIENCE
from workbench.service import Service


def ask_at_once(services: Sequence[Service], username: str, passwords: Sequence[str]) -> "Counter[str]":
    """All at the same moment, in turn at each service; how often which verdict."""
    turns = zip(passwords, cycle(services), strict=False)
    return Counter(at_once([partial(ask, service, username, typed) for typed, service in turns]))


def rows(service: Service, *models: type[Base]) -> list[int]:
    """How many rows the tables have."""
    database = Database(service.database_url)
    with database.read_session() as session:
        counts = [session.scalar(select(func.count()).select_from(model)) or 0 for model in models]
    database.engine.dispose()
    return counts


def enrol(service: Service) -> IssuedCredential:
    """An organiser of that service."""
    database = Database(service.database_url)
    make_school(database)
    issued = make_organiser(database)
    database.engine.dispose()
    return issued


@pytest.fixture(name="services", params=["one over SQLite", "two over SQLite", "two over PostgreSQL"])
def start_services(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path
) -> Iterator[list[Service]]:
    """Processes that share a database, and the secrets."""
    url = ""
    if request.param.endswith("PostgreSQL"):
        url = request.getfixturevalue("postgres").create_database(
            request.getfixturevalue("postgres_template")
        )
    services = [
        Service(tmp_path / "service", url, bcrypt_cost=4) for _ in range(1 + request.param.startswith("two"))
    ]
    if not url:
        shutil.copy(sqlite_template, services[0].folder / "authbridge.db")
    with ExitStack() as running, ThreadPoolExecutor() as threads:
        for service in services:
            running.callback(service.stop)
        list(threads.map(Service.start, services))
        yield services


def test_forty_parallel_guesses_hash_five(services: list[Service]) -> None:
    """However many processes share them out; and the owner gets in where nobody guesses."""
    owner = enrol(services[0])
    guesses = list(islice(wrong_passwords_at(services[0], owner.username), 40))

    verdicts = ask_at_once(services, owner.username, guesses)

    assert verdicts == {"refused": 5, "locked": 35}
    assert rows(services[0], LoginFailure, LoginAttempt) == [5, 5]
    assert ask(services[-1], owner.username, owner.password) == "locked"


def test_a_process_that_is_killed_during_a_hash_leaves_a_failure(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """Who could make the service die would else guess without counting."""
    service = Service(tmp_path / "service", bcrypt_cost=14)  # takes a second
    shutil.copy(sqlite_template, service.folder / "authbridge.db")
    with ExitStack() as running, ThreadPoolExecutor(1) as threads:
        running.callback(service.kill)
        service.start()
        asked = threads.submit(ask, service, "frau.b", "falsch")
        _await_failure(service)
        service.kill()
        with suppress(OSError, http.client.HTTPException):
            pytest.fail(f"it was answered: {asked.result(PATIENCE)}")

    assert rows(service, LoginFailure, LoginAttempt) == [1, 1]
    assert verdicts_of(service) == [None]


def _await_failure(service: Service) -> None:
    """Returns as soon as one is on record: sooner than :func:`rows` could tell, and the hash is over."""
    deadline = time.monotonic() + PATIENCE
    with closing(sqlite3.connect(service.folder / "authbridge.db", timeout=PATIENCE)) as database:
        while not database.execute("SELECT count(*) FROM login_failures").fetchone()[0]:
            assert time.monotonic() < deadline


def verdicts_of(service: Service) -> list[str | None]:
    """What the journal says."""
    database = Database(service.database_url)
    with database.read_session() as session:
        verdicts = list(session.scalars(select(LoginAttempt.verdict)))
    database.engine.dispose()
    return verdicts
