"""Jitsi's page logs in with the token of the login page, over WebSocket and BOSH; nothing else does."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from authbridge.page_tokens.pseudonyms import pseudonym
from tests.support.login_server import VERSIONS, make_client
from tests.support.scripted_service import (
    Behaviour,
    Feed,
    Question,
    answering,
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

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJNQVJLRVIiOjF9.c2lnLU1BUktFUi0x"
API_TOKEN = "t" * 64
TRANSPORTS = ("websocket", "bosh")
CLOSED, SILENT, TWO = "closed.test", "silent.test", "two.test"

CONDITIONS = {
    "refused": "not-authorized",
    "suspended": "account-disabled",
    "expired": "credentials-expired",
    "locked": "temporary-auth-failure",
    "unavailable": "temporary-auth-failure",
}

over_both = pytest.mark.parametrize("transport", TRANSPORTS)


@dataclass(frozen=True, slots=True)
class Door:
    """A Prosody that takes tokens, and the port on which it asks.

    At CLOSED the option is off, to SILENT the service tells nothing of suspensions, at TWO the first of two
    services is away.
    """

    prosody: Prosody
    port: int


@pytest.fixture(name="door", scope="module", params=VERSIONS)
def start_prosody(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Runs that Prosody; it logs everything, so that our own lines are judged even at debug level."""
    folder = tmp_path_factory.mktemp("tokens")
    (folder / "token").write_text(API_TOKEN)
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    asked = {
        HOST: [url],
        CLOSED: [url],
        SILENT: [url],
        TWO: [f"http://127.0.0.1:{free_port()}", url],
    }
    hosts = {
        host: external(
            urls,
            folder / "token",
            external_auth_timeout=60,  # a reload of the module may take its time
            external_auth_page=host != CLOSED,
            external_auth_node=host,
        )
        for host, urls in asked.items()
    }
    prosody = Prosody(request.param, folder, hosts, log_level="debug", extra_modules=("admin_shell",))
    prosody.start()
    yield Door(prosody, port)
    prosody.stop()


def granting(username: str, **changes: object) -> Behaviour:
    """Lets that organiser in for any token."""
    return writing(lambda question: http_answer(verdict(question, "granted", username=username, **changes)))


def telling(word: str) -> Behaviour:
    """Answers with that verdict, which names nobody."""
    return writing(lambda question: http_answer(verdict(question, word, username=None)))


@contextlib.asynccontextmanager
async def following(
    door: Door, tokens: Behaviour, feed: Feed | None = None, host: str = HOST
) -> AsyncIterator[list[Question]]:
    """Runs a service that answers so about tokens, and whose feed that host follows already.

    Yields the questions; those of other hosts for news are not answered.
    """
    feed = feed or Feed()

    async def answer(question: Question, writer: asyncio.StreamWriter) -> None:
        await (feed if question["node"] == host else hang)(question, writer)

    async with scripted_service(door.port, answering("granted"), answer, tokens=tokens) as questions:
        async with asyncio.timeout(PATIENCE):
            await feed.until_followed()
        yield questions


def connect(door: Door, transport: str, token: str | None = TOKEN, host: str = HOST) -> Client:
    """Returns a client as Jitsi's page opens its connection, with that token or none; not yet connected."""
    query = "room=physik" if token is None else f"room=physik&token={token}"
    return make_client(door.prosody, transport, host, query=query)


async def use(door: Door, transport: str, token: str = TOKEN, host: str = HOST) -> Outcome:
    """Uses that token on a connection of its own."""
    async with connect(door, transport, token, host) as client:
        assert set(client.mechanisms) == {"PLAIN", "ANONYMOUS"}
        return await client.login_anonymously()


async def test_a_token_has_several_services_to_ask(door: Door) -> None:
    """By the way on which passwords are asked about; first here, while that host asks often for news."""
    async with following(door, granting("ohg-kwtx"), host=TWO):
        for transport in TRANSPORTS:
            assert (await use(door, transport, host=TWO)).condition == "success"


