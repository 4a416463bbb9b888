"""From a command in the database to the clients of a real Prosody: a suspension takes effect at once."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.models import ProsodyNode
from tests.support.auth_server import AuthServer, open_auth_server
from tests.support.login_server import TRANSPORTS, VERSIONS, login, make_client, newer_first
from workbench.processes import PATIENCE
from workbench.prosody import HOST, Prosody, external
from workbench.xmpp import Client

AT_ONCE = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Followed:
    """An auth service, and a Prosody that follows it."""

    auth: AuthServer
    prosody: Prosody

    @contextlib.asynccontextmanager
    async def logged_in(
        self, who: IssuedCredential, transports: Sequence[str] = TRANSPORTS
    ) -> AsyncIterator[list[Client]]:
        """Yields clients of that organiser over every transport."""
        async with contextlib.AsyncExitStack() as clients:
            entered = [
                await clients.enter_async_context(make_client(self.prosody, transport))
                for transport in transports
            ]
            for client in entered:
                assert (await client.login(who.username, who.password)).condition == "success"
                await client.bind()
            yield entered


@pytest.fixture(name="followed", scope="module", params=VERSIONS)
def run_followed_service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Followed]:
    """Runs both, over a SQLite file of their own; returns when Prosody follows the service."""
    folder = tmp_path_factory.mktemp("followed")
    with open_auth_server(folder / "service", sqlite_template) as auth:
        options = external(auth.service.url, auth.service.token_file)
        prosody = Prosody(request.param, folder / "prosody", {HOST: options})
        prosody.start()
        try:
            _await_node(auth)
            yield Followed(auth, prosody)
        finally:
            prosody.stop()


def _await_node(auth: AuthServer) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with auth.database.read_session() as session:
            if session.scalars(select(ProsodyNode)).all():
                return
        assert time.monotonic() < deadline
        time.sleep(0.02)


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


@pytest.mark.realtime
@newer_first("followed")
async def test_a_suspension_ends_the_sessions_and_their_number_is_known(followed: Followed) -> None:
    """By the command line: out within a second on every transport; others stay; the number is known."""
    who, other = followed.auth.issue(), followed.auth.issue()
    words = ("suspend", "organiser", who.username, "--reason", "misuse")
    async with followed.logged_in(who) as clients, followed.logged_in(other) as others:
        ends = Ends(clients)
        await asyncio.to_thread(followed.auth.service.command, *words)
        done = time.monotonic()
        assert await ends.conditions_within(AT_ONCE, done) == ["not-authorized"] * 3
        await asyncio.gather(*(client.ping() for client in others))

    for transport in TRANSPORTS:
        assert await login(followed.prosody, transport, who.username, who.password) == "account-disabled"
    effect = await followed.auth.effect(who.username)
    assert (effect.sessions, effect.done, effect.nodes, effect.late) == (3, 1, 1, ())
    assert effect.last_done_at is not None
    assert (effect.last_done_at - effect.published_at).total_seconds() < AT_ONCE


async def test_after_a_reinstatement_he_is_in_again(followed: Followed) -> None:
    """Even if the command and the login come right after each other."""
    who = followed.auth.issue()
    for _ in range(2):
        async with followed.logged_in(who) as clients:
            ends = Ends(clients)
            followed.auth.suspend(who.username)
            await ends.conditions()
        followed.auth.reinstate(who.username)


async def test_ending_sessions_does_not_keep_him_out(followed: Followed) -> None:
    """Those that are there end, and the next login is as ever."""
    who = followed.auth.issue()
    async with followed.logged_in(who) as clients:
        ends = Ends(clients)
        followed.auth.end_sessions(who.username)
        assert await ends.conditions() == ["reset"] * 3
    async with followed.logged_in(who) as clients:
        await asyncio.gather(*(client.ping() for client in clients))


async def test_a_suspended_school_is_all_its_organisers(followed: Followed) -> None:
    """Each of them is out, nobody else is, and those suspended themselves stay so."""
    auth = followed.auth
    them, other = [auth.issue("abc") for _ in range(5)], auth.issue()
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            client for who in them for client in await stack.enter_async_context(followed.logged_in(who))
        ]
        others = await stack.enter_async_context(followed.logged_in(other))
        ends = Ends(clients)
        auth.suspend_school("abc")
        assert await ends.conditions() == ["not-authorized"] * 15
        await asyncio.gather(*(client.ping() for client in others))

    auth.suspend(them[0].username)
    auth.reinstate_school("abc")
    told = [await login(followed.prosody, "tcp", who.username, who.password) for who in them]
    assert told == ["account-disabled"] + ["success"] * 4


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_suspension_while_the_service_is_away_is_caught_up(followed: Followed, end: str) -> None:
    """Straight into the database: it takes effect when the service is back; the sessions of others stay."""
    auth = followed.auth
    who, other = auth.issue(), auth.issue()
    async with followed.logged_in(who) as clients, followed.logged_in(other) as others:
        ends = Ends(clients)
        await asyncio.to_thread(getattr(auth.service, end))
        auth.suspend(who.username)
        await asyncio.sleep(1)
        await asyncio.gather(*(client.ping() for client in others))
        await asyncio.to_thread(auth.service.start)
        assert await ends.conditions() == ["not-authorized"] * 3
        await asyncio.gather(*(client.ping() for client in others))
    assert (await auth.effect(who.username)).sessions == 3


async def test_a_restart_of_the_service_is_followed(followed: Followed) -> None:
    """Prosody polls again once the service is back, and hears of what happens from then on."""
    who = followed.auth.issue()
    async with followed.logged_in(who) as clients:
        await asyncio.to_thread(followed.auth.service.stop)
        await asyncio.to_thread(followed.auth.service.start)
        ends = Ends(clients)
        followed.auth.suspend(who.username)
        assert await ends.conditions() == ["not-authorized"] * 3


async def test_the_node_has_the_name_of_the_machine(followed: Followed) -> None:
    """One Prosody is one node, whatever became of the service meanwhile, and it is in order."""
    nodes = json.loads(await asyncio.to_thread(followed.auth.service.command, "node", "list", "--json"))
    assert [(node["node"], node["state"]) for node in nodes] == [(socket.gethostname(), "in order")]


async def test_nothing_of_it_is_an_error(followed: Followed) -> None:
    """Neither for Prosody nor for the service."""
    lines = followed.prosody.log.read_text().splitlines()
    assert not [line for line in lines if "\terror\t" in line or "raceback" in line]
    assert "raceback" not in followed.auth.service.log.read_text()
