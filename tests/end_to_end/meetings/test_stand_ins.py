"""What the stand-ins for Jitsi's modules do, and what people before their screens do with them."""

import asyncio
from collections.abc import Iterator

import pytest

from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.jitsi.participants import JoinRefusedError, Participant, Participants, Reply, room_jid
from tests.support.jitsi.server import (
    LOBBY,
    MEETINGS,
    Jitsi,
    jitsi_plugins,
    make_prosody,
    notices_of,
    run_jitsi,
)
from tests.support.login_server import VERSIONS

ANNA = IssuedCredential(Username("anna"), "any")
SECRET = "Igel-Kuchen-7"
NEIGHBOURS = ("wait_for_host", "meeting_id", "room_metadata")

# Jitsi's own serves only pages whose URL names the room.
needs_stand_ins = pytest.mark.skipif(jitsi_plugins() is not None, reason="pages without URLs")


@pytest.fixture(name="plain", scope="module", params=VERSIONS)
def run_plain_jitsi(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Jitsi]:
    """A Jitsi without modules of ours; anybody is an organiser."""
    with run_jitsi(make_prosody(request.param, tmp_path_factory.mktemp("plain"))) as jitsi:
        yield jitsi


@pytest.fixture(name="waiting", scope="module", params=VERSIONS)
def run_waiting_jitsi(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Jitsi]:
    """Another one, with all the modules that a test may add."""
    folder = tmp_path_factory.mktemp("waiting")
    with run_jitsi(make_prosody(request.param, folder, neighbours=NEIGHBOURS)) as jitsi:
        yield jitsi


async def knockers(participants: Participants, room: str, *transports: str) -> list[Participant]:
    """People who wait in the lobby of that room."""
    people = [await participants.guest(transport) for transport in transports]
    for person in people:
        assert not (await person.wait_for_host(room)).error
        seat = await person.knock(room)
        assert seat.room == room.replace(MEETINGS, LOBBY)
    return people


async def test_many_are_admitted_at_once(plain: Jitsi) -> None:
    """By one message of a moderator; those it does not name wait on, until the lobby ends."""
    room = room_jid("anklopfen")
    async with plain.participants() as participants:
        leader = await participants.organiser(ANNA, room)
        await leader.make_members_only(room)
        *pupils, last = await knockers(participants, room, "bosh", "websocket", "bosh")
        await leader.admit(room, *pupils)
        seats = [await pupil.enter_from_lobby(room) for pupil in pupils]
        assert {(seat.role, seat.affiliation) for seat in seats} == {("participant", "member")}
        with pytest.raises(JoinRefusedError, match="registration-required"):
            await last.join(room)
        await leader.end_lobby(room)
        assert (await last.enter_from_lobby(room)).affiliation == "none"


async def test_only_moderators_admit(plain: Jitsi) -> None:
    """Invitations of others reach nobody."""
    room = room_jid("nicht-von-allen")
    async with plain.participants() as participants:
        leader = await participants.organiser(ANNA, room)
        await leader.make_members_only(room)
        first, second = await knockers(participants, room, "tcp", "tcp")
        await leader.admit(room, first)
        await first.enter_from_lobby(room)
        await first.admit(room, second)
        await first.line.ping()
        with pytest.raises(JoinRefusedError, match="registration-required"):
            await second.join(room)


async def test_a_password_beside_the_lobby(plain: Jitsi) -> None:
    """The right one opens the door, and who is admitted needs none and reads none."""
    room = room_jid("beides")
    async with plain.participants() as participants:
        leader = await participants.organiser(ANNA, room)
        await leader.make_members_only(room)
        await leader.set_password(room, SECRET)
        assert {"muc_membersonly", "muc_passwordprotected"} <= await leader.features_of(room)
        knows, guesses, asks = [await participants.guest() for _ in range(3)]
        await knows.join(room, password=SECRET)
        assert knows.seats[room].affiliation == "member"
        with pytest.raises(JoinRefusedError, match="registration-required"):
            await guesses.join(room, password="Igel-Torte-7")
        await asks.knock(room)
        await leader.admit(room, asks)
        await asks.enter_from_lobby(room)
        assert not [each for each in asks.line.elements if SECRET in "".join(each.itertext())]


