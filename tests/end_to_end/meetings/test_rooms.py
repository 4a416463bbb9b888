"""Whose meeting it is: what ends with a suspended organiser, and what colleagues go on with."""

import asyncio
import time

import pytest

from authbridge.clock import utc_now
from authbridge.revocations.status import revocation_status_of
from authbridge.schools.lookup import get_school
from tests.support.factories import make_school
from tests.support.jitsi.participants import notice_nothing, room_jid
from tests.support.jitsi.server import (
    AT_ONCE,
    BREAKOUT,
    LOBBY,
    MEETING_ENDED,
    MEETINGS,
    SUSPENDED,
    Deployment,
    assert_told,
    ends_of,
    notices_of,
)
from tests.support.login_server import TRANSPORTS, newer_first


@pytest.mark.realtime
@newer_first("deployment")
async def test_a_colleague_goes_on_with_the_meeting(deployment: Deployment) -> None:
    """Its starter is taken out; from then on it is the colleague's, and ends with their suspension."""
    who, colleague, room = deployment.auth.issue(), deployment.auth.issue(), room_jid("konferenz")
    async with deployment.jitsi.participants() as participants:
        first, second = (
            await participants.organiser(who, room),
            await participants.organiser(colleague, room, "bosh"),
        )
        pupils = [await participants.pupil(room, transport) for transport in TRANSPORTS]
        deployment.auth.suspend(who.username)
        clicked = time.monotonic()
        [notice] = await notices_of([first.seats[room]])
        [end] = await ends_of([first])
        assert (notice.kind, notice.text, end.kind) == ("destroyed", SUSPENDED, "closed")
        assert max(notice.at, end.at) - clicked < AT_ONCE
        effect = await deployment.auth.effect(who.username)
        assert (effect.sessions, effect.meetings, effect.logins) == (1, 0, 1)
        await notice_nothing(room, second, *pupils)
        assert second.seats[room].role == "moderator"

        deployment.auth.suspend(colleague.username)
        await assert_told([second.seats[room]], [pupil.seats[room] for pupil in pupils])
        assert (await deployment.auth.effect(colleague.username)).meetings == 1


async def test_a_leaked_account_does_not_end_meetings_of_others(deployment: Deployment) -> None:
    """A moderator who had not started it is suspended: only they go, and they do not come back."""
    who, colleague, room = deployment.auth.issue(), deployment.auth.issue(), room_jid("sport")
    async with deployment.jitsi.participants() as participants:
        first, second = await participants.organiser(colleague, room), await participants.organiser(who, room)
        pupil = await participants.pupil(room)
        deployment.auth.suspend(who.username)
        [notice] = await notices_of([second.seats[room]])
        assert notice.text == SUSPENDED
        await ends_of([second])
        await deployment.auth.effect(who.username)
        await notice_nothing(room, first, pupil)

        reloaded = await participants.reload(second)
        assert (await reloaded.ask(room)).is_session_invalid
        # As anybody without a login they may enter a meeting that runs; they lead it no more.
        assert not (await reloaded.ask(room, session_id="")).identity
        await reloaded.join(room)
        await first.line.ping()
        assert reloaded.seats[room].role == "participant"


async def test_a_colleague_who_has_left_keeps_no_meeting(deployment: Deployment) -> None:
    """Neither by leaving the room nor by closing the page."""
    who, colleague = deployment.auth.issue(), deployment.auth.issue()
    rooms = [room_jid("englisch"), room_jid("spanisch")]
    async with deployment.jitsi.participants() as participants:
        pupils = []
        for number, room in enumerate(rooms):
            await participants.organiser(who, room)
            second = await participants.organiser(colleague, room)
            pupils.append(await participants.pupil(room))
            if number == 0:
                await second.leave_room(room)
            else:
                await second.close()
        deployment.auth.suspend(who.username)
        notices = await notices_of(pupil.seats[room] for pupil, room in zip(pupils, rooms, strict=True))
        assert {notice.kind for notice in notices} == {"destroyed"}
        assert (await deployment.auth.effect(who.username)).meetings == 2


