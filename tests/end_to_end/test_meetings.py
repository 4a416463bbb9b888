"""One click ends it all: the meeting, the sessions, the remembered login; and who is out stays out."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from authbridge.schools.commands.organisers import IssuedCredential
from tests.end_to_end.conftest import TRANSPORTS, VERSIONS, login
from tests.end_to_end.jitsi import AT_ONCE, MEETING_ENDED, Stage, ends_of, notices_of, open_stage
from tests.end_to_end.people import Answer, Participant, notice_nothing, room_jid


@pytest.fixture(name="stage", scope="module", params=VERSIONS)
def set_stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Stage]:
    """A whole Jitsi and the service that it asks."""
    with open_stage(request.param, tmp_path_factory.mktemp("stage"), sqlite_template) as stage:
        yield stage


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_whole_story(stage: Stage, transport: str) -> None:
    """He waits, logs in from the room and leads; pupils join; suspended, and all of it is over at once."""
    who, room = stage.county.issue(), room_jid(f"physik-{transport}")
    async with stage.jitsi.people() as people:
        guest = await people.guest(transport)
        assert (await guest.ask(room)).error == "not-authorized"
        waiting = [asyncio.ensure_future(people.pupil(room, each)) for each in TRANSPORTS]
        assert (await guest.log_in(who, room)).is_ready
        assert (await guest.ask(room)).identity == f"{who.username}@meet.test"
        seat = await guest.join(room)
        await seat.until_moderator()
        tablet = await people.tablet(who, transport)
        seats = [seat, *[(await pupil).seats[room] for pupil in waiting]]

        stage.county.suspend(who.username)
        clicked = time.monotonic()
        notices = await notices_of(seats)
        ends = await ends_of([guest, tablet])

        assert {(notice.kind, notice.text) for notice in notices} == {("destroyed", MEETING_ENDED)}
        assert [end.kind for end in ends] == ["not-authorized"] * 2
        assert max(each.at for each in [*notices, *ends]) - clicked < AT_ONCE

        effect = await stage.county.effect(who.username)
        assert (effect.sessions, effect.meetings, effect.logins) == (2, 1, 1)
        assert stage.jitsi.focus.logins_of(who.username) == []
        await stage.jitsi.until_gone(room)


async def test_meetings_of_others_notice_nothing(stage: Stage) -> None:
    """Neither those in them, nor the focus, nor who opens one just then."""
    who, other = stage.county.issue(), stage.county.issue("abc")
    room, theirs = room_jid("chemie"), room_jid("biologie")
    async with stage.jitsi.people() as people:
        leader = await people.organiser(who, room, "websocket")
        others = [await people.organiser(other, theirs)]
        others += [await people.pupil(theirs, transport) for transport in TRANSPORTS]
        stage.county.suspend(who.username)
        late = await people.pupil(theirs)
        await notices_of([leader.seats[room]])
        await stage.county.effect(who.username)

        for each in [*others, late]:
            await notice_nothing(theirs, each)
        assert others[0].seats[theirs].role == "moderator"
        assert len(stage.jitsi.focus.logins_of(other.username)) == 1
        assert not (await others[0].ask(theirs)).error


async def test_who_is_out_stays_out_until_reinstated(stage: Stage) -> None:
    """Neither the old session-id nor the password opens a room; once he is reinstated, the password does."""
    who, room = stage.county.issue(), room_jid("musik")
    async with stage.jitsi.people() as people:
        leader = await people.organiser(who, room)
        stage.county.suspend(who.username)
        await notices_of([leader.seats[room]])
        await is_kept_out(stage, who, leader)

        stage.county.reinstate(who.username)
        again = await people.organiser(who, room)
        assert again.session_id != leader.session_id


async def test_a_restart_of_prosody_lets_nobody_in_again(stage: Stage) -> None:
    """The module has forgotten everything and the focus nothing: its answer names whom it lets in."""
    who, other = stage.county.issue(), stage.county.issue()
    room, theirs = room_jid("kunst"), room_jid("werken")
    async with stage.jitsi.people() as people:
        leader = await people.organiser(who, room)
        colleague = await people.organiser(other, theirs)
        stage.jitsi.focus.stop()  # so that no logout reaches it
        stage.county.suspend(who.username)
        await notices_of([leader.seats[room]])
        await stage.county.effect(who.username)
    await asyncio.to_thread(stage.jitsi.restart)
    assert len(stage.jitsi.focus.logins_of(who.username)) == 1

    await is_kept_out(stage, who, leader)
    await stage.jitsi.until_logged_out(who.username)
    async with stage.jitsi.people() as people:
        reloaded = await people.reload(colleague)
        assert (await reloaded.ask(theirs)).identity == f"{other.username}@meet.test"
        stage.county.reinstate(who.username)
        await people.organiser(who, room)


async def is_kept_out(stage: Stage, who: IssuedCredential, page: Participant) -> None:
    """Tries every way in that he has, from the machine of that page."""
    for number, transport in enumerate(TRANSPORTS):
        room = room_jid(f"naechste-{number}")
        async with stage.jitsi.people() as people:
            first, second = await people.guest(transport), await people.guest(transport)
            first.machine_uid = second.machine_uid = page.machine_uid
            first.session_id = page.session_id
            answer = await first.wait_for_host(room)
            assert (answer.error, answer.is_session_invalid) == ("not-acceptable", True)
            assert (await second.ask(room)).error == "not-authorized"
        assert await login(stage.jitsi.prosody, transport, who.username, who.password) == "account-disabled"
        await stage.jitsi.until_gone(room)


async def test_an_answer_that_was_on_its_way_opens_nothing(stage: Stage) -> None:
    """The focus has let him in and is slow to say so; meanwhile he is suspended."""
    who, room = stage.county.issue(), room_jid("latein")
    focus = stage.jitsi.focus
    async with stage.jitsi.people() as people:
        guest = await people.guest()
        await guest.log_in(who, room_jid("griechisch"))
        focus.withhold()
        try:
            asking = asyncio.ensure_future(guest.ask(room))
            await stage.jitsi.until_held(room)
            stage.county.suspend(who.username)
            await stage.county.effect(who.username)
        finally:
            focus.tell()
        [answer] = await asyncio.gather(asking, return_exceptions=True)
        assert not isinstance(answer, Answer) or answer.is_session_invalid
        # The focus has bound that page, which would need no session-id any more.
        [end] = await ends_of([guest])
        assert end.kind == "not-authorized"
        await stage.jitsi.until_gone(room)
        await stage.jitsi.until_logged_out(who.username)


async def test_nothing_of_it_is_an_error_or_tells_a_session_id(stage: Stage) -> None:
    """Neither for Prosody nor for the service; whoever reads a log finds nothing to log in with."""
    assert stage.complaints == []
    log = stage.jitsi.prosody.log.read_text()
    known = {asked.session_id for asked in stage.jitsi.focus.log if asked.session_id}
    assert known
    assert not [each for each in known if each in log]
