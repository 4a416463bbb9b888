"""Meetings that are ended again and again: how fast, and whatever is killed or cut meanwhile."""

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.lookup import get_organiser
from authbridge.storage.models import Role
from bench.visitor import Visitor
from tests.support.auth_server import AuthServer, open_auth_server
from tests.support.factories import make_school
from tests.support.jitsi.bystanders import come_and_go, known_to_module
from tests.support.jitsi.participants import Participant, Participants, notice_nothing, room_jid
from tests.support.jitsi.server import (
    AT_ONCE,
    Jitsi,
    ends_of,
    notices_of,
    open_deployment,
    open_jitsi,
)
from tests.support.link import Link
from tests.support.login_server import TRANSPORTS, VERSIONS, login
from tests.support.panel_browser import PanelServer, open_panel_server

RUNS = 50
ROUNDS = 20
AT_A_TIME = 10
CUT = 60  # seconds
GUESTS = 10_000

pytestmark = pytest.mark.soak


@pytest.fixture(name="panel_server")
def run_panel_server(tmp_path: Path, sqlite_template: Path) -> Iterator[PanelServer]:
    """Panel and auth service over one database."""
    (tmp_path / "office").mkdir()
    with open_panel_server(tmp_path / "office", sqlite_template) as panel_server:
        panel_server.service.start()
        make_school(panel_server.database)
        yield panel_server


@pytest.fixture(name="clerk")
def sign_in(panel_server: PanelServer) -> Visitor:
    """Somebody who is signed in at the panel."""
    visitor = Visitor(panel_server.panel.port)
    visitor.sign_in(panel_server.enrol(Role.CLERK))
    return visitor


@pytest.fixture(name="jitsi", params=VERSIONS)
def run_jitsi(request: pytest.FixtureRequest, panel_server: PanelServer, tmp_path: Path) -> Iterator[Jitsi]:
    """A whole Jitsi that asks that service."""
    with open_jitsi(request.param, tmp_path / "jitsi", panel_server.service) as jitsi:
        yield jitsi


def click(clerk: Visitor, username: str) -> float:
    """“Suspend” on the organiser's page; the moment of the click."""
    page = f"/organisers/{username}"
    return clerk.press(f"{page}/suspend", on=page)


async def test_from_the_click_to_the_last_notice(
    panel_server: PanelServer, jitsi: Jitsi, clerk: Visitor
) -> None:
    """Organiser, tablet and three pupils: half of the times within 100 ms, each within a second."""
    auth = AuthServer(panel_server.service, panel_server.database)
    seconds = []
    for run in range(RUNS):
        who, room = auth.issue(), room_jid(f"lauf-{run}")
        async with jitsi.participants() as participants:
            page = await participants.organiser(who, room, TRANSPORTS[run % 3])
            tablet = await participants.tablet(who, TRANSPORTS[(run + 1) % 3])
            pupils = [await participants.pupil(room, transport) for transport in TRANSPORTS]
            clicked = await asyncio.to_thread(click, clerk, who.username)
            notices = await notices_of(each.seats[room] for each in (page, *pupils))
            notices += await ends_of([tablet])
            seconds.append(max(notice.at for notice in notices) - clicked)
            await jitsi.until_logged_out(who.username)

    median, longest = statistics.median(seconds), max(seconds)
    print(f"{len(seconds)} clicks: median {median * 1000:.0f} ms, at most {longest * 1000:.0f} ms")  # noqa: T201
    assert median <= 0.1
    assert longest <= AT_ONCE


async def test_kills_at_random_moments(panel_server: PanelServer, jitsi: Jitsi, clerk: Visitor) -> None:
    """Whatever dies during 200 suspensions: in the end each is out everywhere, and nobody else."""
    auth = AuthServer(panel_server.service, panel_server.database)
    chance = random.Random(11)  # noqa: S311 - repeatable, no secret
    for number in range(ROUNDS):
        async with jitsi.participants() as participants:
            doomed, others = await open_meetings(auth, participants, number)
            trouble = asyncio.create_task(make_trouble(panel_server, jitsi, chance))
            for who, _ in doomed:
                await suspend_patiently(clerk, auth, who.username)
            victim = await trouble
            await asyncio.gather(*(auth.effect(who.username) for who, _ in doomed))
            await ends_of(page for _, page in doomed)
            for (_, page), room in zip(others, rooms_of(number, "frei"), strict=True):
                if victim != "Prosody":
                    await notice_nothing(room, page)
        for who, page in doomed:
            await is_out(jitsi, who, page)
        for who, page in others:
            await is_in(jitsi, who, page)


