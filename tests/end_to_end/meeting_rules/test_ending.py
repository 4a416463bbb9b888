"""The organiser leaves last: without one nobody new gets in, and after a while the meeting ends for all."""

import asyncio

import pytest

from tests.support.jitsi.participants import Participant, Participants, notice_nothing, room_jid
from tests.support.jitsi.rules import GRACE, WORDS, by
from tests.support.jitsi.seats import JoinRefusedError
from tests.support.jitsi.server import MEETING_ENDED, Deployment, notices_of
from tests.support.login_server import TRANSPORTS

BY = by("ending", "all")


async def pupil_in(
    participants: Participants, leader: Participant, room: str, transport: str = "tcp"
) -> Participant:
    """Returns a pupil whom the organiser has let in, by the lobby if there is one."""
    if "muc_membersonly" in await leader.features_of(room):
        return await participants.admitted(room, leader, transport)
    return await participants.pupil(room, transport)


@BY
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_end(ruled: Deployment, transport: str) -> None:
    """Meanwhile a page waits for its host, and one that just comes reads why; then all read the reason."""
    who, room = ruled.auth.issue(), room_jid(f"schluss-{transport}")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room, transport)
        pupil = await pupil_in(participants, leader, room, transport)
        late = await participants.guest(transport)
        await leader.close()
        assert (await late.ask(room)).error == "not-authorized"
        with pytest.raises(JoinRefusedError, match="not-allowed") as refused:
            await late.join(room)
        assert refused.value.text == WORDS["waiting"]
        (notice,) = await notices_of([pupil.seats[room]])
        assert (notice.kind, notice.text) == ("destroyed", WORDS["ending"])
        await ruled.jitsi.until_gone(room)
        assert (await late.ask(room)).error == "not-authorized"


@BY
async def test_a_reload_harms_nothing(ruled: Deployment) -> None:
    """The organiser comes back within the grace time, and the meeting goes on."""
    who, room = ruled.auth.issue(), room_jid("kurz-weg")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        pupil = await pupil_in(participants, leader, room)
        for _ in range(2):
            await leader.close()
            leader = await participants.reload(leader)
            assert not (await leader.ask(room)).error
            await (await leader.join(room)).until_moderator()
        await asyncio.sleep(GRACE * 1.5)  # nothing must happen
        await notice_nothing(room, leader, pupil)


@BY
async def test_a_second_organiser_keeps_it_open(ruled: Deployment) -> None:
    """Until that one goes as well."""
    who, colleague, room = ruled.auth.issue(), ruled.auth.issue(), room_jid("vertretung")
    async with ruled.jitsi.participants() as participants:
        leader, other = await participants.organiser(who, room), await participants.guest()
        assert not (await other.log_in(colleague, room)).error
        assert not (await other.ask(room)).error
        pupil = await pupil_in(participants, leader, room)
        if "muc_membersonly" in await leader.features_of(room):
            await other.knock(room)
            await leader.admit(room, other)
            await other.enter_from_lobby(room)
        else:
            await other.join(room)
        await leader.close()
        await asyncio.sleep(GRACE * 1.5)  # nothing must happen
        await notice_nothing(room, other, pupil)
        await other.close()
        (notice,) = await notices_of([pupil.seats[room]])
        assert notice.text == WORDS["ending"]


@BY
async def test_nobody_inherits_it(ruled: Deployment) -> None:
    """A pupil whom the organiser made a moderator leads on for no longer than anybody else."""
    who, room = ruled.auth.issue(), room_jid("kein-erbe")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        pupil = await pupil_in(participants, leader, room)
        assert not (await leader.promote(room, pupil)).error
        await pupil.seats[room].until_moderator()
        await leader.close()
        (notice,) = await notices_of([pupil.seats[room]])
        assert notice.text == WORDS["ending"]
        again = await participants.reload(pupil)
        assert (await again.ask(room)).error == "not-authorized"
        with pytest.raises(JoinRefusedError, match="not-allowed"):
            await again.join(room)


