"""Runs a Prosody and the service that it asks, with one organiser for each way a login can go."""

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
from tests.support.factories import ACTOR, make_organiser, make_school
from workbench.prosody import HOST, Prosody, external, unpacked_versions
from workbench.service import Service
from workbench.xmpp import Client, TcpTransport
from workbench.xmpp_http import BoshTransport, WebSocketTransport

UNPACKED = unpacked_versions()
OLDER, NEWER = UNPACKED[0], UNPACKED[:2][-1]  # one and the same where no second one could be had
VERSIONS = (*UNPACKED[:2], *(pytest.param(each, marks=pytest.mark.soak) for each in UNPACKED[2:]))
NEWER_FIRST = [pytest.param(each, marks=[] if each == NEWER else [pytest.mark.soak]) for each in UNPACKED]
TRANSPORTS = ("tcp", "bosh", "websocket")


def newer_first(fixture: str) -> pytest.MarkDecorator:
    """Marks a test whose promise no version of Prosody keeps differently: the older ones are for soak."""
    return pytest.mark.parametrize(fixture, NEWER_FIRST, indirect=True)


ProsodyFor = Callable[[str, Service], Prosody]


@dataclass(frozen=True, slots=True)
class Organisers:
    """One organiser for each way a login can go."""

    active: IssuedCredential
    suspended: IssuedCredential
    expired: IssuedCredential
    of_suspended_school: IssuedCredential


def make_organisers(database: Database) -> Organisers:
    """Makes two schools, one of them suspended, and their organisers."""
    make_school(database, "ohg")
    make_school(database, "gsw", "Grundschule am Wald")
    organisers = Organisers(
        active=make_organiser(database),
        suspended=make_organiser(database),
        expired=make_organiser(database, valid_until=date(2020, 7, 31)),
        of_suspended_school=make_organiser(database, "gsw"),
    )
    reason, now = SuspensionReason.MISUSE, utc_now()
    with database.write_session() as session:
        suspensions.suspend(
            session, ORGANISER, organisers.suspended.username, reason=reason, actor=ACTOR, now=now
        )
        suspensions.suspend(session, SCHOOL, "gsw", reason=reason, actor=ACTOR, now=now)
    return organisers


@dataclass(frozen=True, slots=True)
class LoginServer:
    """A Prosody, the service it asks, and the organisers there, for one story alone."""

    prosody: Prosody
    service: Service
    organisers: Organisers


@contextlib.contextmanager
def open_login_server(
    version: str, folder: Path, template: Path, *, bcrypt_cost: int
) -> Iterator[LoginServer]:
    """Starts both in that folder over a copy of the SQLite file ``template``, and ends them afterwards."""
    service = Service(folder / "service", bcrypt_cost=bcrypt_cost)
    shutil.copy(template, service.folder / "authbridge.db")
    prosody = Prosody(version, folder / "prosody", {HOST: external(service.url, service.token_file)})
    with contextlib.ExitStack() as running:
        running.callback(service.stop)
        service.start()
        running.callback(prosody.stop)
        prosody.start()
        yield LoginServer(prosody, service, enrol_organisers(service))


def make_client(prosody: Prosody, transport: str, host: str = HOST, *, query: str = "") -> Client:
    """Returns a client of that host, not yet connected; over HTTP its address has that query."""
    match transport:
        case "tcp":
            return Client(TcpTransport(prosody.c2s_port, host), host)
        case "bosh":
            return Client(BoshTransport(prosody.http_port, host, query=query), host)
        case _:
            return Client(WebSocketTransport(prosody.http_port, host, query=query), host)


async def login(prosody: Prosody, transport: str, username: str, password: str) -> str:
    """Logs in on a stream of its own; returns "success" or the SASL condition."""
    async with make_client(prosody, transport) as client:
        return (await client.login(username, password)).condition


def enrol_organisers(service: Service) -> Organisers:
    """Makes these organisers in the database of that service."""
    database = Database(service.database_url)
    organisers = make_organisers(database)
    database.engine.dispose()
    return organisers