async def test_a_form_that_does_not_name_the_lobby(plain: Jitsi) -> None:
    """Jitsi's lobby ends by it, though the room is for members only as before."""
    room = room_jid("verschwiegen")
    async with plain.participants() as participants:
        leader = await participants.organiser(ANNA, room)
        await leader.make_members_only(room)
        [waiting] = await knockers(participants, room, "tcp")
        assert await leader.submit_form(room, {"muc#roomconfig_roomsecret": SECRET}) == Reply()
        [notice] = await notices_of([waiting.seats[room.replace(MEETINGS, LOBBY)]])
        assert (notice.kind, notice.elsewhere) == ("destroyed", room)
        assert "muc_membersonly" in await leader.features_of(room)


async def test_nobody_records_without_a_recorder(plain: Jitsi) -> None:
    """The focus answers that there is none, so a refusal of ours is another answer."""
    room = room_jid("aufnahme")
    async with plain.participants() as participants:
        leader = await participants.organiser(ANNA, room)
        replies = [await leader.start_recording(room), await leader.start_transcription(room)]
        assert [reply.error for reply in replies] == ["service-unavailable"] * 2


async def test_the_lobby_before_the_host(waiting: Jitsi) -> None:
    """Guests wait in it from the first second; it ends when somebody of the main host joins, who leads."""
    room = room_jid("vor-der-stunde")
    async with waiting.participants() as participants:
        host, guest = await participants.tablet(ANNA), await participants.guest("websocket")
        await host.ask(room)
        with pytest.raises(JoinRefusedError) as refused:
            await guest.join(room)
        assert refused.value.hints == {"waiting-for-host"}
        seat = await guest.knock(room)
        await host.join(room)
        await host.seats[room].until_moderator()
        await guest.enter_from_lobby(room)
        [notice] = await notices_of([seat])
        assert (notice.text, host.seats[room].affiliation) == ("Host arrived.", "owner")
        assert "muc_membersonly" not in await guest.features_of(room)


async def test_a_lobby_keeps_its_room(waiting: Jitsi) -> None:
    """Until the last one has left it too."""
    room = room_jid("geduldig")
    async with waiting.participants() as participants:
        host, guest = await participants.tablet(ANNA), await participants.guest()
        await host.ask(room)
        seat = await guest.knock(room)
        waiting.focus.rooms.initial_timeout = 0.1
        try:
            await host.ask(room)
            await waiting.until_gone(room)
        finally:
            waiting.focus.rooms.initial_timeout = 15
        assert "muc_persistent" in await guest.features_of(room)
        await guest.leave_room(seat.room)
        assert not await guest.features_of(room)


async def test_joins_wait_for_the_focus(waiting: Jitsi) -> None:
    """And then meet all that joins meet."""
    room = room_jid("noch-ohne-focus")
    await asyncio.to_thread(waiting.prosody.shell, "muc", "create", room)
    async with waiting.participants() as participants:
        host, guest = await participants.tablet(ANNA), await participants.guest("bosh")
        joining = asyncio.ensure_future(guest.join(room))
        await guest.line.ping()
        assert not joining.done()
        await host.ask(room)
        with pytest.raises(JoinRefusedError, match="registration-required"):
            await joining


@needs_stand_ins
async def test_metadata_of_a_room(waiting: Jitsi) -> None:
    """What a moderator writes arrives at all; others write nothing."""
    room = room_jid("metadaten")
    async with waiting.participants() as participants:
        host, guest = await participants.tablet(ANNA), await participants.guest()
        await host.ask(room)
        await host.join(room)
        await host.seats[room].until_moderator()
        await guest.join(room)
        await guest.set_metadata(room, "recording", {"isTranscribingEnabled": False})
        await guest.line.ping()
        await host.set_metadata(room, "recording", {"isTranscribingEnabled": True})
        assert await guest.until_told(room, "recording") == {"isTranscribingEnabled": True}


async def test_promoted_and_kicked(waiting: Jitsi) -> None:
    """A moderator makes another one; who is kicked is nothing to the room any more."""
    room = room_jid("befoerdert")
    async with waiting.participants() as participants:
        host, guest = await participants.tablet(ANNA), await participants.guest()
        await host.ask(room)
        await host.join(room)
        seat = await guest.join(room)
        assert (await guest.kick(room, host)).error == "not-allowed"
        assert await host.promote(room, guest) == Reply()
        await seat.until_moderator()
        assert await host.kick(room, guest) == Reply()
        [notice] = await notices_of([seat])
        assert notice.kind == "kicked"
        assert (await guest.join(room)).affiliation == "none"