@over_both
async def test_a_token_opens_a_session_under_a_pseudonym(door: Door, transport: str) -> None:
    """The service is asked once, with what it has to know; the answer's name is in no address."""
    name = f"ohg-{secrets.token_hex(4)}"
    async with (
        following(door, granting(name)) as questions,
        connect(door, transport) as client,
    ):
        assert (await client.login_anonymously()).condition == "success"
        jid = await client.bind("page")
        assert jid == f"{pseudonym(API_TOKEN, HOST, name)}@{HOST}/page"
        (question,) = questions
        assert question.items() >= {"token": TOKEN, "host": HOST, "transport": transport}.items()
        assert question.keys().isdisjoint({"username", "password"})


@over_both
async def test_a_refusal_says_the_same_as_one_of_a_password(door: Door, transport: str) -> None:
    """By the same SASL conditions; each token is asked about anew."""
    for word, condition in CONDITIONS.items():
        async with following(door, telling(word)) as questions:
            assert (await use(door, transport)).condition == condition
            assert len(questions) == 1


@over_both
@pytest.mark.parametrize(
    "tokens",
    [
        older,
        writing(lambda _: http_answer(b'{"error":"storage"}', "503 Oops")),
        telling("granted"),
        granting("ohg-kwtx", request_id="other"),
        granting(""),
    ],
    ids=["an older service", "no storage", "names nobody", "another question", "an empty name"],
)
async def test_an_odd_answer_lets_nobody_in(door: Door, transport: str, tokens: Behaviour) -> None:
    """It is an outage, as it is for a password."""
    async with following(door, tokens):
        assert (await use(door, transport)).condition == "temporary-auth-failure"


async def test_without_a_token_nothing_is_new(door: Door) -> None:
    """ANONYMOUS is not offered, and not taken: over TCP, where the option is off, and without a token."""
    async with following(door, granting("ohg-kwtx")) as questions:
        for client in (
            connect(door, "websocket", None),
            connect(door, "bosh", None),
            connect(door, "websocket", ""),
            connect(door, "tcp"),
            connect(door, "websocket", TOKEN, CLOSED),
            connect(door, "bosh", TOKEN, CLOSED),
        ):
            async with client:
                assert client.mechanisms == ["PLAIN"]
                assert (await client.login_anonymously()).condition == "invalid-mechanism"
                assert (await client.login("ohg-kwtx", "x")).condition == "success"
        assert [question for question in questions if "token" in question] == []


@over_both
async def test_a_token_does_not_shut_the_other_door(door: Door, transport: str) -> None:
    """The password still opens a session on that connection; the token is good for one question on it."""
    async with following(door, telling("refused")) as questions:
        async with connect(door, transport) as client:
            assert (await client.login_anonymously()).condition == "not-authorized"
            assert (await client.login_anonymously()).condition == "invalid-mechanism"
            assert (await client.login("ohg-kwtx", "x")).condition == "success"
        assert [question.get("token") for question in questions] == [TOKEN, None]


@over_both
async def test_what_is_no_token_never_reaches_the_service(door: Door, transport: str) -> None:
    """Its form is not right, or its length; token_spec.lua has more of them."""
    head, _, rest = TOKEN.partition(".")
    forged = [
        head,
        f"{head}.",
        f"{TOKEN}.x",
        f"{TOKEN}=",
        f".{rest}",
        f"{TOKEN}%25",
        "a" * 2048 + ".b.c",
    ]
    async with following(door, granting("ohg-kwtx")) as questions:
        for token in forged:
            assert (await use(door, transport, token)).condition == "not-authorized"
        assert questions == []
        assert (await use(door, transport, "a" * 2044 + ".b.c")).condition == "success"


@over_both
async def test_until_the_feed_has_spoken_tokens_open_nothing(door: Door, transport: str) -> None:
    """Nobody knows who is suspended then; the service is not even asked."""
    async with following(door, granting("ohg-kwtx")) as questions:
        assert (await use(door, transport, host=SILENT)).condition == "temporary-auth-failure"
        assert questions == []


