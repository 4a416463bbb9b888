"""Of several services one fails, in each way that there is: within a second its neighbour is asked."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.login_server import VERSIONS, make_client, newer_first
from tests.support.scripted_service import (
    Behaviour,
    Feed,
    Question,
    answering,
    drop,
    hang,
    http_answer,
    scripted_service,
    verdict,
    writing,
)
from workbench.processes import PATIENCE, free_port
from workbench.prosody import HOST, Prosody, external

NAME = "ohg-kwtx"
SOON = 1.0  # seconds until the neighbour has answered

GONE = "is on a machine that is gone"
FROZEN = "is frozen"

# What the first service of the list does; None: nobody listens, or (GONE) no packet is answered.
FAILURES: dict[str, Behaviour | None] = {
    "is not there": None,
    GONE: None,
    FROZEN: hang,
    "closes without an answer": drop,
    "has no storage": writing(lambda _: http_answer(b'{"error":"storage"}', "503 Oops")),
    "refuses the token": writing(lambda _: http_answer(b'{"error":"token"}', "401 Oops")),
    "is no HTTP server": writing(lambda _: b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "answers another question": writing(lambda q: http_answer(verdict(q, "granted", request_id="other"))),
    "answers with 100 kB": writing(lambda q: http_answer(verdict(q, "granted") + b" " * 100_000)),
}


@contextlib.contextmanager
def unreachable_port() -> Iterator[int]:
    """Yields a port at which no connection is made nor refused, as on a machine that is gone."""
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        # Linux drops what comes to a full queue; nobody accepts, so it stays full.
        for _ in range(2):
            caller = open_sockets.enter_context(socket.socket())
            caller.settimeout(0)
            caller.connect_ex(("127.0.0.1", port))
        yield port


@contextlib.asynccontextmanager
async def failing_service(name: str, port: int) -> AsyncIterator[None]:
    """Fails on that port in that way, the feed too."""
    behaviour = FAILURES[name]
    if behaviour is None:
        yield
        return
    health = hang if name == FROZEN else behaviour
    feed = hang if name == FROZEN else _of_feed(behaviour)
    async with scripted_service(port, behaviour, feed, health):
        yield


def _of_feed(behaviour: Behaviour) -> Behaviour:
    # A question of the feed has no name and no number: the rubbish is about those of a login.
    async def behave(question: Question, writer: asyncio.StreamWriter) -> None:
        await behaviour({"request_id": "", "username": "", **question}, writer)

    return behave


def _host_of(failure: str) -> str:
    return f"{failure.lower().replace(' ', '-')}.test"


@pytest.fixture(name="failing", params=VERSIONS)
def start_prosody_of_many_hosts(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Prosody, dict[str, int], int]]:
    """Runs a Prosody with a host for each way; each asks a port of its own, then one that all share."""
    token = tmp_path / "token"
    token.write_text("t" * 64)
    with unreachable_port() as unreachable:
        ports = {name: unreachable if name == GONE else free_port() for name in FAILURES}
        living = free_port()
        hosts = {
            _host_of(name): external([f"http://127.0.0.1:{each}" for each in (port, living)], token)
            for name, port in ports.items()
        }
        prosody = Prosody(request.param, tmp_path, hosts)
        prosody.start()
        try:
            yield prosody, ports, living
        finally:
            prosody.stop()


@pytest.mark.realtime
@newer_first("failing")
async def test_a_login_reaches_the_neighbour_within_a_second(
    failing: tuple[Prosody, dict[str, int], int],
) -> None:
    """Also the first one, that finds the failure itself; nobody has asked those services before."""
    prosody, ports, living = failing
    async with contextlib.AsyncExitStack() as running:
        for name, port in ports.items():
            await running.enter_async_context(failing_service(name, port))
        asked = await running.enter_async_context(scripted_service(living, answering("granted")))
        clients = [
            await running.enter_async_context(make_client(prosody, "tcp", _host_of(name))) for name in ports
        ]

        async def timed(client_number: int) -> tuple[str, float]:
            started = time.monotonic()
            condition = (await clients[client_number].login(NAME, "x")).condition
            return condition, time.monotonic() - started

        told = dict(zip(ports, await asyncio.gather(*map(timed, range(len(clients)))), strict=True))

    assert {name: condition for name, (condition, _) in told.items() if condition != "success"} == {}
    assert {name: seconds for name, (_, seconds) in told.items() if seconds > SOON} == {}
    assert len(asked) == len(FAILURES)


class _Failing:
    """The first service of a list, whose feed is followed until it fails; its neighbour has the same feed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._failure: Behaviour | None = None
        self._answer: asyncio.Task[None] | None = None

    async def fail(self, failure: Behaviour) -> None:
        """Does that from now on, and to the question of the feed that is open."""
        self._failure = failure
        if self._answer is not None:
            self._answer.cancel()
            await asyncio.wait({self._answer})

    async def feed(self, question: Question, writer: asyncio.StreamWriter) -> None:
        """Answers the feed."""
        if self._failure is None:
            self._answer = asyncio.create_task(self._feed(question, writer))
            with contextlib.suppress(asyncio.CancelledError):
                await self._answer
        if self._failure is not None:
            await self._failure(question, writer)

    async def health(self, question: Question, writer: asyncio.StreamWriter) -> None:
        """Says that it lives, or fails."""
        await (self._failure or writing(lambda _: http_answer(b"{}")))(question, writer)


