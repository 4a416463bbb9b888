"""One click ends it all: the meeting, the sessions, the remembered login; and who is out stays out."""

import asyncio
import time

import pytest

from tests.support.combinations import each_once
from tests.support.factories import make_school
from tests.support.jitsi.participants import Answer, notice_nothing, room_jid
from tests.support.jitsi.server import (
    AT_ONCE,
    Deployment,
    assert_kept_out,
    assert_told,
    ends_of,
    notices_of,
    until,
)
from tests.support.login_server import TRANSPORTS, VERSIONS


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("deployment", "transport"), each_once(VERSIONS, TRANSPORTS), indirect=["deployment"]
)
async def test_the_whole_story(deployment: Deployment, transport: str) -> None:
    """An organiser waits, logs in from the room and leads; pupils join; one suspension ends it at once."""
    who, room = deployment.auth.issue(), room_jid(f"physik-{transport}")
    async with deployment.jitsi.participants() as participants:
        guest = await participants.guest(transport)
        assert (await guest.ask(room)).error == "not-authorized"
        waiting = [asyncio.ensure_future(participants.pupil(room, each)) for each in TRANSPORTS]
        assert (await guest.log_in(who, room)).is_ready
        assert (await guest.ask(room)).identity == f"{who.username}@meet.test"
        seat = await guest.join(room)
        await seat.until_moderator()
        tablet = await participants.tablet(who, transport)
        pupils = [(await pupil).seats[room] for pupil in waiting]

        deployment.auth.suspend(who.username)
        clicked = time.monotonic()
        notices = await assert_told([seat], pupils)
        ends = await ends_of([guest, tablet])

        assert [end.kind for end in ends] == ["closed", "not-authorized"]
        assert max(each.at for each in [*notices, *ends]) - clicked < AT_ONCE

        effect = await deployment.auth.effect(who.username)
        assert (effect.sessions, effect.meetings, effect.logins) == (2, 1, 1)
        assert deployment.jitsi.focus.logins_of(who.username) == []
        await deployment.jitsi.until_gone(room)


async def test_meetings_of_others_notice_nothing(deployment: Deployment) -> None:
    """Neither those in them, nor the focus, nor who opens one just then."""
    who, other = deployment.auth.issue(), deployment.auth.issue("abc")
    room, theirs = room_jid("chemie"), room_jid("biologie")
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(who, room, "websocket")
        others = [await participants.organiser(other, theirs)]
        others += [await participants.pupil(theirs, transport) for transport in TRANSPORTS]
        deployment.auth.suspend(who.username)
        late = await participants.pupil(theirs)
        await notices_of([leader.seats[room]])
        await deployment.auth.effect(who.username)

        for each in [*others, late]:
            await notice_nothing(theirs, each)
        assert others[0].seats[theirs].role == "moderator"
        assert len(deployment.jitsi.focus.logins_of(other.username)) == 1
        assert not (await others[0].ask(theirs)).error


async def test_the_statistics_count_each_meeting_that_was_opened_once(deployment: Deployment) -> None:
    """For the school whose organiser opened it; colleagues and pupils add nothing, the next meeting does."""
    for code in ("stat", "gast"):
        make_school(deployment.auth.database, code)
    who, colleague = deployment.auth.issue("stat"), deployment.auth.issue("gast")
    room, later = room_jid("kunst"), room_jid("musik")
    async with deployment.jitsi.participants() as participants:
        await participants.organiser(who, room)
        await participants.organiser(colleague, room, "websocket")
        await participants.pupil(room)
        await participants.organiser(who, later)
        await until(lambda: deployment.auth.opened("stat") > 0)
    await deployment.jitsi.until_gone(later)
    await until(lambda: deployment.auth.opened("stat") == 2)

    assert deployment.auth.opened("gast") == 0


async def test_who_is_out_stays_out_until_reinstated(deployment: Deployment) -> None:
    """Neither the old session-id nor the password opens a room; after a reinstatement the password does."""
    who, room = deployment.auth.issue(), room_jid("musik")
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        deployment.auth.suspend(who.username)
        await notices_of([leader.seats[room]])
        await assert_kept_out(deployment, who, leader)

        deployment.auth.reinstate(who.username)
        again = await participants.organiser(who, room)
        assert again.session_id != leader.session_id


async def test_an_answer_that_was_on_its_way_opens_nothing(deployment: Deployment) -> None:
    """The focus has let an organiser in and is slow to say so; meanwhile they are suspended."""
    who, room = deployment.auth.issue(), room_jid("latein")
    focus = deployment.jitsi.focus
    async with deployment.jitsi.participants() as participants:
        guest = await participants.guest()
        await guest.log_in(who, room_jid("griechisch"))
        focus.withhold()
        try:
            asking = asyncio.ensure_future(guest.ask(room))
            await deployment.jitsi.until_held(room)
            deployment.auth.suspend(who.username)
            await deployment.auth.effect(who.username)
        finally:
            focus.tell()
        [answer] = await asyncio.gather(asking, return_exceptions=True)
        assert not isinstance(answer, Answer) or answer.is_session_invalid
        # The focus has bound that page, which would need no session-id any more.
        [end] = await ends_of([guest])
        assert end.kind == "not-authorized"
        await deployment.jitsi.until_gone(room)
        await deployment.jitsi.until_logged_out(who.username)


async def test_nothing_of_it_is_an_error_or_tells_a_session_id(deployment: Deployment) -> None:
    """Neither for Prosody nor for the service; no log holds anything to log in with."""
    assert deployment.complaints == []
    log = deployment.jitsi.prosody.log.read_text()
    known = {asked.session_id for asked in deployment.jitsi.focus.log if asked.session_id}
    assert known
    assert not [each for each in known if each in log]