@over_both
@pytest.mark.parametrize(
    ("action", "condition"), [("suspend", "account-disabled"), ("end_sessions", "temporary-auth-failure")]
)
async def test_an_end_that_overtakes_the_answer_counts(
    door: Door, transport: str, action: str, condition: str
) -> None:
    """The organiser's name is in the answer only; what was told of it meanwhile is not lost."""
    name, feed = f"ohg-{secrets.token_hex(4)}", Feed()
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def answer(question: Question, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await may_answer.wait()
        writer.write(http_answer(verdict(question, "granted", username=name)))

    async with following(door, answer, feed):
        using = asyncio.ensure_future(use(door, transport))
        await asked.wait()
        event = feed.tell((action, name))
        async with asyncio.timeout(PATIENCE):
            await feed.report_of(event)
        may_answer.set()
        assert (await using).condition == condition
    async with following(door, granting(name)):  # whom the service lets in again
        assert (await use(door, transport)).condition == "success"


async def test_an_end_after_a_reload_counts_for_a_login_from_before(door: Door) -> None:
    """A login that waits for its answer while the module is loaded anew hears of what is told then."""
    name, feed = f"ohg-{secrets.token_hex(4)}", Feed()
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def answer(question: Question, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await may_answer.wait()
        writer.write(http_answer(verdict(question, "granted", username=name)))

    async with following(door, answer, feed):
        using = asyncio.ensure_future(use(door, "websocket"))
        await asked.wait()
        feed.polls.clear()
        await asyncio.to_thread(door.prosody.shell, "module", "reload", "auth_external", HOST)
        async with asyncio.timeout(PATIENCE):
            await feed.until_followed()
            await feed.report_of(feed.tell(("end_sessions", name)))
        may_answer.set()
        assert (await using).condition == "temporary-auth-failure"


@over_both
async def test_an_end_between_login_and_binding_counts(door: Door, transport: str) -> None:
    """The session is in no table of Prosody's then."""
    name, feed = f"ohg-{secrets.token_hex(4)}", Feed()
    async with following(door, granting(name), feed), connect(door, transport) as client:
        assert (await client.login_anonymously()).condition == "success"
        await client.reopen()
        event = feed.tell(("suspend", name))
        async with asyncio.timeout(PATIENCE):
            assert (await feed.report_of(event))["sessions"] == 1
            assert (await client.await_end()).condition in {"not-authorized", "closed"}


@over_both
async def test_the_service_hears_whether_the_page_of_a_shared_device_is_gone(
    door: Door, transport: str
) -> None:
    """The browser keeps the address with the token in its history, and the next person there finds it."""
    token = f"a.b.{secrets.token_hex(8)}"

    async def come_and_go() -> None:
        async with connect(door, transport, token) as client:
            await client.login_anonymously()
            await leave(client)

    async with following(door, granting("ohg-kwtx", shared=True)) as questions:
        async with connect(door, transport, token) as page:
            assert (await page.login_anonymously()).condition == "success"
            await page.bind("page")
            await come_and_go()
            assert questions[-1]["sessions"] == "open"  # as after a gap in the network
            await leave(page)
        async with asyncio.timeout(PATIENCE):
            while questions[-1]["sessions"] != "over":
                await come_and_go()


async def leave(client: Client) -> None:
    """Ends the stream as a page does that is closed."""
    with contextlib.suppress(ConnectionEndedError):
        await client.say_goodbye()
        await client.await_end()


def test_no_token_is_in_a_log(door: Door) -> None:
    """In none of our lines at debug level, and in none of Prosody's at info level."""
    lines = [line for line in door.prosody.log.read_text().splitlines() if "\t" in line]
    judged = [line for line in lines if "auth_external" in line or "\tdebug\t" not in line]
    assert any("by a token" in line for line in judged)
    assert [line for line in judged if "eyJhbGci" in line or API_TOKEN in line] == []
