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
from authbridge.revocations.status import RevocationStatus, revocation_status_of
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.lookup import get_organiser
from authbridge.storage.database import Database
from tests.end_to_end.conftest import TRANSPORTS, VERSIONS, Stage, login, make_client, open_stage
from tests.factories import make_organiser
from workbench.processes import PATIENCE
from workbench.xmpp import Client

AT_ONCE = 1.0  # seconds
ONCE_BACK = 5.0  # seconds after a service has started anew; Prosody's pauses grow with its absence


@pytest.fixture(name="stage", scope="module", params=VERSIONS)
def set_stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Stage]:
    """A service over a SQLite file of its own, and a Prosody that follows it."""
    folder = tmp_path_factory.mktemp("stage")
    with open_stage(request.param, folder, sqlite_template, bcrypt_cost=4) as stage:
        stage.service.command("school", "add", "abc", "Andere Schule")
        _await_node(stage)
        yield stage


def _await_node(stage: Stage) -> None:
    deadline = time.monotonic() + PATIENCE
    while not json.loads(stage.service.command("node", "list", "--json")):
        assert time.monotonic() < deadline


def issue(stage: Stage, school: str = "ohg") -> IssuedCredential:
    """One more organiser."""
    database = Database(stage.service.database_url)
    try:
        return make_organiser(database, school)
    finally:
        database.engine.dispose()


@contextlib.asynccontextmanager
async def logged_in(
    stage: Stage, who: IssuedCredential, transports: Sequence[str] = TRANSPORTS
) -> AsyncIterator[list[Client]]:
    """Clients of that organiser over every transport."""
    async with contextlib.AsyncExitStack() as clients:
        entered = [
            await clients.enter_async_context(make_client(stage.prosody, transport))
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

    async def after(self, moment: float, *, within: float) -> list[str]:
        """Their conditions; fails unless all ended within that time after the moment."""
        async with asyncio.timeout(within + 1):
            ends = [end.condition for end in await self._ends]
        assert self._at - moment < within
        return ends


async def command(stage: Stage, *arguments: str) -> float:
    """Runs ``authbridge …``; returns the moment when it was over."""
    await asyncio.to_thread(stage.service.command, *arguments)
    return time.monotonic()


def suspend(username: str) -> tuple[str, ...]:
    """The arguments of the command."""
    return "suspend", "organiser", username, "--reason", "misuse"


async def test_a_suspension_ends_the_sessions_and_their_number_is_known(stage: Stage) -> None:
    """Out within a second, on every transport; the others stay; the service knows how many it were."""
    who, other = issue(stage), issue(stage)
    async with logged_in(stage, who) as clients, logged_in(stage, other) as others:
        ends = Ends(clients)
        done = await command(stage, *suspend(who.username))
        assert await ends.after(done, within=AT_ONCE) == ["not-authorized"] * 3
        await asyncio.gather(*(client.ping() for client in others))

    for transport in TRANSPORTS:
        assert await login(stage.prosody, transport, who.username, who.password) == "account-disabled"
    effect = await _effect(stage, who.username)
    assert (effect.sessions, effect.done, effect.nodes, effect.late) == (3, 1, 1, ())
    assert effect.last_done_at is not None
    assert (effect.last_done_at - effect.published_at).total_seconds() < AT_ONCE


async def _effect(stage: Stage, username: str) -> RevocationStatus:
    database = Database(stage.service.database_url)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                with database.read_session() as session:
                    effect = revocation_status_of(session, get_organiser(session, username), now=utc_now())
                if effect is not None and effect.done == effect.nodes:
                    return effect
                await asyncio.sleep(0.02)
    finally:
        database.engine.dispose()


async def test_after_a_reinstatement_he_is_in_again(stage: Stage) -> None:
    """At once, even if the command and the login come right after each other."""
    who = issue(stage)
    for _ in range(2):
        async with logged_in(stage, who) as clients:
            ends = Ends(clients)
            done = await command(stage, *suspend(who.username))
            await ends.after(done, within=AT_ONCE)
        await command(stage, "reinstate", "organiser", who.username)


async def test_ending_sessions_does_not_keep_him_out(stage: Stage) -> None:
    """Those that are there end, and the next login is as ever."""
    who = issue(stage)
    async with logged_in(stage, who) as clients:
        ends = Ends(clients)
        done = await command(stage, "organiser", "end-sessions", who.username)
        assert await ends.after(done, within=AT_ONCE) == ["reset"] * 3
    async with logged_in(stage, who) as clients:
        await asyncio.gather(*(client.ping() for client in clients))


async def test_a_suspended_school_is_all_its_organisers(stage: Stage) -> None:
    """Each of them is out within a second, nobody else is, and those suspended themselves stay so."""
    them, other = [issue(stage, "abc") for _ in range(5)], issue(stage)
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            client for who in them for client in await stack.enter_async_context(logged_in(stage, who))
        ]
        others = await stack.enter_async_context(logged_in(stage, other))
        ends = Ends(clients)
        done = await command(stage, "suspend", "school", "abc", "--reason", "misuse")
        assert await ends.after(done, within=AT_ONCE) == ["not-authorized"] * 15
        await asyncio.gather(*(client.ping() for client in others))

    await command(stage, *suspend(them[0].username))
    await command(stage, "reinstate", "school", "abc")
    told = [await login(stage.prosody, "tcp", who.username, who.password) for who in them]
    assert told == ["account-disabled"] + ["success"] * 4


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_suspension_while_the_service_is_away_is_caught_up(stage: Stage, end: str) -> None:
    """Straight into the database: it takes effect when the service is back; the sessions of others stay."""
    who, other = issue(stage), issue(stage)
    async with logged_in(stage, who) as clients, logged_in(stage, other) as others:
        ends = Ends(clients)
        gone = time.monotonic()
        await asyncio.to_thread(getattr(stage.service, end))
        await command(stage, *suspend(who.username))
        await asyncio.sleep(1)
        await asyncio.gather(*(client.ping() for client in others))
        await asyncio.to_thread(stage.service.start)
        back = time.monotonic()
        within = max(ONCE_BACK, 1.5 * (back - gone))
        assert await ends.after(back, within=within) == ["not-authorized"] * 3
        await asyncio.gather(*(client.ping() for client in others))
    assert (await _effect(stage, who.username)).sessions == 3


async def test_the_service_stops_in_time_although_it_is_polled(stage: Stage) -> None:
    """An open poll holds up no restart; afterwards all goes on."""
    who = issue(stage)
    async with logged_in(stage, who) as clients:
        started = time.monotonic()
        await asyncio.to_thread(stage.service.stop)
        assert time.monotonic() - started < 3
        await asyncio.to_thread(stage.service.start)
        ends = Ends(clients)
        within = max(ONCE_BACK, 1.5 * (time.monotonic() - started))
        done = await command(stage, *suspend(who.username))
        assert await ends.after(done, within=within) == ["not-authorized"] * 3


async def test_the_node_has_the_name_of_the_machine(stage: Stage) -> None:
    """One Prosody is one node, whatever became of the service meanwhile, and it is in order."""
    nodes = json.loads(await asyncio.to_thread(stage.service.command, "node", "list", "--json"))
    assert [(node["node"], node["state"]) for node in nodes] == [(socket.gethostname(), "in order")]


async def test_nothing_of_it_is_an_error(stage: Stage) -> None:
    """Neither for Prosody nor for the service."""
    lines = stage.prosody.log.read_text().splitlines()
    assert not [line for line in lines if "\terror\t" in line or "raceback" in line]
    assert "raceback" not in stage.service.log.read_text()
