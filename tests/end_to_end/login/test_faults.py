"""Whatever is wrong behind Prosody, the client is told "temporary" in time, and never "wrong password"."""

import asyncio
import contextlib
import resource
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.login_server import (
    TRANSPORTS,
    VERSIONS,
    LoginServer,
    login,
    make_client,
    newer_first,
    open_login_server,
)
from tests.support.scripted_service import (
    Behaviour,
    Question,
    answering,
    drop,
    hang,
    http_answer,
    older,
    scripted_service,
    verdict,
    writing,
)
from workbench.processes import PATIENCE, free_port
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service
from workbench.xmpp import Client

TIMEOUT = 2  # seconds that Prosody waits in most of these tests; 15 in production
LONGEST_TIMEOUT = 60  # seconds; the most that can be set
TEMPORARY = "temporary-auth-failure"

# What a service may do instead of giving a proper answer; None: nobody listens.
FAILURES: dict[str, Behaviour | None] = {
    "is not there": None,
    "never answers": hang,
    "grants too late": answering("granted", after=TIMEOUT + 5),
    "closes without an answer": drop,
    "is no HTTP server": writing(lambda _: b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "answers with no JSON": writing(lambda _: http_answer(b"granted")),
    "answers with an empty object": writing(lambda _: http_answer(b"{}")),
    "answers with deep nesting": writing(lambda _: http_answer(b"[" * 5000)),
    "answers another question": writing(lambda q: http_answer(verdict(q, "granted", request_id="other"))),
    "answers about somebody else": writing(lambda q: http_answer(verdict(q, "granted", username="ohg-bbbb"))),
    "answers with an unknown verdict": writing(lambda q: http_answer(verdict(q, "yes"))),
    "grants with status 500": writing(lambda q: http_answer(verdict(q, "granted"), "500 Oops")),
    "grants with a redirect": writing(lambda q: http_answer(verdict(q, "granted"), "302 Found")),
    "answers with 100 kB": writing(lambda q: http_answer(verdict(q, "granted") + b" " * 100_000)),
    "breaks off amid the answer": writing(lambda q: http_answer(verdict(q, "granted"))[:-10]),
    "breaks off before the body": writing(lambda q: http_answer(verdict(q, "granted")).partition(b"{")[0]),
    "has no storage": writing(lambda _: http_answer(b'{"error":"storage"}', "503 Oops")),
    "refuses the token": writing(lambda _: http_answer(b'{"error":"token"}', "401 Oops")),
    "says wait": answering("locked"),
    "says it cannot tell": answering("unavailable"),
}


@pytest.fixture(name="asking", params=VERSIONS)
def start_prosody(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Prosody, int]]:
    """A Prosody of its own that asks on a port where nobody listens yet."""
    with _running(request.param, tmp_path, timeout=TIMEOUT) as asking:
        yield asking


@pytest.fixture(name="patient", params=VERSIONS)
def start_patient_prosody(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Prosody, int]]:
    """Likewise; it waits for answers as long as can be set."""
    with _running(request.param, tmp_path, timeout=LONGEST_TIMEOUT) as asking:
        yield asking


@contextlib.contextmanager
def _running(version: str, folder: Path, *, timeout: int) -> Iterator[tuple[Prosody, int]]:
    token = folder / "token"
    token.write_text("t" * 64)
    port = free_port()
    options = external(f"http://127.0.0.1:{port}", token, external_auth_timeout=timeout)
    prosody = Prosody(version, folder, {HOST: options})
    prosody.start()
    try:
        yield prosody, port
    finally:
        prosody.stop()


async def timed_login(prosody: Prosody, transport: str, typed: str = "x") -> tuple[str, float]:
    """Returns the condition of one login on a stream of its own, and the seconds that its answer took."""
    async with make_client(prosody, transport) as client:
        return await timed_answer(client, typed)


async def timed_answer(client: Client, typed: str = "x") -> tuple[str, float]:
    """Returns the condition of one login on that stream, and the seconds that its answer took."""
    started = time.monotonic()
    condition = (await client.login("ohg-kwtx", typed)).condition
    return condition, time.monotonic() - started


@pytest.fixture(name="failing", params=VERSIONS)
def start_prosody_of_many_hosts(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Prosody, dict[str, int]]]:
    """Runs a Prosody with a host for each kind of failure; each host asks on a port of its own."""
    token = tmp_path / "token"
    token.write_text("t" * 64)
    ports = {name: free_port() for name in FAILURES}
    hosts = {
        _host_of(name): external(f"http://127.0.0.1:{port}", token, external_auth_timeout=TIMEOUT)
        for name, port in ports.items()
    }
    prosody = Prosody(request.param, tmp_path, hosts)
    prosody.start()
    try:
        yield prosody, ports
    finally:
        prosody.stop()


def _host_of(failure: str) -> str:
    return f"{failure.lower().replace(' ', '-')}.test"


