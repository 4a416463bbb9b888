"""What can be used for a county: either database, one or two services, three Prosodys; all of it running."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from authbridge import nightly
from authbridge.backup.moving import move
from authbridge.backup.taking import take
from authbridge.clock import utc_now
from authbridge.config import read_config
from authbridge.login.passwords import Hasher
from authbridge.schools.commands.organisers import IssuedCredential, make_passwords
from authbridge.staff.sign_in import sign_in_services_of
from authbridge.storage import schema
from authbridge.storage.database import Database
from authbridge.storage.models import Role
from bench import county
from bench.environment import CHEAP
from bench.peers import FOLDER, VERSIONS, HostedService
from bench.proc import until_idle
from bench.visitor import Visitor
from tests.support.jitsi.server import Jitsi, make_prosody, run_jitsi
from workbench.panel import Panel
from workbench.postgres import Postgres
from workbench.staff import enrol_member

SQLITE, POSTGRESQL, TWO_SERVICES = "SQLite", "PostgreSQL", "PostgreSQL, 2 services"
PROSODYS = 3
VERSION = VERSIONS[-1]

_Done = TypeVar("_Done")

# As deploy/README.md sets it up: unlike the tests' server, it waits for the disk.
_SERVER_SETTINGS = ("wal_recycle=off",)


@dataclass
class Store:
    """A database of one kind, filled; ``seconds`` and ``megabytes`` of what was done before a service ran."""

    service: HostedService
    database: Database
    seconds: dict[str, float] = field(default_factory=dict)
    megabytes: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setup:
    """Services, Prosodys and a panel over one database; ``visitor`` has signed in at the panel."""

    name: str
    database: Database
    services: Sequence[HostedService]
    servers: Sequence[Jitsi]
    panel: Panel
    visitor: Visitor


def make_stores(
    organisers: int, running: contextlib.ExitStack
) -> tuple[dict[str, Store], list[IssuedCredential]]:
    """The same rows in both databases: our own command copies them to PostgreSQL."""
    folder = FOLDER / f"sizes-{organisers}"
    folder.mkdir()
    postgres = Postgres(folder / "postgres", settings=_SERVER_SETTINGS)
    running.callback(postgres.stop)
    postgres.start()
    # In one folder, so that they have the same secrets.
    on_sqlite = HostedService(folder, bcrypt_cost=CHEAP)
    on_postgres = HostedService(folder, postgres.create_database(), bcrypt_cost=CHEAP)
    stores = {
        name: Store(service, Database(service.database_url))
        for name, service in ((SQLITE, on_sqlite), (POSTGRESQL, on_postgres))
    }
    for store in stores.values():
        running.callback(store.database.engine.dispose)
    source = stores[SQLITE].database
    schema.upgrade(source)
    [password] = make_passwords(1, Hasher.with_quick_checks(CHEAP, read_config(on_sqlite.environ).secret_key))
    credentials = county.populate(source, organisers, password)
    _move_copy(source, stores[POSTGRESQL])
    for store in stores.values():
        _do_work_of_the_night(store)
    return stores, credentials


def _move_copy(source: Database, store: Store) -> None:
    """Moves a copy of the SQLite file, because a move closes what it is made from."""
    source.empty_write_ahead_log()
    file = store.service.folder / "moved.db"
    shutil.copy(store.service.folder / "authbridge.db", file)
    moved = Database(f"sqlite:///{file}")
    config = read_config(store.service.environ)
    store.seconds["db copy"], _ = _timed(lambda: move(moved, store.database, config))
    moved.engine.dispose()
    file.unlink()


def _do_work_of_the_night(store: Store) -> None:
    config = read_config(store.service.environ)
    store.seconds["night"], _ = _timed(lambda: nightly.run(store.database, config, clock=utc_now))
    store.seconds["backup"], taken = _timed(lambda: take(store.database, config, now=utc_now()))
    store.megabytes["backup"] = len(taken.content) / 1e6
    store.megabytes["database"] = _bytes_of(store.database) / 1e6


def _bytes_of(database: Database) -> int:
    if database.file is not None:
        return sum(file.stat().st_size for file in database.file.parent.glob(f"{database.file.name}*"))
    with database.read_connection() as connection:
        size = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    return int(size)


def _timed(work: Callable[[], _Done]) -> tuple[float, _Done]:
    """Returns the seconds that it took, and what it returned."""
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


async def start(stores: Mapping[str, Store], running: contextlib.ExitStack) -> list[Setup]:
    """Starts everything over these databases; ``running`` ends it."""
    on_sqlite, on_postgres = stores[SQLITE].service, stores[POSTGRESQL].service
    second = HostedService(on_postgres.folder, on_postgres.database_url, bcrypt_cost=CHEAP)
    services = {SQLITE: [on_sqlite], POSTGRESQL: [on_postgres], TWO_SERVICES: [on_postgres, second]}
    for service in (on_sqlite, on_postgres, second):
        running.callback(service.stop)
        await asyncio.to_thread(service.start)
        await until_idle(service.process.pid)
    panels = {}
    for name, store in stores.items():
        panels[name] = await asyncio.to_thread(_open_panel, store, running)
    panels[TWO_SERVICES] = panels[POSTGRESQL]
    return [
        Setup(
            name,
            panels[name].database,
            each,
            [_start_server(name, number, each, running) for number in range(PROSODYS)],
            panels[name].panel,
            panels[name].visitor,
        )
        for name, each in services.items()
    ]


@dataclass(frozen=True, slots=True)
class _OpenPanel:
    database: Database
    panel: Panel
    visitor: Visitor


def _open_panel(store: Store, running: contextlib.ExitStack) -> _OpenPanel:
    panel = Panel(store.service)
    services = sign_in_services_of(read_config(panel.environ), store.database)
    member = enrol_member(services, "bench", Role.ADMIN)
    running.callback(panel.stop)
    panel.start()
    visitor = Visitor(panel.port)
    visitor.sign_in(member)
    return _OpenPanel(store.database, panel, visitor)


def _start_server(
    setup: str, number: int, services: Sequence[HostedService], running: contextlib.ExitStack
) -> Jitsi:
    """Each Prosody asks another service first, and the other one where that one is down."""
    first = number % len(services)
    node = f"{setup.lower().replace(', ', '-').replace(' ', '-')}-{number}"
    prosody = make_prosody(
        VERSION,
        services[0].folder / node,
        services[0],
        external_auth_url=[service.url for service in (*services[first:], *services[:first])],
        external_auth_node=node,
    )
    return running.enter_context(run_jitsi(prosody))