@BY
async def test_a_promoted_pupil_cannot_put_the_organiser_out(ruled: Deployment) -> None:
    """Nor take the lead from them, nor ban them; other pupils they may put out."""
    who, room = ruled.auth.issue(), room_jid("meuterei")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        pupil, mate = await pupil_in(participants, leader, room), await pupil_in(participants, leader, room)
        assert not (await leader.promote(room, pupil)).error
        await pupil.seats[room].until_moderator()
        for affiliation in ("none", "member", "admin", "outcast"):
            assert (await pupil.set_affiliation(room, leader, affiliation)).error == "not-allowed"
        assert (await pupil.kick(room, leader)).error == "not-allowed"
        await notice_nothing(room, leader)
        assert leader.seats[room].affiliation == "owner"
        assert not (await pupil.kick(room, mate)).error
        assert not (await leader.set_affiliation(room, pupil, "none")).error


async def test_resurrection(ruled: Deployment) -> None:
    """During the grace time and after it, by pages that were inside, and by new ones."""
    who, room = ruled.auth.issue(), room_jid("auferstehung")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        pupil = await pupil_in(participants, leader, room)
        assert not (await leader.promote(room, pupil)).error
        await pupil.seats[room].until_moderator()
        mate = await participants.guest()
        await leader.close()
        seat = pupil.seats[room]
        while not seat.out.done():
            await pupil.admit(room, mate)
            assert (await mate.ask(room)).error == "not-authorized"
            with pytest.raises(JoinRefusedError):
                await mate.join(room)
        for _ in range(3):
            assert (await mate.ask(room)).error == "not-authorized"
            with pytest.raises(JoinRefusedError) as refused:
                await mate.join(room)
            assert refused.value.text == WORDS["opening"]


@BY
async def test_an_organiser_whose_line_is_cut_is_not_there(ruled: Deployment) -> None:
    """Prosody keeps the page for minutes, so that it could go on; the meeting does not wait as long."""
    who, room = ruled.auth.issue(), room_jid("im-tunnel")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room, "websocket")
        pupil = await pupil_in(participants, leader, room)
        await leader.manage_stream()
        await leader.line.cut()
        (notice,) = await notices_of([pupil.seats[room]])
        assert notice.text == WORDS["ending"]


@BY
async def test_a_suspended_organisers_room_ends_without_grace(ruled: Deployment) -> None:
    """As without the rules."""
    who, room = ruled.auth.issue(), room_jid("sofort")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        pupil = await pupil_in(participants, leader, room)
        ruled.auth.suspend(who.username)
        (notice,) = await notices_of([pupil.seats[room]])
        assert (notice.kind, notice.text) == ("destroyed", MEETING_ENDED)


@BY
async def test_breakout_rooms(ruled: Deployment) -> None:
    """An organiser in one is in the meeting; people come back without knocking; all rooms end together."""
    who, room = ruled.auth.issue(), room_jid("gruppenarbeit")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        pupil, mate = await pupil_in(participants, leader, room), await pupil_in(participants, leader, room)
        group = await leader.open_breakout()
        await pupil.switch_room(room, group)
        await leader.switch_room(room, group)
        await asyncio.sleep(GRACE * 1.5)  # nothing must happen
        await notice_nothing(room, mate)
        await pupil.switch_room(group, room)
        await pupil.switch_room(room, group)
        await leader.close()
        for person, where in ((pupil, group), (mate, room)):
            (notice,) = await notices_of([person.seats[where]])
            assert (notice.kind, notice.text) == ("destroyed", WORDS["ending"])


async def test_who_is_put_out_of_a_breakout_room_is_a_stranger(ruled: Deployment) -> None:
    """Going to one is no ticket for ever."""
    who, room = ruled.auth.issue(), room_jid("kein-freibrief")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        pupil = await pupil_in(participants, leader, room)
        group = await leader.open_breakout()
        await pupil.switch_room(room, group)
        assert not (await leader.set_affiliation(room, pupil, "none")).error
        await pupil.leave_room(group)
        with pytest.raises(JoinRefusedError, match="registration-required"):
            await pupil.join(room)