@pytest.mark.realtime
@newer_first("deployment")
async def test_a_school_of_fifty_in_ten_meetings(deployment: Deployment) -> None:
    """Every one of them is out and every meeting over within a second; the other school goes on."""
    school = make_school(deployment.auth.database, "voll", "Volle Schule")
    them = [deployment.auth.issue(school) for _ in range(50)]
    rooms = [room_jid(f"klasse-{number}") for number in range(10)]
    other, theirs = deployment.auth.issue(), room_jid("kollegium")
    async with deployment.jitsi.participants() as participants:
        lead = [
            participants.organiser(who, room, TRANSPORTS[number % 3])
            for number, (who, room) in enumerate(zip(them, rooms, strict=False))
        ]
        leaders = await asyncio.gather(*lead, participants.organiser(other, theirs))
        follow = [
            participants.organiser(who, rooms[number % 10], TRANSPORTS[number % 3])
            for number, who in enumerate(them[10:])
        ]
        others = await asyncio.gather(*follow, *(participants.pupil(room) for room in rooms))
        in_rooms = [*leaders[:-1], *others]

        deployment.auth.suspend_school(school)
        clicked = time.monotonic()
        seats = [seat for each in in_rooms for seat in each.seats.values()]
        notices = await notices_of(seats)
        ends = await ends_of(in_rooms[:50])
        assert {notice.kind for notice in notices} == {"destroyed"}
        # Who had not started it may read so, when their colleague is suspended a moment before them.
        assert {notice.text for notice in notices[:50]} <= {SUSPENDED, MEETING_ENDED}
        assert {notice.text for notice in notices[:10]} == {SUSPENDED}
        assert {notice.text for notice in notices[50:]} == {MEETING_ENDED}
        assert {end.kind for end in ends} == {"closed"}
        assert max(each.at for each in [*notices, *ends]) - clicked < AT_ONCE
        await asyncio.gather(*(deployment.auth.effect(who.username) for who in them))
        assert not any(deployment.jitsi.focus.logins_of(who.username) for who in them)
        await notice_nothing(theirs, leaders[-1])

    with deployment.auth.database.read_session() as session:
        effect = revocation_status_of(session, get_school(session, school), now=utc_now())
    assert effect is not None
    assert (effect.sessions, effect.meetings, effect.logins) == (50, 10, 50)


async def test_rooms_of_a_tenant(deployment: Deployment) -> None:
    """They are named by their outside addresses, and are rooms like any other."""
    who, room = deployment.auth.issue(), room_jid("mathe", "gymnasium")
    async with deployment.jitsi.participants() as participants:
        leader, pupil = await participants.organiser(who, room), await participants.pupil(room)
        deployment.auth.suspend(who.username)
        await assert_told([leader.seats[room]], [pupil.seats[room]])


async def test_breakout_rooms_end_with_their_meeting(deployment: Deployment) -> None:
    """Also while nobody is left in the main room, which they keep open; its name is free again."""
    who, room = deployment.auth.issue(), room_jid("gruppenarbeit")
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        pupils = [await participants.pupil(room) for _ in range(2)]
        breakouts = [await leader.open_breakout() for _ in pupils]
        for person, breakout in zip([leader, *pupils], [breakouts[0], *breakouts], strict=True):
            await person.switch_room(room, breakout)

        deployment.auth.suspend(who.username)
        seats = [pupil.seats[breakout] for pupil, breakout in zip(pupils, breakouts, strict=True)]
        await assert_told([leader.seats[breakouts[0]]], seats)
        await ends_of([leader])
        assert (await deployment.auth.effect(who.username)).meetings == 1
        await participants.organiser(deployment.auth.issue(), room)
        assert await rooms_on(deployment, BREAKOUT) == []


async def test_who_is_taken_out_is_so_in_breakout_rooms_too(deployment: Deployment) -> None:
    """The meeting with its breakout rooms is the colleague's, who is in another of them."""
    who, colleague, room = deployment.auth.issue(), deployment.auth.issue(), room_jid("projekt")
    async with deployment.jitsi.participants() as participants:
        first, second = await participants.organiser(who, room), await participants.organiser(colleague, room)
        pupil = await participants.pupil(room)
        one, two = await first.open_breakout(), await first.open_breakout()
        for person, breakout in ((first, one), (pupil, one), (second, two)):
            await person.switch_room(room, breakout)
        deployment.auth.suspend(who.username)
        [notice] = await notices_of([first.seats[one]])
        assert (notice.kind, notice.text) == ("destroyed", SUSPENDED)
        await notice_nothing(one, pupil)
        await notice_nothing(two, second)


async def test_a_lobby_ends_with_its_meeting(deployment: Deployment) -> None:
    """Who waits in it is told, and nothing of it is left."""
    who, room = deployment.auth.issue(), room_jid("sprechstunde")
    lobby = room.replace(MEETINGS, LOBBY)
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        await leader.make_members_only(room)
        waiting = await participants.guest()
        await waiting.join(lobby)
        assert await rooms_on(deployment, LOBBY) == [lobby]

        deployment.auth.suspend(who.username)
        notices = await notices_of([leader.seats[room], waiting.seats[lobby]])
        assert [notice.kind for notice in notices] == ["destroyed"] * 2
        assert await rooms_on(deployment, LOBBY) == []
        fresh = await participants.organiser(deployment.auth.issue(), room)
        pupil = await participants.pupil(room)
        await notice_nothing(room, fresh, pupil)


async def rooms_on(deployment: Deployment, component: str) -> list[str]:
    """The addresses of those that are there."""
    said = await asyncio.to_thread(deployment.jitsi.prosody.shell, "muc", "list", component)
    return [word for line in said.splitlines() for word in line.split() if word.endswith(f"@{component}")]


async def test_nothing_of_it_is_an_error(deployment: Deployment) -> None:
    """Neither for Prosody nor for the service."""
    assert deployment.complaints == []
