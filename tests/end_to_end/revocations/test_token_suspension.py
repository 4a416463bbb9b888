"""On a host whose tokens come from somebody else, a suspension refuses them, and ends what they opened."""

import asyncio
import contextlib
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.auth_server import AuthServer, open_auth_server
from tests.support.login_server import NEWER, VERSIONS, make_client, newer_first
from workbench import ROOT
from workbench.processes import PATIENCE, free_port
from workbench.prosody import HOST, Prosody, external
from workbench.xmpp import Client, Outcome

GUESTS, MEETINGS = f"guest.{HOST}", f"conference.{HOST}"
MUC = "{http://jabber.org/protocol/muc#user}"
SMACKS = "urn:xmpp:sm:3"


def make_prosody(version: str, folder: Path, url: str, token_file: Path) -> Prosody:
    """A Prosody whose host takes tokens of a stand-in, with our module beside it, and guests without one."""
    options = external(url, token_file) | {
        "authentication": "token",
        "allow_empty_token": True,
        "modules_enabled": ["token_suspension"],
    }
    return Prosody(
        version,
        folder,
        {HOST: options, GUESTS: {"authentication": "small_anonymous"}},
        module_folders=(ROOT / "prosody_mod", ROOT / "tests/prosody"),
        extra_modules=("admin_shell", "presence", "smacks"),
        components={MEETINGS: ("muc", {"muc_room_locking": False})},
    )


@dataclass(frozen=True, slots=True)
class Site:
    """A Prosody with somebody else's tokens, and the service whose feed it follows."""

    prosody: Prosody
    auth: AuthServer

    async def login(self, token: str) -> str:
        """Returns how a login with that token ends; it is given up then."""
        async with self.client(token) as client:
            return (await client.login_anonymously()).condition

    def client(self, token: str, transport: str = "websocket", *, more: str = "", host: str = HOST) -> Client:
        """Returns a page whose connection shows that token; none if it is empty."""
        query = f"token={token}{more}" if token else "room=a"
        return make_client(self.prosody, transport, host, query=query)

    @contextlib.asynccontextmanager
    async def in_room(self, token: str, room: str, transport: str = "websocket") -> AsyncIterator[Client]:
        """Somebody in that room; with no token a guest."""
        async with self.client(token, transport) as client:
            assert (await client.login_anonymously()).condition == "success"
            await client.bind()
            await join(client, room)
            yield client


async def join(client: Client, room: str) -> None:
    """Enters the room, and reads that it did."""
    nick = f"nick-{id(client):x}"
    await client.send(
        f"<presence xmlns='jabber:client' to='{room}@{MEETINGS}/{nick}'>"
        "<x xmlns='http://jabber.org/protocol/muc'/></presence>"
    )
    await until_read(
        client, lambda element: any(x.get("code") == "110" for x in element.iter(f"{MUC}status"))
    )


async def until_read(client: Client, is_it: Callable[[ET.Element], bool]) -> ET.Element:
    """Returns the next element of which that is true."""
    async with asyncio.timeout(PATIENCE):
        while not is_it(element := await client.receive()):
            pass
    return element


async def reason_of_end(client: Client) -> str:
    """Returns why the room ended for that client."""
    element = await until_read(client, lambda each: each.find(f".//{MUC}destroy") is not None)
    return element.findtext(f".//{MUC}destroy/{MUC}reason") or ""


@pytest.fixture(name="site", scope="module", params=VERSIONS)
def open_site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Site]:
    """One of each version for all stories."""
    folder = tmp_path_factory.mktemp("site")
    with open_auth_server(folder / "service", sqlite_template) as auth:
        prosody = make_prosody(request.param, folder / "prosody", auth.service.url, auth.service.token_file)
        prosody.start()
        try:
            yield Site(prosody, auth)
        finally:
            prosody.stop()


