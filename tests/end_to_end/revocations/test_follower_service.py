"""From the command line of the service to the clients of Prosody: a suspension takes effect at once."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from authbridge.clock import utc_now
from authbridge.commands.organisers import IssuedCredential
from authbridge.database import Database
from authbridge.nodes import Effect, effect_of
from authbridge.queries import get_organiser
from tests.support.factories import make_organiser
from tests.support.login_server import (
    TRANSPORTS,
    VERSIONS,
    LoginServer,
    login,
    make_client,
    open_login_server,
)
from workbench.processes import PATIENCE
from workbench.xmpp import Client

AT_ONCE = 1.0  # seconds


@pytest.fixture(name="login_server", scope="module", params=VERSIONS)
def run_login_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[LoginServer]:
    """A service over a SQLite file of its own, and a Prosody that follows it."""
    folder = tmp_path_factory.mktemp("login_server")
    with open_login_server(request.param, folder, sqlite_template, bcrypt_cost=4) as login_server:
        login_server.service.command("school", "add", "abc", "Andere Schule")
        _await_node(login_server)
        yield login_server


def _await_node(login_server: LoginServer) -> None:
    deadline = time.monotonic() + PATIENCE
    while not json.loads(login_server.service.command("node", "list", "--json")):
        assert time.monotonic() < deadline


def issue(login_server: LoginServer, school: str = "ohg") -> IssuedCredential:
    """One more organiser."""
    database = Database(login_server.service.database_url)
    try:
        return make_organiser(database, school)
    finally:
        database.engine.dispose()


@contextlib.asynccontextmanager
async def logged_in(
    login_server: LoginServer, who: IssuedCredential, transports: Sequence[str] = TRANSPORTS
) -> AsyncIterator[list[Client]]:
    """Clients of that organiser over every transport."""
    async with contextlib.AsyncExitStack() as clients:
        entered = [
            await clients.enter_async_context(make_client(login_server.prosody, transport))
            for transport in transports
        ]
        for client in entered:
            assert (await client.login(who.username, who.password)).condition == "success"
            await client.bind()
        yield entered


class Ends:
    """How the streams of clients end, and when the last one did."""

    def __init__(self, clients: list[Client]) -> None:
        self._ends = asyncio.gather(*(client.await_end() for client in clients))
        self._ends.add_done_callback(lambda _: setattr(self, "_at", time.monotonic()))
        self._at = float("inf")

    async def conditions(self) -> list[str]:
        """Returns the conditions with which they ended, once all have."""
        async with asyncio.timeout(PATIENCE):
            return [end.condition for end in await self._ends]

    async def conditions_within(self, seconds: float, since: float) -> list[str]:
        """Likewise; fails unless all ended within that time after that moment."""
        conditions = await self.conditions()
        assert self._at - since < seconds
        return conditions


async def command(login_server: LoginServer, *arguments: str) -> float:
    """Runs ``authbridge …``; returns the moment when it was over."""
    await asyncio.to_thread(login_server.service.command, *arguments)
    return time.monotonic()


def suspend(username: str) -> tuple[str, ...]:
    """The arguments of the command."""
    return "suspend", "organiser", username, "--reason", "misuse"


@pytest.mark.realtime
async def test_a_suspension_ends_the_sessions_and_their_number_is_known(login_server: LoginServer) -> None:
    """Out within a second, on every transport; the others stay; the service knows how many it were."""
    who, other = issue(login_server), issue(login_server)
    async with logged_in(login_server, who) as clients, logged_in(login_server, other) as others:
        ends = Ends(clients)
        done = await command(login_server, *suspend(who.username))
        assert await ends.conditions_within(AT_ONCE, done) == ["not-authorized"] * 3
        await asyncio.gather(*(client.ping() for client in others))

    for transport in TRANSPORTS:
        assert await login(login_server.prosody, transport, who.username, who.password) == "account-disabled"
    effect = await _effect(login_server, who.username)
    assert (effect.sessions, effect.done, effect.nodes, effect.late) == (3, 1, 1, ())
    assert effect.last_done_at is not None
    assert (effect.last_done_at - effect.told_at).total_seconds() < AT_ONCE


async def _effect(login_server: LoginServer, username: str) -> Effect:
    database = Database(login_server.service.database_url)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                with database.reading() as session:
                    effect = effect_of(session, get_organiser(session, username), now=utc_now())
                if effect is not None and effect.done == effect.nodes:
                    return effect
                await asyncio.sleep(0.02)
    finally:
        database.engine.dispose()


async def test_after_a_reinstatement_he_is_in_again(login_server: LoginServer) -> None:
    """Even if the command and the login come right after each other."""
    who = issue(login_server)
    for _ in range(2):
        async with logged_in(login_server, who) as clients:
            ends = Ends(clients)
            await command(login_server, *suspend(who.username))
            await ends.conditions()
        await command(login_server, "reinstate", "organiser", who.username)


async def test_ending_sessions_does_not_keep_him_out(login_server: LoginServer) -> None:
    """Those that are there end, and the next login is as ever."""
    who = issue(login_server)
    async with logged_in(login_server, who) as clients:
        ends = Ends(clients)
        await command(login_server, "organiser", "end-sessions", who.username)
        assert await ends.conditions() == ["reset"] * 3
    async with logged_in(login_server, who) as clients:
        await asyncio.gather(*(client.ping() for client in clients))


async def test_a_suspended_school_is_all_its_organisers(login_server: LoginServer) -> None:
    """Each of them is out, nobody else is, and those suspended themselves stay so."""
    them, other = [issue(login_server, "abc") for _ in range(5)], issue(login_server)
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            client for who in them for client in await stack.enter_async_context(logged_in(login_server, who))
        ]
        others = await stack.enter_async_context(logged_in(login_server, other))
        ends = Ends(clients)
        await command(login_server, "suspend", "school", "abc", "--reason", "misuse")
        assert await ends.conditions() == ["not-authorized"] * 15
        await asyncio.gather(*(client.ping() for client in others))

    await command(login_server, *suspend(them[0].username))
    await command(login_server, "reinstate", "school", "abc")
    told = [await login(login_server.prosody, "tcp", who.username, who.password) for who in them]
    assert told == ["account-disabled"] + ["success"] * 4


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_suspension_while_the_service_is_away_is_caught_up(
    login_server: LoginServer, end: str
) -> None:
    """Straight into the database: it takes effect when the service is back; the sessions of others stay."""
    who, other = issue(login_server), issue(login_server)
    async with logged_in(login_server, who) as clients, logged_in(login_server, other) as others:
        ends = Ends(clients)
        await asyncio.to_thread(getattr(login_server.service, end))
        await command(login_server, *suspend(who.username))
        await asyncio.sleep(1)
        await asyncio.gather(*(client.ping() for client in others))
        await asyncio.to_thread(login_server.service.start)
        assert await ends.conditions() == ["not-authorized"] * 3
        await asyncio.gather(*(client.ping() for client in others))
    assert (await _effect(login_server, who.username)).sessions == 3


async def test_a_restart_of_the_service_is_followed(login_server: LoginServer) -> None:
    """Prosody polls again once the service is back, and hears of what happens from then on."""
    who = issue(login_server)
    async with logged_in(login_server, who) as clients:
        await asyncio.to_thread(login_server.service.stop)
        await asyncio.to_thread(login_server.service.start)
        ends = Ends(clients)
        await command(login_server, *suspend(who.username))
        assert await ends.conditions() == ["not-authorized"] * 3


async def test_the_node_has_the_name_of_the_machine(login_server: LoginServer) -> None:
    """One Prosody is one node, whatever became of the service meanwhile, and it is in order."""
    nodes = json.loads(await asyncio.to_thread(login_server.service.command, "node", "list", "--json"))
    assert [(node["node"], node["state"]) for node in nodes] == [(socket.gethostname(), "in order")]


async def test_nothing_of_it_is_an_error(login_server: LoginServer) -> None:
    """Neither for Prosody nor for the service."""
    lines = login_server.prosody.log.read_text().splitlines()
    assert not [line for line in lines if "\terror\t" in line or "raceback" in line]
    assert "raceback" not in login_server.service.log.read_text()
