"""What the feed tells is carried out at once, on every transport; a feed that fails harms nobody."""

import asyncio
import contextlib
import json
import re
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.login_server import NEWER, TRANSPORTS, VERSIONS, login, make_client, newer_first
from tests.support.scripted_service import (
    Behaviour,
    Feed,
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
from workbench.xmpp import Client, ConnectionEndedError, Outcome

NAME = "ohg-kwtx"
TWO_DAYS = 172_800  # seconds
AT_ONCE = 1.0  # seconds; it takes some milliseconds
SUSPENDED = "not-authorized"
SIGNED_OUT = "reset"
SMACKS = "urn:xmpp:sm:3"

Asking = tuple[Prosody, int]
Result = TypeVar("Result")


def make_prosody(version: str, folder: Path, *ports: int) -> Prosody:
    """A Prosody that asks on those ports, where nobody listens yet."""
    token = folder / "token"
    token.write_text("t" * 64)
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    options = external(urls, token)
    return Prosody(version, folder, {HOST: options}, extra_modules=("admin_shell", "presence", "smacks"))


@pytest.fixture(name="asking", scope="module", params=VERSIONS)
def start_prosody(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asking]:
    """A Prosody for all stories whose feed is in order."""
    port = free_port()
    prosody = make_prosody(request.param, tmp_path_factory.mktemp("prosody"), port)
    prosody.start()
    yield prosody, port
    prosody.stop()


@pytest.fixture(name="lonely", params=VERSIONS)
def start_prosody_alone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Asking]:
    """A Prosody for one story alone."""
    port = free_port()
    prosody = make_prosody(request.param, tmp_path, port)
    prosody.start()
    yield prosody, port
    prosody.stop()


@pytest.fixture(name="name")
def draw_name() -> str:
    """An organiser whom no story before has known: over BOSH a client that left is there for a minute."""
    return f"ohg-{secrets.token_hex(4)}"


@pytest.fixture(name="other")
def draw_other() -> str:
    """Another one."""
    return f"gsw-{secrets.token_hex(4)}"


@contextlib.asynccontextmanager
async def following(port: int, feed: Feed, behaviour: Behaviour | None = None) -> AsyncIterator[None]:
    """A service that grants, whose feed is followed already."""
    async with scripted_service(port, behaviour or answering("granted"), feed):
        await within(PATIENCE, feed.until_followed())
        yield


async def within(seconds: float, happening: Awaitable[Result]) -> Result:
    """What comes of it, in time."""
    async with asyncio.timeout(seconds):
        return await happening


@contextlib.asynccontextmanager
async def logged_in(prosody: Prosody, username: str, *transports: str) -> AsyncIterator[list[Client]]:
    """Clients of that organiser, logged in and bound."""
    async with contextlib.AsyncExitStack() as clients:
        entered = [
            await clients.enter_async_context(make_client(prosody, transport)) for transport in transports
        ]
        for client in entered:
            assert (await client.login(username, "x")).condition == "success"
            await client.bind()
        yield entered


async def listen(clients: list[Client]) -> "asyncio.Future[list[Outcome]]":
    """How their streams end; each waits for it already, over BOSH with a request."""
    ends = asyncio.gather(*(client.await_end() for client in clients))
    await asyncio.sleep(0.1)
    return ends


async def conditions(ends: "asyncio.Future[list[Outcome]]") -> list[str]:
    """Returns the conditions with which they end."""
    return [end.condition for end in await within(PATIENCE, ends)]


@pytest.mark.realtime
@newer_first("asking")
@pytest.mark.parametrize(("action", "condition"), [("suspend", SUSPENDED), ("end_sessions", SIGNED_OUT)])
async def test_sessions_end_at_once_on_every_transport(
    asking: Asking, action: str, condition: str, name: str, other: str
) -> None:
    """Each client is told in German and English, the report counts them, and others notice nothing."""
    prosody, port = asking
    feed = Feed()
    async with (
        following(port, feed),
        logged_in(prosody, name, *TRANSPORTS) as clients,
        logged_in(prosody, other, *TRANSPORTS) as others,
    ):
        listening = await listen(clients)
        event = feed.tell((action, name))
        ends = await within(AT_ONCE, listening)
        report = await within(AT_ONCE, feed.report_of(event))
        await within(AT_ONCE, asyncio.gather(*(client.ping() for client in others)))

    assert [end.condition for end in ends] == [condition] * 3
    assert all("Dieser Zugang" in str(end.text) and "This access" in str(end.text) for end in ends)
    assert report == {"id": event, "sessions": 3, "meetings": 0, "logins": 0, "waiting": 0}


