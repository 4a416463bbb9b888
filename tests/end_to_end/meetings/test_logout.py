"""“Log out everywhere” without a suspension: what was is over, and whoever knows the password begins anew."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import TRANSPORTS, VERSIONS
from tests.support.jitsi.participants import notice_nothing, room_jid
from tests.support.jitsi.server import AT_ONCE, MEETING_ENDED, Stage, ends_of, notices_of, open_stage, until


@pytest.fixture(name="stage", scope="module", params=VERSIONS)
def set_stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Stage]:
    """A whole Jitsi and the service that it asks."""
    with open_stage(request.param, tmp_path_factory.mktemp("stage"), sqlite_template) as stage:
        yield stage


async def test_everything_ends_and_a_new_login_begins(stage: Stage) -> None:
    """Meeting, sessions and remembered logins of all his machines; the password counts at once."""
    who, room, elsewhere = stage.county.issue(), room_jid("physik"), room_jid("chemie")
    async with stage.jitsi.people() as people:
        pages = [await people.organiser(who, room, "websocket"), await people.organiser(who, elsewhere)]
        tablet = await people.tablet(who, "bosh")
        pupils = [await people.pupil(room, transport) for transport in TRANSPORTS]

        stage.county.end_sessions(who.username)
        clicked = time.monotonic()
        seats = [pages[0].seats[room], pages[1].seats[elsewhere], *(pupil.seats[room] for pupil in pupils)]
        notices = await notices_of(seats)
        ends = await ends_of([*pages, tablet])
        assert {(notice.kind, notice.text) for notice in notices} == {("destroyed", MEETING_ENDED)}
        assert [end.kind for end in ends] == ["reset"] * 3
        assert max(each.at for each in [*notices, *ends]) - clicked < AT_ONCE
        effect = await stage.county.effect(who.username)
        assert (effect.sessions, effect.meetings, effect.logins) == (3, 2, 2)
        await stage.jitsi.until_logged_out(who.username)

        for page in pages:
            answer = await (await people.reload(page)).ask(room)
            assert (answer.error, answer.is_session_invalid) == ("not-acceptable", True)
        again = await people.organiser(who, room)
        assert not (await (await people.reload(again)).ask(room_jid("naechste"))).error


async def test_it_outlives_a_restart_of_prosody(stage: Stage) -> None:
    """An old session-id is logged out when it appears; one of a login since then opens meetings."""
    who, room = stage.county.issue(), room_jid("erdkunde")
    async with stage.jitsi.people() as people:
        old = await people.organiser(who, room_jid("geschichte"))
        await people.organiser(who, room_jid("politik"))
        stage.jitsi.focus.stop()  # so that no logout reaches it
        stage.county.end_sessions(who.username)
        await ends_of([old])
        await stage.county.effect(who.username)
    await asyncio.to_thread(stage.jitsi.restart)
    assert len(stage.jitsi.focus.logins_of(who.username)) == 2

    async with stage.jitsi.people() as people:
        new = await people.organiser(who, room)
        answer = await (await people.reload(old)).wait_for_host(room_jid("naechste"))
        assert (answer.error, answer.is_session_invalid) == ("not-acceptable", True)
        await stage.jitsi.until_gone(room_jid("naechste"))
        assert {login.session_id for login in stage.jitsi.focus.logins_of(who.username)} >= {new.session_id}
        await until(lambda: old.session_id not in stage.jitsi.focus.authority.logins)

        reloaded = await people.reload(new)
        assert not (await reloaded.ask(room)).error
        assert not (await reloaded.ask(room_jid("uebernaechste"))).error
        await notice_nothing(room, new)


async def test_an_old_session_id_does_not_end_the_new_meeting(stage: Stage) -> None:
    """A tablet that was passed on asks for the room in which its owner, logged in anew, is teaching."""
    who, room = stage.county.issue(), room_jid("religion")
    async with stage.jitsi.people() as people:
        old = await people.organiser(who, room_jid("ethik"))
        stage.jitsi.focus.stop()
        stage.county.end_sessions(who.username)
        await stage.county.effect(who.username)
    await asyncio.to_thread(stage.jitsi.restart)

    async with stage.jitsi.people() as people:
        new, pupil = await people.organiser(who, room), await people.pupil(room)
        assert (await (await people.reload(old)).wait_for_host(room)).is_session_invalid
        for each in (new, pupil):
            await notice_nothing(room, each)


async def test_a_colleague_goes_on(stage: Stage) -> None:
    """As after a suspension: the meeting is the colleague's."""
    who, colleague, room = stage.county.issue(), stage.county.issue(), room_jid("konferenz")
    async with stage.jitsi.people() as people:
        first, second = await people.organiser(who, room), await people.organiser(colleague, room)
        stage.county.end_sessions(who.username)
        [notice] = await notices_of([first.seats[room]])
        [end] = await ends_of([first])
        assert (notice.kind, end.kind) == ("kicked", "reset")
        await stage.county.effect(who.username)
        await notice_nothing(room, second)


async def test_nothing_of_it_is_an_error(stage: Stage) -> None:
    """Neither for Prosody nor for the service."""
    assert stage.complaints == []
