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
    open_login_server,
)
from tests.support.scripted_service import (
    Behaviour,
    Question,
    answering,
    drop,
    hang,
    http_answer,
    scripted_service,
    verdict,
    writing,
)
from workbench.processes import free_port
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service

TIMEOUT = 2  # seconds that Prosody waits in these tests; 15 in production
TEMPORARY = "temporary-auth-failure"


@pytest.fixture(name="asking", params=VERSIONS)
def start_prosody(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Prosody, int]]:
    """A Prosody of its own that asks on a port where nobody listens yet."""
    with _running(request.param, tmp_path, timeout=TIMEOUT) as asking:
        yield asking


@pytest.fixture(name="patient", params=VERSIONS)
def start_patient_prosody(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Prosody, int]]:
    """Likewise; it waits for answers as long as can be set."""
    with _running(request.param, tmp_path, timeout=60) as asking:
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
    """The condition of one login, and the seconds it took."""
    started = time.monotonic()
    async with make_client(prosody, transport) as client:
        condition = (await client.login("ohg-kwtx", typed)).condition
        return condition, time.monotonic() - started


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(hang, id="never answers"),
        pytest.param(answering("granted", after=TIMEOUT + 5), id="grants too late"),
        pytest.param(drop, id="closes without an answer"),
        pytest.param(writing(lambda _: b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), id="is no HTTP server"),
        pytest.param(writing(lambda _: http_answer(b"granted")), id="answers with no JSON"),
        pytest.param(writing(lambda _: http_answer(b"{}")), id="answers with an empty object"),
        pytest.param(writing(lambda _: http_answer(b"[" * 5000)), id="answers with deep nesting"),
        pytest.param(
            writing(lambda q: http_answer(verdict(q, "granted", request_id="other"))),
            id="answers another question",
        ),
        pytest.param(
            writing(lambda q: http_answer(verdict(q, "granted", username="ohg-bbbb"))),
            id="answers about somebody else",
        ),
        pytest.param(writing(lambda q: http_answer(verdict(q, "yes"))), id="answers with an unknown verdict"),
        pytest.param(
            writing(lambda q: http_answer(verdict(q, "granted"), "500 Oops")), id="grants with status 500"
        ),
        pytest.param(
            writing(lambda q: http_answer(verdict(q, "granted"), "302 Found")), id="grants with a redirect"
        ),
        pytest.param(
            writing(lambda q: http_answer(verdict(q, "granted") + b" " * 100_000)), id="answers with 100 kB"
        ),
        pytest.param(
            writing(lambda q: http_answer(verdict(q, "granted"))[:-10]), id="breaks off amid the answer"
        ),
        pytest.param(
            writing(lambda q: http_answer(verdict(q, "granted")).partition(b"{")[0]),
            id="breaks off before the body",
        ),
        pytest.param(writing(lambda _: http_answer(b'{"error":"storage"}', "503 Oops")), id="has no storage"),
        pytest.param(
            writing(lambda _: http_answer(b'{"error":"token"}', "401 Oops")), id="refuses the token"
        ),
        pytest.param(answering("locked"), id="says wait"),
        pytest.param(answering("unavailable"), id="says it cannot tell"),
    ],
)
async def test_a_service_that(asking: tuple[Prosody, int], behaviour: Behaviour) -> None:
    """… is an outage on every transport, told within the time-out."""
    prosody, port = asking

    async with scripted_service(port, behaviour):
        told = await asyncio.gather(*(timed_login(prosody, transport) for transport in TRANSPORTS))

    assert [condition for condition, _ in told] == [TEMPORARY] * 3
    assert max(seconds for _, seconds in told) < TIMEOUT + 1


async def test_a_dead_service_is_an_outage_and_its_return_is_noticed_at_once(
    asking: tuple[Prosody, int],
) -> None:
    """Nobody listens; then somebody does."""
    prosody, port = asking

    told = await asyncio.gather(*(timed_login(prosody, transport) for transport in TRANSPORTS))
    assert [condition for condition, _ in told] == [TEMPORARY] * 3
    assert max(seconds for _, seconds in told) < TIMEOUT + 1

    async with scripted_service(port, answering("granted")):
        assert (await timed_login(prosody, "tcp"))[0] == "success"


async def test_a_login_waits_for_a_service_that_comes_back(patient: tuple[Prosody, int]) -> None:
    """A restart within a second loses no login: it is asked again until somebody answers."""
    prosody, port = patient
    waiting = [asyncio.ensure_future(timed_login(prosody, transport)) for transport in TRANSPORTS]
    await asyncio.sleep(1)

    async with scripted_service(port, answering("granted")):
        assert [condition for condition, _ in await asyncio.gather(*waiting)] == ["success"] * 3


async def test_a_hanging_service_is_given_a_rest_and_then_tried_again(asking: tuple[Prosody, int]) -> None:
    """After three time-outs in a row the fourth is told at once; five seconds later one asks again."""
    prosody, port = asking
    async with scripted_service(port, hang) as questions:
        hung = await asyncio.gather(*(timed_login(prosody, "tcp") for _ in range(3)))
        assert min(seconds for _, seconds in hung) > TIMEOUT - 0.2
        condition, seconds = await timed_login(prosody, "tcp")
        assert (condition, len(questions)) == (TEMPORARY, 3)
        assert seconds < TIMEOUT / 2

    async with scripted_service(port, answering("granted")):
        deadline = time.monotonic() + 7
        while (await timed_login(prosody, "tcp"))[0] != "success":
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
        assert (await timed_login(prosody, "tcp"))[0] == "success"


async def test_the_question_says_what_it_should(asking: tuple[Prosody, int]) -> None:
    """How long it may take, over which transport, and no address that nobody vouched for."""
    prosody, port = asking
    async with scripted_service(port, answering("refused")) as questions:
        for transport in TRANSPORTS:
            await timed_login(prosody, transport, "Paß wort")

    assert [question["transport"] for question in questions] == list(TRANSPORTS)
    assert [question.get("ip") for question in questions] == ["127.0.0.1", None, None]
    assert {question["username"] for question in questions} == {"ohg-kwtx"}
    assert {question["password"] for question in questions} == {"Paß wort"}
    assert all(TIMEOUT - 1 < question["within"] <= TIMEOUT - 0.5 for question in questions)
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
    """Somebody holds the database: an outage within the 15 s; released, all is well again."""
    organiser = login_server.organisers.active
    with contextlib.closing(sqlite3.connect(login_server.service.folder / "authbridge.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        told = await asyncio.gather(
            *(
                login(login_server.prosody, transport, organiser.username, organiser.password)
                for transport in TRANSPORTS
            )
        )
        assert told == [TEMPORARY] * 3
        assert time.monotonic() - started < 15

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