async def test_who_is_authenticated_and_not_bound_is_out_too(asking: Asking, name: str) -> None:
    """Such sessions are in no table of Prosody's."""
    prosody, port = asking
    feed = Feed()
    async with following(port, feed), contextlib.AsyncExitStack() as clients:
        entered = [await clients.enter_async_context(make_client(prosody, each)) for each in TRANSPORTS]
        for client in entered:
            assert (await client.login(name, "x")).condition == "success"
            await client.reopen()
        ends = await listen(entered)
        event = feed.tell(("suspend", name))
        assert await conditions(ends) == [SUSPENDED] * 3
        assert (await within(PATIENCE, feed.report_of(event)))["sessions"] == 3


@pytest.mark.parametrize("transport", ["tcp", "websocket"])
async def test_a_hibernating_session_cannot_be_resumed(
    asking: Asking, transport: str, name: str, other: str
) -> None:
    """Its connection is gone and it waits under mod_smacks; 0.12.3 would keep it for ever."""
    prosody, port = asking
    feed = Feed()
    async with following(port, feed), logged_in(prosody, other, "tcp") as [bystander]:
        async with logged_in(prosody, name, transport) as [client]:
            await client.send(f"<enable xmlns='{SMACKS}' resume='true'/>")
            token = (await within(PATIENCE, client.receive())).get("id")
            assert token
        await _until_hibernating(prosody, name)

        event = feed.tell(("end_sessions", name))
        assert (await within(PATIENCE, feed.report_of(event)))["sessions"] == 1
        await bystander.ping()
        assert name not in await asyncio.to_thread(prosody.shell, "c2s", "show")

        async with make_client(prosody, transport) as client:
            assert (await client.login(name, "x")).condition == "success"
            await client.reopen()
            await client.send(f"<resume xmlns='{SMACKS}' previd='{token}' h='0'/>")
            assert (await within(PATIENCE, client.receive())).tag == f"{{{SMACKS}}}failed"


async def _until_hibernating(prosody: Prosody, name: str) -> None:
    """Prosody has noticed that the client left."""
    deadline = time.monotonic() + PATIENCE
    while not re.search(f"{name}.*hibernating", await asyncio.to_thread(prosody.shell, "c2s", "show")):
        assert time.monotonic() < deadline


async def test_others_are_not_told_that_it_was_a_suspension(asking: Asking, name: str, other: str) -> None:
    """The presence that says that somebody has left names no cause (over BOSH it never does)."""
    prosody, port = asking
    feed = Feed()
    async with (
        following(port, feed),
        logged_in(prosody, other, "tcp") as [bystander],
        logged_in(prosody, name, "tcp", "websocket") as clients,
    ):
        await bystander.send("<presence/>")
        to = (await within(PATIENCE, bystander.receive())).get("from")
        for client in clients:
            await client.send(f"<presence xmlns='jabber:client' to='{to}'/>")
            await within(PATIENCE, bystander.receive())
        feed.tell(("suspend", name))
        told = [await within(PATIENCE, bystander.receive()) for _ in clients]

    assert [each.get("type") for each in told] == ["unavailable"] * 2
    statuses = {text for each in told for text in each.itertext()}
    assert statuses <= {"Disconnected: session ended", "Disconnected: stream:error"}


