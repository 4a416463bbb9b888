"""Hostile participants: ways around a rule that somebody tried by hand, and that stay closed."""

from xml.sax.saxutils import escape, quoteattr

import pytest

from tests.support.jitsi.focus import MUC
from tests.support.jitsi.participants import METADATA, Participant, Participants, notice_nothing, room_jid
from tests.support.jitsi.rules import WORDS, by
from tests.support.jitsi.seats import JITMEET, JoinRefusedError, Reply, read_reply
from tests.support.jitsi.server import GUESTS, Deployment, notices_of


async def meeting_with_leading_pupil(
    participants: Participants, ruled: Deployment, room: str
) -> tuple[Participant, Participant]:
    """Returns the organiser and a pupil whom the organiser has made a moderator."""
    leader = await participants.organiser(ruled.auth.issue(), room)
    pupil = await participants.admitted(room, leader)
    assert not (await leader.promote(room, pupil)).error
    await pupil.seats[room].until_moderator()
    return leader, pupil


async def administer(person: Participant, room: str, item: str) -> Reply:
    """Sends an order of a moderator's, as a page never would."""
    return read_reply(await person.line.ask(room, f"<query xmlns='{MUC}#admin'>{item}</query>"))


async def test_a_pupil_who_leads_cannot_ban_everybody(ruled: Deployment) -> None:
    """The organiser would be put out with the host of all guests, and could not come back."""
    room = room_jid("alle-raus")
    async with ruled.jitsi.participants() as participants:
        leader, pupil = await meeting_with_leading_pupil(participants, ruled, room)
        answer = await administer(pupil, room, f"<item affiliation='outcast' jid='{GUESTS}'/>")
        assert answer.error == "not-allowed"
        await notice_nothing(room, leader)


async def test_a_pupil_who_leads_cannot_end_the_room(ruled: Deployment) -> None:
    """Nor send its people to another one; its organiser can."""
    room = room_jid("kein-abbruch")
    async with ruled.jitsi.participants() as participants:
        leader, pupil = await meeting_with_leading_pupil(participants, ruled, room)
        wish = f"<query xmlns='{MUC}#owner'><destroy/></query>"
        assert read_reply(await pupil.line.ask(room, wish)).error == "not-allowed"
        await notice_nothing(room, leader, pupil)
        assert not read_reply(await leader.line.ask(room, wish)).error


async def test_an_organiser_in_a_breakout_room_is_safe_from_a_pupil_who_leads(ruled: Deployment) -> None:
    """From a ban in the main room meanwhile, and from being put out of the breakout room."""
    room = room_jid("hinterruecks")
    async with ruled.jitsi.participants() as participants:
        leader, pupil = await meeting_with_leading_pupil(participants, ruled, room)
        group = await leader.open_breakout()
        await leader.switch_room(room, group)
        assert (await pupil.set_affiliation(room, leader, "outcast")).error == "not-allowed"
        await pupil.switch_room(room, group)
        await pupil.seats[group].until_moderator()
        assert (await pupil.kick(group, leader)).error == "not-allowed"
        await leader.switch_room(group, room)
        await leader.seats[room].until_moderator()


@by("protection", "all")
async def test_a_stranger_who_knows_the_address_of_a_breakout_room(ruled: Deployment) -> None:
    """Comes into it no more than into the meeting; its people do, also with a password and no lobby."""
    room = room_jid("fremde-gruppe")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(ruled.auth.issue(), room)
        await leader.set_password(room, "Igel-Kuchen-7")
        await leader.end_lobby(room)
        pupil, stranger = await participants.guest(), await participants.guest()
        await pupil.join(room, password="Igel-Kuchen-7")
        first, second = await leader.open_breakout(), await leader.open_breakout()
        await leader.switch_room(room, first)
        await pupil.switch_room(room, first)
        with pytest.raises(JoinRefusedError, match="not-allowed"):
            await stranger.join(first)
        await pupil.switch_room(first, second)
        await pupil.switch_room(second, room)


async def test_nobody_reserves_a_nick(ruled: Deployment) -> None:
    """Jitsi's pages never do, and no meeting needs it."""
    room = room_jid("kein-stammplatz")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(ruled.auth.issue(), room)
        item = f"<item affiliation='member' jid='niemand@{GUESTS}' nick='frei'/>"
        assert (await administer(leader, room, item)).error == "not-allowed"


async def test_two_clients_of_an_organiser_under_one_nick(ruled: Deployment) -> None:
    """The second keeps the meeting open, and it ends when both have left."""
    who, room = ruled.auth.issue(), room_jid("doppelt")
    async with ruled.jitsi.participants() as participants:
        first, second = await participants.tablet(who), await participants.tablet(who)
        for tablet in (first, second):
            assert not (await tablet.ask(room)).error
            await (await tablet.join(room, "dieselbe")).until_moderator()
        pupil, late = await participants.admitted(room, first), await participants.guest()
        await first.close()
        assert not (await late.ask(room)).error
        await second.close()
        (notice,) = await notices_of([pupil.seats[room]])
        assert notice.text == WORDS["ending"]


async def test_who_pretends_to_go_to_a_breakout_room_is_a_stranger_once_put_out(ruled: Deployment) -> None:
    """Although they never were in one."""
    room = room_jid("nur-vorgetaeuscht")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(ruled.auth.issue(), room)
        pupil = await participants.admitted(room, leader)
        await leader.open_breakout()
        await pupil.leave_room(room, "switch_room")
        assert not (await leader.set_affiliation(room, pupil, "none")).error
        with pytest.raises(JoinRefusedError, match="registration-required"):
            await pupil.join(room)


@pytest.mark.parametrize(
    "text",
    [
        '{"key": "odd", "data": {"isTranscribingEnabled": true, "other": NaN}}',
        '{"key": "odd", "data": {"isTranscrib\\u0069ngEnabled" : true}}',
    ],
)
async def test_a_text_that_readers_of_json_read_differently(ruled: Deployment, text: str) -> None:
    """Nobody can start a transcription by one that our reader does not understand."""
    room = room_jid("zweideutig")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(ruled.auth.issue(), room)
        heard = len(leader.line.elements)
        wish = f"<room_metadata xmlns='{JITMEET}' room={quoteattr(room)}>{escape(text)}</room_metadata>"
        await leader.line.send(f"<message xmlns='jabber:client' to='{METADATA}'>{wish}</message>")
        await leader.line.ping()
        assert any(WORDS["recording"] in each.itertext() for each in leader.line.elements[heard:])


async def test_a_name_longer_than_any_address(ruled: Deployment) -> None:
    """Nothing is kept of it: thousands would fill Prosody's memory.  An address has at most 3,071 bytes."""
    async with ruled.jitsi.participants() as participants:
        guest = await participants.guest()
        answer = await guest.ask(room_jid("x" * 4_000))
        assert (answer.error, answer.code) == ("not-allowed", "")