async def until_told(site: Site, token: str, expected: str) -> None:
    """A login with that token ends so; the Prosody needs a moment until it has the news."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if await site.login(token) == expected:
                return
            await asyncio.sleep(0.05)


async def until_followed(site: Site) -> None:
    """The Prosody knows who is suspended; before that it takes no token."""
    await until_told(site, "anybody", "success")


@pytest.mark.parametrize("transport", ["websocket", "bosh"])
async def test_a_suspension_ends_what_a_token_has_opened(site: Site, transport: str) -> None:
    """Each of the meetings that the account was first in, for everybody; then its token opens nothing."""
    await until_followed(site)
    who = site.auth.issue().username
    room, other = f"eins-{transport}", f"zwei-{transport}"
    async with (
        site.in_room(who, room, transport) as page,
        site.in_room(who, other) as second,
        site.in_room("", room) as pupil,
        site.in_room("", "woanders") as bystander,
    ):
        site.auth.suspend(who)

        assert "gesperrt" in await reason_of_end(page)
        assert "gesperrt" in await reason_of_end(second)
        assert "Medienzentrum" in await reason_of_end(pupil)
        effect = await site.auth.effect(who)
        assert (effect.sessions, effect.meetings) == (2, 2)
        assert await site.login(who) == "not-allowed"
        assert await site.login(who.upper()) == "not-allowed"
        await bystander.ping()
    site.auth.reinstate(who)
    await until_told(site, who, "success")


async def test_who_came_second_is_put_out_alone(site: Site) -> None:
    """The meeting is that of the first token, and goes on."""
    await until_followed(site)
    first, second = site.auth.issue().username, site.auth.issue().username
    async with site.in_room(first, "gemeinsam") as host, site.in_room(second, "gemeinsam") as guest:
        site.auth.suspend(second)

        assert "gesperrt" in await reason_of_end(guest)
        effect = await site.auth.effect(second)
        assert (effect.sessions, effect.meetings) == (1, 0)
        await host.ping()
        site.auth.end_sessions(first)
        assert "abgemeldet" in await reason_of_end(host)
        effect = await site.auth.effect(first)
        assert (effect.sessions, effect.meetings) == (1, 1)
    assert await site.login(first) == "success"  # the token is somebody else's, and goes on to count


@newer_first("site")
async def test_a_reload_of_the_module_forgets_nobody(site: Site) -> None:
    """Neither whose the session is, nor whose the meeting."""
    await until_followed(site)
    who = site.auth.issue().username
    async with site.in_room(who, "neu-geladen") as page:
        await asyncio.to_thread(site.prosody.shell, "module", "reload", "token_suspension", HOST)
        site.auth.suspend(who)

        assert "gesperrt" in await reason_of_end(page)
        effect = await site.auth.effect(who)
        assert (effect.sessions, effect.meetings) == (1, 1)


@contextlib.asynccontextmanager
async def resumed(site: Site, token: str, room: str, host: str) -> AsyncIterator[Client]:
    """A guest of that host in that room, whose page then goes on with a token."""
    async with site.client("", host=host) as guest:
        assert (await guest.login_anonymously()).condition == "success"
        await guest.bind()
        await guest.send(f"<enable xmlns='{SMACKS}' resume='true'/>")
        enabled = await until_read(guest, lambda element: element.tag == f"{{{SMACKS}}}enabled")
        await join(guest, room)
        stream = enabled.get("id") or ""
        async with site.client(token, more=f"&previd={stream}", host=host) as page:
            assert (await page.login_anonymously()).condition == "success"
            await page.reopen()
            await page.send(f"<resume xmlns='{SMACKS}' previd='{stream}' h='0'/>")
            yield page


@pytest.mark.parametrize("host", [pytest.param(HOST, marks=pytest.mark.soak), GUESTS])
@pytest.mark.parametrize("site", [NEWER], indirect=True)
async def test_a_guest_who_shows_a_token_later_holds_it(site: Site, host: str) -> None:
    """Prosody 13 goes on with the guest's session; what was verified counts, not what it says then."""
    await until_followed(site)
    who = site.auth.issue().username
    async with resumed(site, who, f"aufgestiegen-{host}", host) as page:
        await until_read(page, lambda element: element.tag == f"{{{SMACKS}}}resumed")
        site.auth.suspend(who)

        assert "gesperrt" in await reason_of_end(page)
        effect = await site.auth.effect(who)
        assert (effect.sessions, effect.meetings) == (1, 1)


@pytest.mark.parametrize("site", [NEWER], indirect=True)
async def test_a_suspended_guest_does_not_get_on_by_a_token(site: Site) -> None:
    """The session of the guests' host ends, as Jitsi's provider has it."""
    await until_followed(site)
    who = site.auth.issue().username
    site.auth.suspend(who)
    await until_told(site, who, "not-allowed")
    async with resumed(site, who, "draussen", GUESTS) as page, asyncio.timeout(PATIENCE):
        await page.await_end()


@pytest.mark.parametrize("version", VERSIONS)
async def test_without_news_no_token_counts(version: str, tmp_path: Path) -> None:
    """Until a service has told who is suspended, it may be anybody; guests without a token get in."""
    token_file = tmp_path / "token"
    token_file.write_text("t" * 64)
    prosody = make_prosody(version, tmp_path, f"http://127.0.0.1:{free_port()}", token_file)
    prosody.start()
    try:
        for query, expected in (("token=ohg-kwtx", "not-allowed"), ("room=a", "success")):
            async with make_client(prosody, "websocket", query=query) as client:
                outcome: Outcome = await client.login_anonymously()
                assert outcome.condition == expected
    finally:
        prosody.stop()


async def test_nothing_of_it_is_an_error(site: Site) -> None:
    """The log of Prosody has no error, and our lines there name no account."""
    text = site.prosody.log.read_text()

    assert "\terror\t" not in text
    assert "token_suspension" in text
    assert "ohg-" not in text