@pytest.mark.parametrize(
    ("orders", "condition"),
    [
        pytest.param(["suspend"], "account-disabled", id="suspended"),
        pytest.param(["end_sessions"], "temporary-auth-failure", id="signed out"),
        pytest.param(["suspend", "reinstate"], "temporary-auth-failure", id="suspended and reinstated"),
    ],
)
async def test_a_login_that_is_being_checked_meanwhile_is_refused(
    asking: Asking, orders: list[str], condition: str, name: str, other: str
) -> None:
    """Whatever the service granted before; who tries again on the same stream is checked anew."""
    prosody, port = asking
    feed = Feed()

    async def overtaken(question: Question, writer: asyncio.StreamWriter) -> None:
        if question["username"] == name and question["password"] == "overtaken":
            await feed.report_of(feed.tell(*((order, name) for order in orders)))
        writer.write(http_answer(verdict(question, "granted")))

    async with following(port, feed, overtaken):
        for transport in TRANSPORTS:
            async with make_client(prosody, transport) as client:
                assert (await client.login(other, "x")).condition == "success"
            async with make_client(prosody, transport) as client:
                assert (await client.login(name, "overtaken")).condition == condition
                assert (await client.login(name, "x")).condition == "success"
                assert (await client.bind()).startswith(name)


async def test_the_service_knows_of_a_reinstatement_before_the_feed_does(asking: Asking, name: str) -> None:
    """A login that it grants although the feed still tells of a suspension counts."""
    prosody, port = asking
    feed = Feed([{"username": name, "suspended": True, "sessions_end_before": None}])
    async with following(port, feed), logged_in(prosody, name, *TRANSPORTS) as clients:
        for client in clients:
            await client.ping()


async def test_after_a_reinstatement_all_is_as_ever(asking: Asking, name: str) -> None:
    """Suspended, out; reinstated, in."""
    prosody, port = asking
    feed = Feed()
    async with following(port, feed):
        async with logged_in(prosody, name, *TRANSPORTS) as clients:
            ends = await listen(clients)
            feed.tell(("suspend", name))
            assert await conditions(ends) == [SUSPENDED] * 3
        await within(PATIENCE, feed.report_of(feed.tell(("reinstate", name))))
        async with logged_in(prosody, name, *TRANSPORTS) as clients:
            for client in clients:
                await client.ping()


async def test_a_snapshot_ends_what_began_before_and_nothing_later(
    asking: Asking, name: str, other: str
) -> None:
    """Another epoch, as after a restored backup: suspended names go, old sessions go, later ones stay."""
    prosody, port = asking
    feed = Feed()
    async with (
        following(port, feed),
        logged_in(prosody, name, *TRANSPORTS) as old,
        logged_in(prosody, other, "tcp") as suspended,
    ):
        moment = time.time()
        async with logged_in(prosody, name, *TRANSPORTS) as later:
            feed.snapshot = [
                {"username": name, "suspended": False, "sessions_end_before": moment},
                {"username": other, "suspended": True, "sessions_end_before": None},
                {"username": "ohg-nobody", "suspended": True, "sessions_end_before": None},
            ]
            old_end, suspended_end = await listen(old), await listen(suspended)
            feed.epoch = uuid.uuid4().hex
            feed.tell(("reinstate", "ohg-nobody"))  # ends the poll under way; its answer is of another epoch
            assert await conditions(old_end) == [SIGNED_OUT] * 3
            assert await conditions(suspended_end) == [SUSPENDED]
            await asyncio.gather(*(client.ping() for client in later))


async def test_what_happened_while_the_service_was_away_is_caught_up(asking: Asking, name: str) -> None:
    """The set and the sessions stay as they are, and the events come with the next contact."""
    prosody, port = asking
    feed = Feed()
    async with logged_in_while(prosody, port, feed, name) as clients:
        listening = await listen(clients)
        await asyncio.sleep(2)
        event = feed.tell(("suspend", name))
        async with scripted_service(port, answering("granted"), feed):
            ends = await within(PATIENCE, listening)
            assert [end.condition for end in ends] == [SUSPENDED] * 3
            assert (await within(PATIENCE, feed.report_of(event)))["sessions"] == 3


@contextlib.asynccontextmanager
async def logged_in_while(prosody: Prosody, port: int, feed: Feed, name: str) -> AsyncIterator[list[Client]]:
    """Clients whose service is gone once they are in."""
    async with contextlib.AsyncExitStack() as clients:
        async with following(port, feed):
            entered = await clients.enter_async_context(logged_in(prosody, name, *TRANSPORTS))
        yield entered