@pytest.mark.realtime
@newer_first("failing")
async def test_a_service_that_fails_is_an_outage_that_is_told_in_time(
    failing: tuple[Prosody, dict[str, int]],
) -> None:
    """Whatever is wrong with the answer, on every transport, within the time-out."""
    prosody, ports = failing
    logins = [(name, transport) for name in FAILURES for transport in TRANSPORTS]
    async with contextlib.AsyncExitStack() as running:
        for name, behaviour in FAILURES.items():
            if behaviour is not None:
                await running.enter_async_context(scripted_service(ports[name], behaviour))
        clients = [
            await running.enter_async_context(make_client(prosody, transport, _host_of(name)))
            for name, transport in logins
        ]
        ended = await asyncio.gather(*map(timed_answer, clients))

    told = dict(zip(logins, ended, strict=True))
    assert {login: condition for login, (condition, _) in told.items() if condition != TEMPORARY} == {}
    assert {login: seconds for login, (_, seconds) in told.items() if seconds >= TIMEOUT + 1} == {}


async def test_a_dead_service_is_an_outage_and_its_return_is_noticed_at_once(
    patient: tuple[Prosody, int],
) -> None:
    """Nobody listens; then somebody does."""
    prosody, port = patient

    told = await asyncio.gather(*(timed_login(prosody, transport) for transport in TRANSPORTS))
    assert [condition for condition, _ in told] == [TEMPORARY] * 3

    async with scripted_service(port, answering("granted")):
        assert (await timed_login(prosody, "tcp"))[0] == "success"


@pytest.mark.realtime
@newer_first("patient")
async def test_a_login_waits_for_a_service_that_comes_back(patient: tuple[Prosody, int]) -> None:
    """A restart within a second loses no login: it is asked again until somebody answers."""
    prosody, port = patient
    waiting = [asyncio.ensure_future(timed_login(prosody, transport)) for transport in TRANSPORTS]
    await asyncio.sleep(1)

    async with scripted_service(port, answering("granted")):
        assert [condition for condition, _ in await asyncio.gather(*waiting)] == ["success"] * 3


async def test_a_service_whose_logins_hang_is_given_a_rest(asking: tuple[Prosody, int]) -> None:
    """After three time-outs in a row Prosody asks no more, until the service shows that it lives."""
    prosody, port = asking
    polled = asyncio.Event()

    async def note(question: Question, writer: asyncio.StreamWriter) -> None:
        await older(question, writer)
        polled.set()

    async with scripted_service(port, hang, feed=note, health=hang) as questions:
        async with asyncio.timeout(PATIENCE):
            await polled.wait()  # later its answer would be a sign of life
        hung = await asyncio.gather(*(timed_login(prosody, "tcp") for _ in range(3)))
        assert min(seconds for _, seconds in hung) > TIMEOUT - 0.2
        condition, _ = await timed_login(prosody, "tcp")
        assert (condition, len(questions)) == (TEMPORARY, 3)

    async with scripted_service(port, answering("granted")):
        await until_granted(prosody)


@pytest.mark.realtime
@newer_first("patient")
async def test_a_frozen_service_and_its_return_are_noticed(
    patient: tuple[Prosody, int],
) -> None:
    """Those who wait are told within 3 s, the next at once; soon after it lives again, logins are granted."""
    prosody, port = patient
    frozen = asyncio.Event()

    async def thaw(question: Question, writer: asyncio.StreamWriter) -> None:
        await frozen.wait()
        writer.write(http_answer(b"{}" if question == {} else verdict(question, "granted")))

    async with scripted_service(port, thaw, health=thaw):
        told = await asyncio.gather(*(timed_login(prosody, transport) for transport in TRANSPORTS))
        assert {condition for condition, _ in told} == {TEMPORARY}
        assert min(seconds for _, seconds in told) > 2.9
        assert max(seconds for _, seconds in told) <= 3.5
        condition, seconds = await timed_login(prosody, "tcp")
        assert condition == TEMPORARY
        assert seconds < 0.5

        await asyncio.sleep(2)
        frozen.set()
        started = time.monotonic()
        await until_granted(prosody)
        assert time.monotonic() - started <= 0.5


@pytest.mark.realtime
@pytest.mark.parametrize("patient", VERSIONS[:1], indirect=True)
async def test_a_slow_service_that_lives_is_waited_for(patient: tuple[Prosody, int]) -> None:
    """A cold school bell waits for hashes, not for a frozen service."""
    prosody, port = patient
    async with scripted_service(port, answering("granted", after=4)):
        assert (await timed_login(prosody, "tcp"))[0] == "success"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_frozen_service_has_a_neighbour(version: str, tmp_path: Path) -> None:
    """The login that waited for the frozen one gets in through the other."""
    token = tmp_path / "token"
    token.write_text("t" * 64)
    frozen, living = free_port(), free_port()
    urls = [f"http://127.0.0.1:{port}" for port in (frozen, living)]
    options = external(urls, token, external_auth_timeout=LONGEST_TIMEOUT)
    prosody = Prosody(version, tmp_path, {HOST: options})
    with contextlib.ExitStack() as running:
        running.callback(prosody.stop)
        prosody.start()
        async with (
            scripted_service(frozen, hang, health=hang) as asked_in_vain,
            scripted_service(living, answering("granted")) as asked,
        ):
            assert await login(prosody, "tcp", "ohg-kwtx", "x") == "success"
            assert await login(prosody, "tcp", "ohg-kwtx", "x") == "success"
            assert (len(asked_in_vain), len(asked)) == (1, 2)


