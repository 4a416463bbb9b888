"""The deployment that is put under fire: services, Prosodys, panel, a database and the links between them."""

import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from authbridge.clock import utc_now
from authbridge.config import read_config
from authbridge.errors import StorageError
from authbridge.revocations.status import revocation_status_of
from authbridge.schools.commands import organisers
from authbridge.schools.lookup import get_organiser
from authbridge.staff.sign_in import sign_in_services_of
from authbridge.storage import schema
from authbridge.storage.database import Database
from authbridge.storage.models import Role
from bench.proc import age, resident
from bench.visitor import Visitor
from tests.support.factories import ACTOR, make_organiser, make_school
from tests.support.fire.clerks import Clerk
from tests.support.fire.history import Memory
from tests.support.fire.shifted_clock import ShiftedClock
from tests.support.fire.stores import OpenStore, Store
from tests.support.full_disk import full_disk
from tests.support.link import Link
from workbench.panel import Panel
from workbench.processes import PATIENCE, StartError, children_of, is_answering
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service
from workbench.staff import enrol_member

_SCHOOLS = ("ohg", "gsw", "rsb")
_ACCOUNTS = 4  # of each school
_LOOK = 0.05  # seconds
_DISK = 300_000  # kilobytes
_KEPT = 30  # seconds for which Prosody keeps what is left of a login, in place of the usual 300


@dataclass
class Holder:
    """An account and the passwords that it has had, the first at 0; None is one that nobody was told."""

    number: int
    school: str
    username: str
    passwords: list[str | None] = field(repr=False)

    @property
    def known(self) -> tuple[int, str]:
        """Returns the generation of the latest password that somebody was told, and that password."""
        return max(
            (place + 1, password) for place, password in enumerate(self.passwords) if password is not None
        )


@dataclass
class World:
    """All parts, running.  ``database`` and ``canary``, an account of nobody's, are the tests' own way in."""

    folder: Path
    store: Store
    disk: Path
    database: Database
    services: Sequence[Service]
    office: Service  # of which panel and command line have the settings
    panel: Panel
    prosodys: Sequence[Prosody]
    to_services: Sequence[Link]
    clocks: Sequence[ShiftedClock]  # of the services
    holders: Sequence[Holder]
    canary: str
    clerks: Mapping[str, Clerk]  # of each school, signed in at the panel

    def heal(self) -> None:
        """Starts what does not run, and returns when every part answers."""
        self.store.heal()
        for service in self.services:
            _bring_back(service)
        if not self.panel.process.is_running:
            self.panel.kill()
            self.panel.start()
        for prosody in self.prosodys:
            if not prosody.process.is_running:
                prosody.start()

    def end_canary_sessions(self) -> None:
        """Publishes news that every Prosody carries out after all that was acknowledged before."""
        while True:
            with contextlib.suppress(StorageError), self.database.write_session() as session:
                organisers.end_sessions(session, self.canary, actor=ACTOR, now=utc_now())
                return

    def await_carried_out(self) -> None:
        """Returns when each Prosody has carried that out.

        Raises:
            TimeoutError: One has not although nothing is broken.
        """
        deadline = time.monotonic() + PATIENCE
        while not self._is_carried_out():
            if time.monotonic() > deadline:
                message = "a Prosody does not carry the news out"
                raise TimeoutError(message)
            time.sleep(_LOOK)

    def _is_carried_out(self) -> bool:
        with contextlib.suppress(StorageError), self.database.read_session() as session:
            organiser = get_organiser(session, self.canary)
            status = revocation_status_of(session, organiser, now=utc_now())
            return status is not None and status.done >= len(self.prosodys)
        return False

    def memory(self, at: float) -> Memory:
        """Returns what each part occupies with its children, and how long the youngest of them has run."""
        parts = {f"service {number}": each.main_pid for number, each in enumerate(self.services, 1)}
        parts |= {"panel": self.panel.process.pid}
        parts |= {f"Prosody {each.version}": each.pid for each in self.prosodys}
        trees = {name: [pid, *children_of(pid)] for name, pid in parts.items() if pid is not None}
        return Memory(
            at,
            {name: int(sum(map(resident, pids)) * 1e6) for name, pids in trees.items()},
            {name: min(map(age, pids)) for name, pids in trees.items()},
        )


@contextlib.contextmanager
def open_world(versions: Iterable[str], open_store: OpenStore, folder: Path) -> Iterator[World]:
    """Starts everything, ends it afterwards; the database has a small disk where we may mount one."""
    disk = Path(tempfile.gettempdir()) / f"under-fire-{secrets.token_hex(4)}"
    with contextlib.ExitStack() as running:
        if os.geteuid() == 0:
            running.enter_context(full_disk(disk, kilobytes=_DISK))
            disk.chmod(0o755)
        else:
            disk.mkdir()
        store = running.enter_context(open_store(disk))
        database = Database(store.url)
        running.callback(database.engine.dispose)
        schema.upgrade(database)
        holders, canary = _enrol(database)

        shared = folder / "service"
        shared.mkdir()
        service_on = partial(Service, shared, bcrypt_cost=4, supervised=True)
        clocks = [ShiftedClock(folder / f"clock-{number}") for number, _ in enumerate(store.addresses, 1)]
        services = [
            service_on(database_url=address, variables=clock.variables)
            for address, clock in zip(store.addresses, clocks, strict=True)
        ]
        office = service_on(database_url=store.office)
        for service in services:
            running.callback(service.kill)
            service.start()
        to_services = [running.enter_context(Link(service.port)) for service in services]
        prosodys = [
            Prosody(
                version,
                folder / f"prosody-{version}",
                {
                    HOST: external(
                        [link.url for link in to_services],
                        office.token_file,
                        external_auth_node=f"prosody-{version}",
                    )
                },
                more=f"c2s_timeout = {_KEPT}",
            )
            for version in versions
        ]
        for prosody in prosodys:
            running.callback(prosody.kill)
            prosody.start()
        panel = Panel(office)
        sign_in = sign_in_services_of(read_config(panel.environ), database)
        running.callback(panel.kill)
        panel.start()
        clerks = {
            school: Clerk(enrol_member(sign_in, f"office-{school}", Role.ADMIN), Visitor(panel.port))
            for school in _SCHOOLS
        }
        for clerk in clerks.values():
            clerk.sign_in_if_wanted()
        yield World(
            folder=folder,
            store=store,
            disk=disk,
            database=database,
            services=services,
            office=office,
            panel=panel,
            prosodys=prosodys,
            to_services=to_services,
            clocks=clocks,
            holders=holders,
            canary=canary,
            clerks=clerks,
        )


def _bring_back(service: Service) -> None:
    """Starts it as often as it ends, as systemd does, until it is ready.

    Raises:
        StartError: It is not, although nothing is broken.
    """
    deadline = time.monotonic() + PATIENCE
    while not is_answering(service.port, "/readyz"):
        if not service.process.is_running:
            service.kill()
            with contextlib.suppress(StartError):  # it came up while the database did not answer yet
                service.start()
        if time.monotonic() > deadline:
            message = f"a service is not ready: {service.process.log_tail()}"
            raise StartError(message)
        time.sleep(_LOOK)


def _enrol(database: Database) -> tuple[list[Holder], str]:
    holders: list[Holder] = []
    for school in _SCHOOLS:
        make_school(database, school, school)
        for _ in range(_ACCOUNTS):
            issued = make_organiser(database, school)
            holders.append(Holder(len(holders) + 1, school, issued.username, [issued.password]))
    return holders, make_organiser(database, make_school(database, "kmz", "kmz")).username
