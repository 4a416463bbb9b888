"""Breakout rooms, rooms of tenants and of bridges, as jicofo and Jitsi's modules treat them; no guard."""

import asyncio
from collections.abc import Iterator

import pytest

from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.jitsi.participants import notice_nothing, room_jid
from tests.support.jitsi.server import (
    BREAKOUT,
    BREWERY,
    Jitsi,
    jitsi_plugins,
    make_prosody,
    notices_of,
    run_jitsi,
    until,
)
from tests.support.login_server import NEWER
from workbench.xmpp import ConnectionEndedError

ANNA = IssuedCredential(Username("anna"), "any")
NAMED = "anna@meet.test"

_DESTROY = (
    '>(function () local muc = prosody.hosts["conference.meet.test"].modules.muc;'
    ' local room = muc.get_room_from_jid("{room}"); room:set_persistent(false); room:destroy(); end)()'
)


# Jitsi's own module looks for the main room in the URL of the page, which has none over TCP.
needs_stand_ins = pytest.mark.skipif(jitsi_plugins() is not None, reason="pages without URLs")


@pytest.fixture(name="jitsi", scope="module", params=[NEWER])
def set_jitsi(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jitsi]:
    """A Prosody that lets anybody in as an organiser, and the focus."""
    with run_jitsi(make_prosody(request.param, tmp_path_factory.mktemp("prosody"))) as jitsi:
        yield jitsi


@needs_stand_ins
async def test_a_meeting_lives_on_in_its_breakout_rooms(jitsi: Jitsi) -> None:
    """Without anybody in the main room; it ends with the last of them."""
    room = room_jid("gruppen")
    async with jitsi.participants() as participants:
        leader, pupil = await participants.organiser(ANNA, room), await participants.pupil(room)
        breakout = await leader.open_breakout("Eins")
        assert (leader.breakouts, breakout.endswith(f"@{BREAKOUT}")) == ({"Eins": breakout}, True)
        await pupil.switch_room(room, breakout)
        jitsi.focus.rooms.initial_timeout = 0.1
        try:
            await leader.switch_room(room, breakout)
        finally:
            jitsi.focus.rooms.initial_timeout = 15
        await leader.seats[breakout].until_moderator()
        assert jitsi.focus.conferences[breakout].main_room == room
        main = jitsi.focus.conferences[room]
        await until(lambda: main.timeout is None)  # it does not wait for people any more
        assert jitsi.focus.conferences[room] is main

        await (await participants.pupil(room)).leave_room(room)
        assert room in jitsi.focus.conferences
        for person in (leader, pupil):
            await person.leave_room(breakout)
        await jitsi.until_gone(breakout)
        await jitsi.until_gone(room)


@needs_stand_ins
async def test_who_opens_a_main_room_while_its_breakout_rooms_end(jitsi: Jitsi) -> None:
    """Anybody: the focus forgets a room some time after it ended, and the main room may be the first."""
    room = room_jid("pause")
    async with jitsi.participants() as participants:
        leader, guest = await participants.organiser(ANNA, room), await participants.guest()
        breakout = await leader.open_breakout()
        jitsi.focus.rooms.lingering[breakout] = 1.0
        seat = await leader.switch_room(room, breakout)
        await asyncio.to_thread(jitsi.prosody.shell, _DESTROY.format(room=room))
        [notice] = await notices_of([seat])
        assert notice.kind == "destroyed"
        await jitsi.until_gone(room)
        answer = await guest.ask(room)
        assert (answer.error, answer.is_ready, answer.identity) == ("", True, "")
        await jitsi.until_gone(breakout)
        await jitsi.until_gone(room)  # in which nobody was
        assert (await guest.ask(room)).error == "not-authorized"


@needs_stand_ins
async def test_only_moderators_open_breakout_rooms(jitsi: Jitsi) -> None:
    """And nobody enters one that was not opened."""
    room = room_jid("unterricht")
    async with jitsi.participants() as participants:
        leader, pupil = await participants.organiser(ANNA, room), await participants.pupil(room)
        wish = "<breakout_rooms type='features/breakout-rooms/add' subject='Nein'/>"
        await pupil.line.send(f"<message xmlns='jabber:client' to='{BREAKOUT}'>{wish}</message>")
        await leader.open_breakout("Ja")
        assert set(leader.breakouts) == {"Ja"}
        with pytest.raises(ConnectionEndedError):
            await pupil.join(f"erfunden@{BREAKOUT}")


async def test_rooms_of_a_tenant(jitsi: Jitsi) -> None:
    """Asked, answered and joined by the outside address; within Prosody it is the other."""
    room = room_jid("mathe", "gymnasium")
    async with jitsi.participants() as participants:
        leader, pupil = await participants.organiser(ANNA, room), await participants.pupil(room)
        await notice_nothing(room, leader, pupil)
        inside = jitsi.focus.conferences[room].occupants
        await until(lambda: set(inside.values()) == {leader.jid, pupil.jid})  # the focus hears it last
        said = await asyncio.to_thread(jitsi.prosody.shell, "muc", "list", "conference.meet.test")
        assert "[gymnasium]mathe@conference.meet.test" in said
        answers = [each for each in leader.line.elements if each.find(f".//*[@room='{room}']") is not None]
        assert answers


@needs_stand_ins
async def test_breakout_rooms_of_a_tenant(jitsi: Jitsi) -> None:
    """Their main room is the one outside."""
    room = room_jid("physik", "gymnasium")
    async with jitsi.participants() as participants:
        leader = await participants.organiser(ANNA, room)
        breakout = await leader.open_breakout()
        await leader.switch_room(room, breakout)
        assert jitsi.focus.conferences[breakout].main_room == room
        await leader.switch_room(breakout, room)


async def test_the_room_of_the_bridges(jitsi: Jitsi) -> None:
    """The focus, in it from its start, answers for it as for any other."""
    async with jitsi.participants() as participants:
        bridge, page = await participants.bridge(), await participants.guest()
        await bridge.join(BREWERY)
        assert f"{BREWERY}/focus" in {each.get("from") for each in bridge.line.elements}
        answer = await page.log_in(ANNA, BREWERY)
        assert (answer.error, answer.identity, answer.is_ready) == ("", NAMED, True)
