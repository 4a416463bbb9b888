"""Who is measured: our service behind a real Prosody, and on the same Prosody those it is compared with."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from authbridge import schema
from authbridge.audit import Actor
from authbridge.commands.organisers import IssuedCredential, issue_organisers, make_passwords
from authbridge.commands.schools import add_school
from authbridge.database import Database
from authbridge.passwords import Hasher
from authbridge.usernames import Username
from workbench import CACHE, ROOT
from workbench.processes import Process, StartError, free_port, is_listening
from workbench.prosody import Prosody, external
from workbench.service import Service

FOLDER = CACHE / "bench"
VERSIONS = ("0.12", "13")
COSTS = (4, 10)  # of bcrypt: its least, and what we run with

ACCEPTING, HASHED, SLOW = "accepting.test", "hashed.test", "slow.test"
MEMBER = IssuedCredential(Username("member"), "vpgd-kxwj-rhms")  # of the hosts that are not ours
SLOWNESS = 2.0  # seconds

_MODULES = (ROOT / "prosody_mod", ROOT / "bench" / "prosody_mod")
_ACTOR = Actor("cli:bench")
_SCHOOL = "bench"


@dataclass
class Stage(Prosody):
    """A Prosody with several VirtualHosts, so that the noise of the machine hits all of them alike."""

    @classmethod
    def of(cls, version: str, services: Iterable["HostedService"], slow: "SlowService") -> Self:
        """One host for each peer; the account that a peer needs is there."""
        hosts: dict[str, Mapping[str, object]] = {
            ACCEPTING: {"authentication": "accept"},
            HASHED: {"authentication": "internal_hashed"},
            SLOW: external(slow.url, slow.token_file),
        }
        for service in services:
            hosts[service.host] = external(service.url, service.token_file)
        stage = cls(
            version, FOLDER / f"prosody-{version}", hosts, module_folders=_MODULES, storage="internal"
        )
        stage.register(HASHED, MEMBER)
        return stage

    def register(self, host: str, credential: IssuedCredential) -> None:
        """Makes an account of Prosody's own; while it does not run."""
        self.write_config()
        command = ["lua5.4", str(self.prosodyctl), "--config", str(self.config), "register"]
        done = subprocess.run(  # noqa: S603 - our own command line
            [*command, credential.username, host, credential.password],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            message = f"prosodyctl register: {done.stdout}{done.stderr}"
            raise StartError(message)


@dataclass
class HostedService(Service):
    """Our service, answering for a host of its own."""

    @classmethod
    def of_cost(cls, cost: int) -> Self:
        """The service with that bcrypt cost; its host is named after it."""
        return cls(FOLDER / f"service-{cost}", bcrypt_cost=cost, host=f"cost{cost}.test")

    def create_database(self) -> None:
        """The tables and a school."""
        database = Database(self.database_url)
        schema.upgrade(database)
        with database.writing() as session:
            add_school(session, _SCHOOL, "Bench", actor=_ACTOR, now=datetime.now(UTC))
        database.engine.dispose()

    def issue(self, count: int) -> Iterator[IssuedCredential]:
        """Organisers for one login each, so that nothing that is remembered of a login speeds up the next."""
        passwords = make_passwords(1, Hasher(self.bcrypt_cost)) * count  # one hash, not hundreds
        database = Database(self.database_url)
        with database.writing() as session:
            issued = issue_organisers(
                session, _SCHOOL, passwords, valid_until=None, actor=_ACTOR, now=datetime.now(UTC)
            )
        database.engine.dispose()
        return iter(issued)


@dataclass
class SlowService:
    """The stand-in of :mod:`bench.slow_service`."""

    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.token_file.write_text("x" * 32)  # it reads none
        command = [sys.executable, "-m", "bench.slow_service", str(self.port), str(SLOWNESS)]
        self._process = Process(command, log=FOLDER / "slow.log", environ={"PYTHONPATH": str(ROOT)})

    @property
    def token_file(self) -> Path:
        """The token that Prosody shows."""
        return FOLDER / "slow-token"

    @property
    def url(self) -> str:
        """Where Prosody asks."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it and returns when it listens."""
        self._process.start()
        self._process.await_ready(lambda: is_listening(self.port))

    def stop(self) -> None:
        """Ends it."""
        self._process.stop()