@pytest.fixture(name="pair", params=VERSIONS)
def start_prosody_of_two_services(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Prosody, int, int]]:
    """Runs a Prosody that asks on two ports, where nobody listens yet."""
    token = tmp_path / "token"
    token.write_text("t" * 64)
    first, second = free_port(), free_port()
    urls = [f"http://127.0.0.1:{port}" for port in (first, second)]
    prosody = Prosody(request.param, tmp_path, {HOST: external(urls, token)})
    prosody.start()
    yield prosody, first, second
    prosody.stop()


@pytest.mark.realtime
@newer_first("pair")
@pytest.mark.parametrize("failure", [hang, drop, FAILURES["has no storage"]], ids=["hang", "drop", "503"])
async def test_the_feed_moves_to_the_neighbour_within_a_second(
    pair: tuple[Prosody, int, int], failure: Behaviour
) -> None:
    """The service fails while the feed waits for news there, and nobody logs in."""
    _, first, second = pair
    feed = Feed()
    failing = _Failing(feed)
    async with (
        scripted_service(first, answering("granted"), failing.feed, failing.health),
        asyncio.timeout(PATIENCE),
    ):
        await feed.until_followed()
        async with scripted_service(second, answering("granted"), feed):
            await failing.fail(failure)
            failed = time.monotonic()
            await feed.report_of(feed.tell(("suspend", NAME)))
            assert time.monotonic() - failed <= SOON + 0.2  # the order is carried out, and reported


@pytest.mark.realtime
@newer_first("pair")
async def test_a_login_finds_the_neighbour_at_once_where_the_feed_has_noticed(
    pair: tuple[Prosody, int, int],
) -> None:
    """The feed's question is always open: it finds a frozen service before anybody logs in."""
    prosody, first, second = pair
    feed = Feed()
    failing = _Failing(feed)
    async with (
        scripted_service(first, hang, failing.feed, failing.health) as asked_in_vain,
        asyncio.timeout(PATIENCE),
    ):
        await feed.until_followed()
        async with scripted_service(second, answering("granted"), feed):
            await failing.fail(hang)
            await feed.report_of(feed.tell(("suspend", "ohg-zzzz")))
            async with make_client(prosody, "tcp") as client:
                started = time.monotonic()
                assert (await client.login(NAME, "x")).condition == "success"
                assert time.monotonic() - started < SOON / 2
        assert asked_in_vain == []
