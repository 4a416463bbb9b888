"""A running service and both versions of Prosody, shared by the stories that leave them as they were."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from authbridge.clock import utc_now
from authbridge.schools.commands import suspensions
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import SuspensionReason
from tests.factories import ACTOR, make_organiser, make_school
from workbench.postgres import Postgres
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service
from workbench.xmpp import Client, TcpTransport
from workbench.xmpp_http import BoshTransport, WebSocketTransport

VERSIONS = ("0.12", "13")
TRANSPORTS = ("tcp", "bosh", "websocket")

ProsodyFor = Callable[[str, Service], Prosody]


@dataclass(frozen=True, slots=True)
class Cast:
    """One organiser for each way a login can go."""

    active: IssuedCredential
    suspended: IssuedCredential
    expired: IssuedCredential
    of_suspended_school: IssuedCredential


def make_cast(database: Database) -> Cast:
    """Two schools, one of them suspended, and their organisers."""
    make_school(database, "ohg")
    make_school(database, "gsw", "Grundschule am Wald")
    cast = Cast(
        active=make_organiser(database),
        suspended=make_organiser(database),
        expired=make_organiser(database, valid_until=date(2020, 7, 31)),
        of_suspended_school=make_organiser(database, "gsw"),
    )
    reason, now = SuspensionReason.MISUSE, utc_now()
    with database.write_session() as session:
        suspensions.suspend(session, ORGANISER, cast.suspended.username, reason=reason, actor=ACTOR, now=now)
        suspensions.suspend(session, SCHOOL, "gsw", reason=reason, actor=ACTOR, now=now)
    return cast


@dataclass(frozen=True, slots=True)
class Stage:
    """A Prosody, the service it asks, and the organisers there, for one story alone."""

    prosody: Prosody
    service: Service
    cast: Cast


@contextlib.contextmanager
def open_stage(version: str, folder: Path, template: Path, *, bcrypt_cost: int) -> Iterator[Stage]:
    """Starts both in that folder over a copy of the SQLite file ``template``, and ends them afterwards."""
    service = Service(folder / "service", bcrypt_cost=bcrypt_cost)
    shutil.copy(template, service.folder / "authbridge.db")
    prosody = Prosody(version, folder / "prosody", {HOST: external(service.url, service.token_file)})
    with contextlib.ExitStack() as running:
        running.callback(service.stop)
        service.start()
        running.callback(prosody.stop)
        prosody.start()
        yield Stage(prosody, service, _cast_of(service))


def make_client(prosody: Prosody, transport: str) -> Client:
    """A client of that Prosody, not yet connected."""
    match transport:
        case "tcp":
            return Client(TcpTransport(prosody.c2s_port, HOST), HOST)
        case "bosh":
            return Client(BoshTransport(prosody.http_port, HOST), HOST)
        case _:
            return Client(WebSocketTransport(prosody.http_port, HOST), HOST)


async def login(prosody: Prosody, transport: str, username: str, password: str) -> str:
    """One login on a stream of its own; "success" or the SASL condition."""
    async with make_client(prosody, transport) as client:
        return (await client.login(username, password)).condition


@pytest.fixture(name="service", scope="session")
def start_service(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Service]:
    """The auth service over SQLite."""
    service = Service(tmp_path_factory.mktemp("service"), bcrypt_cost=4)
    shutil.copy(sqlite_template, service.folder / "authbridge.db")
    service.start()
    yield service
    service.stop()


@pytest.fixture(name="cast", scope="session")
def settle_cast(service: Service) -> Cast:
    """The organisers of that service."""
    return _cast_of(service)


@pytest.fixture(name="prosody_for", scope="session")
def start_prosodys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProsodyFor]:
    """``prosody_for(version, service)``: a Prosody that asks that service, started when first wanted."""
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
    """A Prosody of either version that asks the service over SQLite."""
    return prosody_for(request.param, service)


@pytest.fixture(name="postgres_service", scope="session")
def start_postgres_service(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, postgres_template: str
) -> Iterator[Service]:
    """The auth service over PostgreSQL."""
    url = postgres.create_database(postgres_template)
    service = Service(tmp_path_factory.mktemp("postgres-service"), url, bcrypt_cost=4)
    service.start()
    yield service
    service.stop()


@pytest.fixture(name="postgres_cast", scope="session")
def settle_postgres_cast(postgres_service: Service) -> Cast:
    """The organisers of the service over PostgreSQL."""
    return _cast_of(postgres_service)


def _cast_of(service: Service) -> Cast:
    database = Database(service.database_url)
    cast = make_cast(database)
    database.engine.dispose()
    return cast
