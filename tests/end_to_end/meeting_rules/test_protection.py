"""A meeting is never open to everybody: it has a password or a lobby, and keeps one of them."""

import itertools

import pytest

from tests.support.jitsi.focus import MUC
from tests.support.jitsi.participants import Participant, Participants, room_jid
from tests.support.jitsi.rules import WORDS, by
from tests.support.jitsi.seats import JoinRefusedError
from tests.support.jitsi.server import Deployment
from tests.support.login_server import TRANSPORTS

BY = by("protection", "all")
SECRET = "Igel-Kuchen-7"
PASSWORD, LOBBY = "muc#roomconfig_roomsecret", "muc#roomconfig_membersonly"


async def assert_closed(participants: Participants, room: str) -> None:
    """Fails if somebody without an invitation comes in."""
    stranger = await participants.guest()
    with pytest.raises(JoinRefusedError, match=r"registration-required|not-authorized"):
        await stranger.join(room)


@BY
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_lobby_switches_itself_on(ruled: Deployment, transport: str) -> None:
    """When the organiser enters; a pupil knocks, is admitted, and others knock too."""
    who, room = ruled.auth.issue(), room_jid(f"lobby-{transport}")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room, transport)
        assert "muc_membersonly" in await leader.features_of(room)
        pupil = await participants.guest(transport)
        assert not (await pupil.wait_for_host(room)).error
        await pupil.knock(room)
        await leader.admit(room, pupil)
        await pupil.enter_from_lobby(room)
        await assert_closed(participants, room)


@BY
async def test_before_the_organiser_is_there(ruled: Deployment) -> None:
    """The page waits for its host; who does not ask and comes is refused in words."""
    who, room = ruled.auth.issue(), room_jid("noch-niemand-da")
    async with ruled.jitsi.participants() as participants:
        tablet, guest = await participants.tablet(who), await participants.guest()
        assert not (await tablet.ask(room)).error
        await ruled.jitsi.until_held(room)
        assert (await guest.ask(room)).error == "not-authorized"
        with pytest.raises(JoinRefusedError, match="not-allowed") as refused:
            await guest.join(room)
        assert refused.value.text == WORDS["protection"]


@BY
async def test_after_a_reload_the_organiser_enters_the_lobby_as_its_owner(ruled: Deployment) -> None:
    """Nobody is there who could admit them."""
    who, room = ruled.auth.issue(), room_jid("eigene-lobby")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        await leader.close()
        again = await participants.reload(leader, "websocket")
        assert not (await again.ask(room)).error
        await (await again.join(room)).until_moderator()


@BY
async def test_a_colleague_who_was_admitted_comes_back_too(ruled: Deployment) -> None:
    """After a reload, also when the one who opened the room has gone; whom somebody put out has to knock."""
    who, colleague, room = ruled.auth.issue(), ruled.auth.issue(), room_jid("zu-zweit")
    async with ruled.jitsi.participants() as participants:
        leader, other = await participants.organiser(who, room), await participants.guest()
        await participants.admitted(room, leader)
        assert not (await other.log_in(colleague, room)).error
        assert not (await other.ask(room)).error
        await other.knock(room)
        await leader.admit(room, other)
        await (await other.enter_from_lobby(room)).until_moderator()
        await leader.close()
        await other.close()
        again = await participants.reload(other)
        assert not (await again.ask(room)).error
        await (await again.join(room)).until_moderator()

        assert not (await again.kick(room, again)).error
        third = await participants.reload(again)
        assert not (await third.ask(room)).error
        with pytest.raises(JoinRefusedError, match="registration-required"):
            await third.join(room)


_WISHES = {"password": {PASSWORD: SECRET}, "lobby": {LOBBY: "1"}, "both": {PASSWORD: SECRET, LOBBY: "1"}}
_OFF = [
    {LOBBY: "0"},
    {PASSWORD: ""},
    {PASSWORD: "", LOBBY: "0"},
    {LOBBY: "nonsense"},
    {},
    {PASSWORD: "", LOBBY: ""},
]


@BY
@pytest.mark.parametrize("kind", list(_WISHES))
async def test_the_last_protection_stays(ruled: Deployment, kind: str) -> None:
    """Whatever forms come, in whatever order, from the organiser or from a pupil who was made a moderator."""
    who, room = ruled.auth.issue(), room_jid(f"immer-zu-{kind}")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        pupil = await _promoted_pupil(participants, leader, room)
        for person, first, second in itertools.product([leader, pupil], _OFF, _OFF):
            await leader.submit_form(room, _WISHES[kind])
            for form in (first, second):
                assert (await person.submit_form(room, form)).error == ""
            features = await leader.features_of(room)
            assert features & {"muc_membersonly", "muc_passwordprotected"}, (first, second)
        await assert_closed(participants, room)


async def _promoted_pupil(participants: Participants, leader: Participant, room: str) -> Participant:
    pupil = await participants.admitted(room, leader)
    assert (await leader.promote(room, pupil)).error == ""
    await pupil.seats[room].until_moderator()
    return pupil


@BY
async def test_one_of_two_may_go(ruled: Deployment) -> None:
    """The password while the lobby is on, and the other way round; pages are told to read the room anew."""
    who, room = ruled.auth.issue(), room_jid("eins-von-zwei")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        await leader.set_password(room, SECRET)
        await leader.end_lobby(room)
        features = await leader.features_of(room)
        assert "muc_passwordprotected" in features
        assert "muc_membersonly" not in features
        pupil = await participants.guest()
        await pupil.join(room, password=SECRET)
        await leader.make_members_only(room)
        await leader.set_password(room, "")
        features = await leader.features_of(room)
        assert "muc_membersonly" in features
        assert "muc_passwordprotected" not in features

        told = leader.seats[room].changes
        await leader.end_lobby(room)
        await leader.seats[room].until_changed(told + 1)
        assert "muc_membersonly" in await leader.features_of(room)


@BY
async def test_the_lobby_survives_a_form_that_does_not_speak_of_it(ruled: Deployment) -> None:
    """Who knocks is still there, and is admitted."""
    who, room = ruled.auth.issue(), room_jid("stumme-form")
    async with ruled.jitsi.participants() as participants:
        leader, pupil = await participants.organiser(who, room), await participants.guest()
        await pupil.knock(room)
        assert not (await leader.submit_form(room, {PASSWORD: SECRET})).error
        await leader.admit(room, pupil)
        await pupil.enter_from_lobby(room)


async def test_a_race_against_the_organiser(ruled: Deployment) -> None:
    """Twenty who come at the moment when the room begins to be: none is in before it is closed."""
    who, room = ruled.auth.issue(), room_jid("wettlauf")
    async with ruled.jitsi.participants() as participants:
        racers = [await participants.guest() for _ in range(20)]
        tablet = await participants.tablet(who)
        for racer in racers:
            to = f"{room}/{racer.jid[:8]}"
            await racer.line.send(f"<presence xmlns='jabber:client' to='{to}'><x xmlns='{MUC}'/></presence>")
        assert not (await tablet.ask(room)).error
        for racer in racers:
            with pytest.raises(JoinRefusedError):
                await racer.join(room)
        seat = await tablet.join(room)
        await seat.until_moderator()
        for racer in racers:
            with pytest.raises(JoinRefusedError, match="registration-required"):
                await racer.join(room)
