"""Organisers come back into their own meeting after F5, past its password and its lobby; nobody else does."""

import pytest

from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.combinations import each_once
from tests.support.jitsi.participants import Participant, Participants, Seat, room_jid
from tests.support.jitsi.server import Deployment, ends_of, notices_of
from tests.support.login_server import TRANSPORTS, VERSIONS
from workbench.xmpp import ConnectionEndedError

SECRET = "Igel-Kuchen-7"
KINDS = ["password", "lobby", "both"]


async def protect(leader: Participant, room: str, kind: str) -> None:
    """Sets a password, turns the lobby on, or both."""
    if kind in {"password", "both"}:
        await leader.set_password(room, SECRET)
    if kind in {"lobby", "both"}:
        await leader.make_members_only(room)


async def enter(page: Participant, room: str) -> Seat:
    """What Jitsi's page does after F5: it asks with the session-id that it remembers, and joins."""
    assert not (await page.ask(room)).error
    return await page.join(room)


async def assert_kept_out(page: Participant, room: str, kind: str) -> None:
    """Fails unless the page is asked for the password, or sent to the lobby."""
    condition = "not-authorized" if kind == "password" else "registration-required"
    with pytest.raises(ConnectionEndedError, match=condition):
        await enter(page, room)


async def start(
    participants: Participants, who: IssuedCredential, room: str, transport: str, kind: str
) -> Participant:
    """Opens a protected meeting, in which a pupil is already."""
    leader = await participants.organiser(who, room, transport)
    await participants.pupil(room)
    await protect(leader, room, kind)
    return leader


@pytest.mark.parametrize(
    ("deployment", "transport", "kind"), each_once(VERSIONS, TRANSPORTS, KINDS), indirect=["deployment"]
)
async def test_after_a_reload(deployment: Deployment, transport: str, kind: str) -> None:
    """They need not type the password that they set, and lead again; guests still meet it."""
    who, room = deployment.auth.issue(), room_jid(f"neu-geladen-{kind}-{transport}")
    async with deployment.jitsi.participants() as participants:
        leader = await start(participants, who, room, transport, kind)
        await leader.close()
        again = await participants.reload(leader, transport)
        seat = await enter(again, room)
        await seat.until_moderator()
        assert seat.affiliation == "owner"
        for each in TRANSPORTS:
            await assert_kept_out(await participants.guest(each), room, kind)


async def test_nobody_reads_the_password_in_the_presence(deployment: Deployment) -> None:
    """Prosody sends a copy of the join to everybody in the room."""
    who, room = deployment.auth.issue(), room_jid("ohne-abschrift")
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        pupil = await participants.pupil(room)
        await leader.set_password(room, SECRET)
        again = await participants.reload(leader)
        seat = await enter(again, room)
        await pupil.line.ping()
        seen = [element for each in (pupil, leader, again) for element in each.line.elements]
        assert any((element.get("from") or "").endswith(f"/{seat.nick}") for element in seen)
        assert not [element for element in seen if SECRET in "".join(element.itertext())]


@pytest.mark.parametrize("kind", ["password", "lobby"])
async def test_a_second_device_of_theirs(deployment: Deployment, kind: str) -> None:
    """It enters too, while the first one leads."""
    who, room = deployment.auth.issue(), room_jid(f"zweitgeraet-{kind}")
    async with deployment.jitsi.participants() as participants:
        await start(participants, who, room, "websocket", kind)
        other = await participants.guest()
        await other.log_in(who, room)
        seat = await enter(other, room)
        await seat.until_moderator()


@pytest.mark.parametrize("kind", ["password", "lobby"])
async def test_a_colleague_knocks_or_types_it(deployment: Deployment, kind: str) -> None:
    """An organiser's login alone is no key to other people's meetings."""
    who, colleague, room = deployment.auth.issue(), deployment.auth.issue(), room_jid(f"fremd-{kind}")
    async with deployment.jitsi.participants() as participants:
        await start(participants, who, room, "bosh", kind)
        other = await participants.guest()
        await other.log_in(colleague, room)
        await assert_kept_out(other, room, kind)


@pytest.mark.parametrize("kind", ["password", "lobby"])
async def test_who_is_suspended_meanwhile(deployment: Deployment, kind: str) -> None:
    """Between jicofo's answer and the join: the meeting is a colleague's now, and stays closed to them."""
    who, room = deployment.auth.issue(), room_jid(f"gesperrt-{kind}")
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        await participants.organiser(deployment.auth.issue(), room)
        await protect(leader, room, kind)
        again = await participants.reload(leader)
        assert not (await again.ask(room)).error
        deployment.auth.suspend(who.username)
        await notices_of([leader.seats[room]])
        await ends_of([again])
        guest = await participants.reload(leader)
        guest.session_id = ""
        await assert_kept_out(guest, room, kind)


async def test_a_wrong_password_is_no_hindrance(deployment: Deployment) -> None:
    """The page may have remembered an older one."""
    who, room = deployment.auth.issue(), room_jid("altes-passwort")
    async with deployment.jitsi.participants() as participants:
        leader = await start(participants, who, room, "tcp", "password")
        again = await participants.reload(leader)
        assert not (await again.ask(room)).error
        seat = await again.join(room, password="the one of yesterday")
        await seat.until_moderator()


async def test_nothing_of_it_is_an_error(deployment: Deployment) -> None:
    """Neither for Prosody nor for the service."""
    assert deployment.complaints == []