@pytest.mark.realtime
@newer_first("asking")
async def test_a_long_list_of_events_is_reported_in_parts(asking: Asking) -> None:
    """A question has 8 KiB: the reports of 250 events come at once, 32 in each."""
    _, port = asking
    feed = Feed()
    async with following(port, feed):
        last = feed.tell(*(("suspend", f"ohg-{number}") for number in range(250)))
        await within(AT_ONCE, feed.report_of(last))

    reports = [len(poll["done"]) for poll in feed.polls if "done" in poll and poll["epoch"] == feed.epoch]
    assert reports == [*(32,) * 7, 26]


@pytest.mark.parametrize(
    "ahead", [0, pytest.param(-TWO_DAYS, id="behind"), pytest.param(TWO_DAYS, id="ahead")]
)
async def test_a_reload_of_the_module_follows_anew(
    asking: Asking, name: str, other: str, ahead: float
) -> None:
    """One poll ends, one begins with a snapshot; sessions of before are known to it, by whatever clock."""
    prosody, port = asking
    feed = Feed(ahead=ahead)
    async with (
        following(port, feed),
        logged_in(prosody, name, *TRANSPORTS) as clients,
        logged_in(prosody, other, *TRANSPORTS) as later,
    ):
        feed.snapshot = [{"username": name, "suspended": False, "sessions_end_before": time.time() + ahead}]
        ends, later_ends = await listen(clients), await listen(later)
        feed.polls.clear()
        await asyncio.to_thread(prosody.shell, "module", "reload", "auth_external", HOST)
        assert await conditions(ends) == [SIGNED_OUT] * 3
        await within(PATIENCE, feed.until_followed())
        assert ("epoch" in feed.polls[0], feed.open_polls) == (False, 1)
        feed.tell(("suspend", other))
        assert await conditions(later_ends) == [SUSPENDED] * 3
        assert await login(prosody, "tcp", name, "x") == "success"

    assert not [trouble for trouble in troubles(prosody) if "No news of suspensions" not in trouble]


async def test_who_was_not_bound_before_a_reload_cannot_bind_after_a_suspension(
    asking: Asking, name: str
) -> None:
    """The module that follows now has taken those logins over, and ends them at once."""
    prosody, port = asking
    feed = Feed()
    async with following(port, feed), contextlib.AsyncExitStack() as clients:
        entered = [await clients.enter_async_context(make_client(prosody, each)) for each in TRANSPORTS]
        for client in entered:
            assert (await client.login(name, "x")).condition == "success"
        feed.snapshot = [{"username": name, "suspended": True, "sessions_end_before": None}]
        feed.polls.clear()
        await asyncio.to_thread(prosody.shell, "module", "reload", "auth_external", HOST)
        await within(PATIENCE, feed.until_followed())
        for client in entered:
            with pytest.raises((ConnectionEndedError, ConnectionError)):
                await client.bind()


async def test_a_neighbour_is_followed_when_a_service_is_gone(tmp_path: Path, name: str) -> None:
    """With two addresses the second takes over at once, at the same place in the feed."""
    first, second = free_port(), free_port()
    prosody = make_prosody(NEWER, tmp_path, first, second)
    prosody.start()
    feed = Feed()
    try:
        async with scripted_service(second, answering("granted"), feed):
            async with following(first, feed), logged_in(prosody, name, *TRANSPORTS) as clients:
                ends = await listen(clients)
                event = feed.tell(("end_sessions", name))
                assert await conditions(ends) == [SIGNED_OUT] * 3
                await feed.report_of(event)
            async with logged_in(prosody, name, *TRANSPORTS) as clients:
                ends = await listen(clients)
                feed.tell(("suspend", name))
                assert await conditions(ends) == [SUSPENDED] * 3
    finally:
        prosody.stop()
    assert sum("epoch" not in poll for poll in feed.polls) == 1


def always(answer: dict[str, object]) -> Behaviour:
    """Answers every poll alike, and at once."""
    return writing(lambda _: http_answer(json.dumps(answer).encode()))