def rooms_of(number: int, kind: str) -> list[str]:
    """Those of one round."""
    return [room_jid(f"{kind}-{number}-{each}") for each in range(AT_A_TIME if kind == "zu" else 2)]


Pages = list[tuple[IssuedCredential, Participant]]


async def open_meetings(auth: AuthServer, participants: Participants, number: int) -> tuple[Pages, Pages]:
    """Of those who will be suspended, and of some others."""
    school = make_school(auth.database, f"r{number}")

    async def open_one(place: int, room: str) -> tuple[IssuedCredential, Participant]:
        who = auth.issue(school)
        return who, await participants.organiser(who, room, TRANSPORTS[place % 3])

    doomed = await asyncio.gather(*map(open_one, range(AT_A_TIME), rooms_of(number, "zu")))
    others = await asyncio.gather(*map(open_one, range(2), rooms_of(number, "frei")))
    return doomed, others


async def make_trouble(panel_server: PanelServer, jitsi: Jitsi, chance: random.Random) -> str:
    """Kills one of them, and starts it again after a while; returns which."""
    victims: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
        "panel": (panel_server.panel.kill, panel_server.panel.start),
        "service": (panel_server.service.kill, panel_server.service.start),
        "Prosody": (jitsi.prosody.kill, jitsi.start_again),
    }
    name = chance.choice(sorted(victims))
    await asyncio.sleep(chance.uniform(0, 0.5))
    await asyncio.to_thread(victims[name][0])
    await asyncio.sleep(chance.uniform(0, 1))
    await asyncio.to_thread(victims[name][1])
    return name


async def suspend_patiently(clerk: Visitor, auth: AuthServer, username: str) -> None:
    """Clicks again after each error page, until the organiser is suspended."""
    while True:
        with auth.database.read_session() as session:
            if get_organiser(session, username).suspended_at is not None:
                return
        try:
            await asyncio.to_thread(click, clerk, username)
        except (OSError, RuntimeError):
            await asyncio.sleep(0.1)


async def is_out(jitsi: Jitsi, who: IssuedCredential, page: Participant) -> None:
    """Neither the remembered login nor the password leads anywhere."""
    async with jitsi.participants() as participants:
        reloaded = await participants.guest()
        reloaded.machine_uid = page.machine_uid
        room = room_jid(f"nach-{page.machine_uid}")
        reloaded.session_id = page.session_id
        assert (await reloaded.wait_for_host(room)).is_session_invalid
        await jitsi.until_gone(room)
    await jitsi.until_logged_out(who.username)
    assert await login(jitsi.prosody, "tcp", who.username, who.password) == "account-disabled"


async def is_in(jitsi: Jitsi, who: IssuedCredential, page: Participant) -> None:
    """Both do."""
    async with jitsi.participants() as participants:
        reloaded = await participants.reload(page)
        assert (await reloaded.wait_for_host(room_jid(f"nach-{page.machine_uid}"))).identity
    assert await login(jitsi.prosody, "tcp", who.username, who.password) == "success"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_line_that_is_cut_for_a_minute(version: str, tmp_path: Path, sqlite_template: Path) -> None:
    """Nothing gets through and nobody is told; mended, the suspension takes effect."""
    with (
        open_auth_server(tmp_path / "service", sqlite_template) as auth,
        Link(auth.service.port) as link,
        open_jitsi(version, tmp_path / "jitsi", auth.service, external_auth_url=link.url) as jitsi,
    ):
        who, other = auth.issue(), auth.issue()
        room, theirs = room_jid("musik"), room_jid("kunst")
        async with jitsi.participants() as participants:
            page, colleague = (
                await participants.organiser(who, room),
                await participants.organiser(other, theirs),
            )
            link.cut()
            auth.suspend(who.username)
            await asyncio.sleep(CUT)
            await notice_nothing(room, page)
            link.mend()
            mended = time.monotonic()
            [notice] = await notices_of([page.seats[room]])
            print(f"caught up {notice.at - mended:.1f} s after {CUT} s of silence")  # noqa: T201
            await notice_nothing(theirs, colleague)


@pytest.mark.parametrize("version", VERSIONS)
async def test_ten_thousand_guests(version: str, tmp_path: Path, sqlite_template: Path) -> None:
    """They leave nothing behind."""
    with open_deployment(version, tmp_path, sqlite_template) as deployment:
        started = time.monotonic()
        await come_and_go(deployment, GUESTS)
        known = await known_to_module(deployment.jitsi)
        print(f"{GUESTS} guests in {time.monotonic() - started:.0f} s; known then: {known}")  # noqa: T201
        assert (known.clients, known.rooms) == (0, 0)
        assert known.people <= 1