async def until_granted(prosody: Prosody) -> None:
    """Returns when a login is granted."""
    deadline = time.monotonic() + PATIENCE
    while (await timed_login(prosody, "tcp"))[0] != "success":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_the_question_says_what_it_should(patient: tuple[Prosody, int]) -> None:
    """How long it may take, over which transport, and no address that nobody vouched for."""
    prosody, port = patient
    async with scripted_service(port, answering("refused")) as questions:
        for transport in TRANSPORTS:
            await timed_login(prosody, transport, "Paß wort")

    assert [question["transport"] for question in questions] == list(TRANSPORTS)
    assert [question.get("ip") for question in questions] == ["127.0.0.1", None, None]
    assert {question["username"] for question in questions} == {"ohg-kwtx"}
    assert {question["password"] for question in questions} == {"Paß wort"}
    assert all(LONGEST_TIMEOUT / 2 < question["within"] <= LONGEST_TIMEOUT - 0.5 for question in questions)
    assert len({question["request_id"] for question in questions}) == 3
    agents = [question.get("user_agent") for question in questions]
    assert agents[0] is None
    assert all(agent is not None and agent.startswith("Python/") for agent in agents[1:])


async def test_a_bystander_is_not_held_up(patient: tuple[Prosody, int]) -> None:
    """While fifty logins wait for a slow service, everybody else's XMPP goes on: none waits for even one."""
    prosody, port = patient
    may_answer = asyncio.Event()

    async def dawdle(question: Question, writer: asyncio.StreamWriter) -> None:
        await may_answer.wait()
        writer.write(http_answer(verdict(question, "refused")))

    async with contextlib.AsyncExitStack() as bystanders:
        async with scripted_service(port, answering("granted")):
            clients = [
                await bystanders.enter_async_context(make_client(prosody, transport))
                for transport in TRANSPORTS
            ]
            for number, client in enumerate(clients):
                assert (await client.login(f"ohg-bystander{number}", "x")).condition == "success"
                await client.bind()
        async with scripted_service(port, dawdle) as questions:
            waiting = asyncio.gather(*(login(prosody, "tcp", "ohg-kwtx", "x") for _ in range(50)))
            # Were one of these held up, it would be until the logins have timed out.
            while len(questions) < 50:
                await asyncio.gather(*(client.ping() for client in clients))
            for _ in range(10):
                await asyncio.gather(*(client.ping() for client in clients))
            may_answer.set()
            assert set(await waiting) == {"not-authorized"}


@pytest.fixture(name="login_server", params=VERSIONS)
def run_login_server(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path
) -> Iterator[LoginServer]:
    """A service over a SQLite file of its own, and a Prosody that asks it."""
    with open_login_server(request.param, tmp_path, sqlite_template, bcrypt_cost=4) as login_server:
        yield login_server


async def test_a_locked_database_lets_nobody_in(login_server: LoginServer) -> None:
    """Somebody holds the database: the service itself tells of the outage; released, all is well again."""
    organiser = login_server.organisers.active
    with contextlib.closing(sqlite3.connect(login_server.service.folder / "authbridge.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        told = await asyncio.gather(
            *(
                login(login_server.prosody, transport, organiser.username, organiser.password)
                for transport in TRANSPORTS
            )
        )
        assert told == [TEMPORARY] * 3
    lines = [line for line in login_server.prosody.log.read_text().splitlines() if "\tLogin " in line]
    assert ["the service cannot reach its storage" in line for line in lines] == [True] * 3

    assert await login(login_server.prosody, "tcp", organiser.username, organiser.password) == "success"


async def test_a_full_disk_lets_nobody_in(login_server: LoginServer) -> None:
    """Files that cannot grow are an outage, for right and wrong passwords alike; with room, all is well."""
    organiser = login_server.organisers.active
    assert await login(login_server.prosody, "tcp", organiser.username, organiser.password) == "success"

    _limit_file_size(login_server.service, 1024)
    try:
        for transport in TRANSPORTS:
            for typed in (organiser.password, "wrong"):
                assert await login(login_server.prosody, transport, organiser.username, typed) == TEMPORARY
    finally:
        _limit_file_size(login_server.service, resource.RLIM_INFINITY)

    assert await login(login_server.prosody, "tcp", organiser.username, organiser.password) == "success"


def _limit_file_size(service: Service, size: int) -> None:
    main = service.process.pid
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    for pid in (main, *map(int, children)):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
