"""How the small focus loses its connection and comes back, as jicofo with stream management; no guard."""

import asyncio
from collections.abc import Iterator

import pytest

from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.jitsi.focus import FOCUS
from tests.support.jitsi.participants import notice_nothing, room_jid
from tests.support.jitsi.server import Jitsi, make_prosody, run_jitsi, start_prosody, until
from tests.support.login_server import VERSIONS

ANNA = IssuedCredential(Username("anna"), "any")
NAMED = "anna@meet.test"


@pytest.fixture(name="jitsi", scope="module", params=VERSIONS)
def set_jitsi(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jitsi]:
    """A Prosody that lets anybody in as an organiser, and waits five seconds for a focus that is cut off."""
    folder = tmp_path_factory.mktemp("prosody")
    with run_jitsi(make_prosody(request.param, folder, hibernation=5)) as jitsi:
        yield jitsi


async def test_back_in_time_it_goes_on(jitsi: Jitsi) -> None:
    """Requests wait meanwhile; it keeps its rooms, and hears of all that happened in them."""
    room = room_jid("physik")
    async with jitsi.participants() as participants:
        page, other = await participants.organiser(ANNA, room), await participants.guest()
        await asyncio.to_thread(jitsi.focus.cut)
        await other.join(room)
        asking = asyncio.ensure_future(page.ask(room))
        await page.line.ping()
        assert not asking.done()
        await asyncio.to_thread(jitsi.focus.reconnect)
        answer = await asking
        assert (answer.identity, answer.is_ready) == (NAMED, True)
        conference = jitsi.focus.conferences[room]
        await until(lambda: other.jid in conference.occupants.values())
        await notice_nothing(room, page, other)
        await page.ask(room_jid("chemie"))  # what it sends goes on being counted


async def test_later_it_begins_anew(jitsi: Jitsi) -> None:
    """Requests come back, first those that waited, then all; its rooms are left, its logins kept."""
    room = room_jid("musik")
    async with jitsi.participants() as participants:
        page = await participants.organiser(ANNA, room)
        await asyncio.to_thread(jitsi.focus.cut)
        assert (await page.ask(room)).error == "recipient-unavailable"
        assert (await page.ask(room)).error == "service-unavailable"
        await asyncio.to_thread(jitsi.focus.reconnect)
        assert room not in jitsi.focus.conferences
        answer = await page.ask(room, session_id="")
        assert (answer.error, answer.is_ready) == ("", True)
        assert (await page.ask(room)).identity == NAMED


async def test_what_was_not_acknowledged_is_sent_again(jitsi: Jitsi) -> None:
    """An answer that it gave while it was cut off arrives with the next stream, the room being gone."""
    room = room_jid("kunst")
    async with jitsi.participants() as participants:
        page, other = await participants.organiser(ANNA, room), await participants.guest()
        jitsi.focus.withhold()
        try:
            asked = len(jitsi.focus.log)
            asking = asyncio.ensure_future(page.ask(room))
            await until(lambda: len(jitsi.focus.log) > asked)
            await asyncio.to_thread(jitsi.focus.cut)
        finally:
            jitsi.focus.tell()
        assert (await other.ask(room)).error == "recipient-unavailable"
        assert not asking.done()
        await asyncio.to_thread(jitsi.focus.reconnect)
        assert (await asking).identity == NAMED
        assert room not in jitsi.focus.conferences


async def test_old_answers_arrive_after_a_restart_of_prosody(jitsi: Jitsi) -> None:
    """Answers go to the address as it is now; its rooms are left, and the same logins count as before."""
    room = room_jid("sport")
    async with jitsi.participants() as participants:
        page, tablet = (
            await participants.organiser(ANNA, room),
            await participants.tablet(ANNA, resource="tablet"),
        )
        jitsi.focus.withhold()
        asked = len(jitsi.focus.log)
        asking = asyncio.ensure_future(tablet.ask(room))
        await until(lambda: len(jitsi.focus.log) > asked)
        await asyncio.to_thread(jitsi.focus.cut)
        jitsi.focus.tell()
        await asyncio.to_thread(jitsi.prosody.stop)
        await asyncio.gather(asking, return_exceptions=True)
    await asyncio.to_thread(start_prosody, jitsi.prosody)
    async with jitsi.participants() as participants:
        again = await participants.tablet(ANNA, resource="tablet")
        await asyncio.to_thread(jitsi.focus.reconnect)
        assert room not in jitsi.focus.conferences
        await again.line.ping()
        [answer] = [each for each in again.line.elements if each.find(f"{{{FOCUS}}}conference") is not None]
        assert answer.find(f"{{{FOCUS}}}conference[@identity='{NAMED}']") is not None
        assert (await (await participants.reload(page)).ask(room)).identity == NAMED


async def test_too_long_alone_it_leaves_its_rooms(jitsi: Jitsi) -> None:
    """Also before it knows whether it could go on."""
    room = room_jid("latein")
    async with jitsi.participants() as participants:
        await participants.organiser(ANNA, room)
        jitsi.focus.rooms.reply_timeout = 0.1
        try:
            await asyncio.to_thread(jitsi.focus.cut)
            await jitsi.until_gone(room)
        finally:
            jitsi.focus.rooms.reply_timeout = 15
        await asyncio.to_thread(jitsi.focus.reconnect)
        assert room not in jitsi.focus.conferences