def events(*orders: dict[str, object]) -> Behaviour:
    """A snapshot at first contact, then always these events."""

    def answer(question: Question) -> bytes:
        body: dict[str, object] = {"epoch": "e", "cursor": 0, "snapshot": []}
        if question.get("epoch") == "e":
            body = {"epoch": "e", "cursor": 9, "events": list(orders)}
        return http_answer(json.dumps(body).encode())

    return writing(answer)


SUSPEND = {"id": 9, "username": NAME, "action": "suspend"}

MISBEHAVIOURS: list[Callable[[], Behaviour]] = [
    lambda: hang,
    lambda: drop,
    lambda: writing(lambda _: b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    lambda: writing(lambda _: http_answer(b"{}")),
    lambda: writing(lambda _: http_answer(b"[" * 5000)),
    lambda: writing(lambda _: http_answer(b" " * 5_000_000)),
    lambda: writing(lambda _: http_answer(b'{"error":"token"}', "401 Oops")),
    lambda: writing(lambda _: http_answer(b'{"error":"malformed"}', "400 Oops")),
    lambda: writing(lambda _: http_answer(b'{"error":"storage"}', "503 Oops")),
    lambda: writing(
        lambda _: http_answer(json.dumps({"epoch": "e", "cursor": 9, "events": [SUSPEND]}).encode())
    ),
    lambda: writing(
        lambda _: http_answer(json.dumps({"epoch": "e", "cursor": 9, "snapshot": [SUSPEND]}).encode())
    ),
    lambda: events(SUSPEND, SUSPEND),
    lambda: events({**SUSPEND, "username": 5}),
    lambda: events(SUSPEND, {**SUSPEND, "id": 10, "action": "promote"}),
    lambda: always({"epoch": "e", "cursor": 0, "events": [], "snapshot": []}),
    events,
    lambda: older,
]


async def test_a_feed_that_fails_harms_nobody(lonely: Asking) -> None:
    """Whatever it answers: sessions stay, logins work, and it is not asked without a pause."""
    prosody, port = lonely
    asked: list[Question] = []

    def counted(behaviour: Behaviour) -> Behaviour:
        async def behave(question: Question, writer: asyncio.StreamWriter) -> None:
            asked.append(question)
            await behaviour(question, writer)

        return behave

    async with contextlib.AsyncExitStack() as stack:
        async with scripted_service(port, answering("granted"), Feed()):
            clients = await stack.enter_async_context(logged_in(prosody, NAME, *TRANSPORTS))
        for make in MISBEHAVIOURS:
            asked.clear()
            async with scripted_service(port, answering("granted"), counted(make())):
                for transport in TRANSPORTS:
                    assert await login(prosody, transport, NAME, "x") == "success"
                await asyncio.gather(*(client.ping() for client in clients))
                await asyncio.sleep(0.5)
            assert len(asked) < 10

    assert not [trouble for trouble in troubles(prosody) if "No news of suspensions" not in trouble]
    assert len(troubles(prosody)) < len(MISBEHAVIOURS)


async def test_a_service_without_a_feed_is_asked_rarely_and_told_of_once(lonely: Asking) -> None:
    """Logins are as ever, and one line of the log says what is missing."""
    prosody, port = lonely
    polls: list[Question] = []
    polled = asyncio.Event()

    async def count(question: Question, writer: asyncio.StreamWriter) -> None:
        polls.append(question)
        polled.set()
        await older(question, writer)

    async with scripted_service(port, answering("granted"), count):
        await within(PATIENCE, polled.wait())
        await asyncio.sleep(2)  # a retry as after other faults would come by now
        assert await login(prosody, "tcp", NAME, "x") == "success"

    assert len(polls) == 1
    [line] = troubles(prosody)
    assert "is older than this module and has no feed" in line


def troubles(prosody: Prosody) -> list[str]:
    """The lines of its log that are a warning or worse."""
    lines = prosody.log.read_text().splitlines()
    return [line for line in lines if "\twarn\t" in line or "\terror\t" in line or "raceback" in line]
