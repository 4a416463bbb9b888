"""“Log out everywhere” without a suspension: what was is over, and whoever knows the password begins anew."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.jitsi.participants import notice_nothing, room_jid
from tests.support.jitsi.server import (
    AT_ONCE,
    MEETING_ENDED,
    Deployment,
    ends_of,
    notices_of,
    open_deployment,
    until,
)
from tests.support.login_server import TRANSPORTS, VERSIONS


@pytest.fixture(name="deployment", scope="module", params=VERSIONS)
def run_deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Deployment]:
    """A whole Jitsi and the service that it asks."""
    with open_deployment(request.param, tmp_path_factory.mktemp("deployment"), sqlite_template) as deployment:
        yield deployment


async def test_everything_ends_and_a_new_login_begins(deployment: Deployment) -> None:
    """Meeting, sessions and remembered logins of all his machines; the password counts at once."""
    who, room, elsewhere = deployment.auth.issue(), room_jid("physik"), room_jid("chemie")
    async with deployment.jitsi.participants() as participants:
        pages = [
            await participants.organiser(who, room, "websocket"),
            await participants.organiser(who, elsewhere),
        ]
        tablet = await participants.tablet(who, "bosh")
        pupils = [await participants.pupil(room, transport) for transport in TRANSPORTS]

        deployment.auth.end_sessions(who.username)
        clicked = time.monotonic()
        seats = [pages[0].seats[room], pages[1].seats[elsewhere], *(pupil.seats[room] for pupil in pupils)]
        notices = await notices_of(seats)
        ends = await ends_of([*pages, tablet])
        assert {(notice.kind, notice.text) for notice in notices} == {("destroyed", MEETING_ENDED)}
        assert [end.kind for end in ends] == ["reset"] * 3
        assert max(each.at for each in [*notices, *ends]) - clicked < AT_ONCE
        effect = await deployment.auth.effect(who.username)
        assert (effect.sessions, effect.meetings, effect.logins) == (3, 2, 2)
        await deployment.jitsi.until_logged_out(who.username)

        for page in pages:
            answer = await (await participants.reload(page)).ask(room)
            assert (answer.error, answer.is_session_invalid) == ("not-acceptable", True)
        again = await participants.organiser(who, room)
        assert not (await (await participants.reload(again)).ask(room_jid("naechste"))).error


async def test_it_outlives_a_restart_of_prosody(deployment: Deployment) -> None:
    """An old session-id is logged out when it appears; one of a login since then opens meetings."""
    who, room = deployment.auth.issue(), room_jid("erdkunde")
    async with deployment.jitsi.participants() as participants:
        old = await participants.organiser(who, room_jid("geschichte"))
        await participants.organiser(who, room_jid("politik"))
        deployment.jitsi.focus.stop()  # so that no logout reaches it
        deployment.auth.end_sessions(who.username)
        await ends_of([old])
        await deployment.auth.effect(who.username)
    await asyncio.to_thread(deployment.jitsi.restart)
    assert len(deployment.jitsi.focus.logins_of(who.username)) == 2

    async with deployment.jitsi.participants() as participants:
        new = await participants.organiser(who, room)
        answer = await (await participants.reload(old)).wait_for_host(room_jid("naechste"))
        assert (answer.error, answer.is_session_invalid) == ("not-acceptable", True)
        await deployment.jitsi.until_gone(room_jid("naechste"))
        assert {login.session_id for login in deployment.jitsi.focus.logins_of(who.username)} >= {
            new.session_id
        }
        await until(lambda: old.session_id not in deployment.jitsi.focus.authority.logins)

        reloaded = await participants.reload(new)
        assert not (await reloaded.ask(room)).error
        assert not (await reloaded.ask(room_jid("uebernaechste"))).error
        await notice_nothing(room, new)


async def test_an_old_session_id_does_not_end_the_new_meeting(deployment: Deployment) -> None:
    """A tablet that was passed on asks for the room in which its owner, logged in anew, is teaching."""
    who, room = deployment.auth.issue(), room_jid("religion")
    async with deployment.jitsi.participants() as participants:
        old = await participants.organiser(who, room_jid("ethik"))
        deployment.jitsi.focus.stop()
        deployment.auth.end_sessions(who.username)
        await deployment.auth.effect(who.username)
    await asyncio.to_thread(deployment.jitsi.restart)

    async with deployment.jitsi.participants() as participants:
        new, pupil = await participants.organiser(who, room), await participants.pupil(room)
        assert (await (await participants.reload(old)).wait_for_host(room)).is_session_invalid
        for each in (new, pupil):
            await notice_nothing(room, each)


async def test_a_colleague_goes_on(deployment: Deployment) -> None:
    """As after a suspension: the meeting is the colleague's."""
    who, colleague, room = deployment.auth.issue(), deployment.auth.issue(), room_jid("konferenz")
    async with deployment.jitsi.participants() as participants:
        first, second = await participants.organiser(who, room), await participants.organiser(colleague, room)
        deployment.auth.end_sessions(who.username)
        [notice] = await notices_of([first.seats[room]])
        [end] = await ends_of([first])
        assert (notice.kind, end.kind) == ("kicked", "reset")
        await deployment.auth.effect(who.username)
        await notice_nothing(room, second)


async def test_nothing_of_it_is_an_error(deployment: Deployment) -> None:
    """Neither for Prosody nor for the service."""
    assert deployment.complaints == []
