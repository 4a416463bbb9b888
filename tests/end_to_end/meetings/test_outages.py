"""Whatever is away at the moment of the click, a suspension takes effect when it is back."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from authbridge.clock import utc_now
from authbridge.revocations.status import revocation_status_of
from authbridge.schools.lookup import get_organiser
from tests.support.auth_server import AuthServer, open_auth_server
from tests.support.jitsi.participants import notice_nothing, room_jid
from tests.support.jitsi.server import (
    AT_ONCE,
    Deployment,
    Jitsi,
    assert_told,
    ends_of,
    notices_of,
    open_jitsi,
    until,
)
from tests.support.link import Link
from tests.support.login_server import NEWER, OLDER, VERSIONS, login, newer_first

ONCE_BACK = 5.0  # seconds after a service has started anew


async def test_prosody_is_down(restartable: Deployment) -> None:
    """An organiser who is suspended meanwhile finds the old session-id dead when Prosody is back."""
    who, other = restartable.auth.issue(), restartable.auth.issue()
    async with restartable.jitsi.participants() as participants:
        page = await participants.organiser(who, room_jid("physik"))
        theirs = await participants.organiser(other, room_jid("chemie"))
        await asyncio.to_thread(restartable.jitsi.prosody.stop)
        await ends_of([page, theirs])
    restartable.auth.suspend(who.username)
    await asyncio.to_thread(restartable.jitsi.start_again)

    async with restartable.jitsi.participants() as participants:
        for old, is_in in ((page, False), (theirs, True)):
            reloaded = await participants.reload(old)
            answer = await reloaded.wait_for_host(room_jid(f"weiter-{old.machine_uid}"))
            assert (answer.is_session_invalid, bool(answer.identity)) == (not is_in, is_in)
    assert await login(restartable.jitsi.prosody, "tcp", who.username, who.password) == "account-disabled"
    await restartable.jitsi.until_logged_out(who.username)


@pytest.mark.realtime
@newer_first("restartable")
async def test_the_service_is_down(restartable: Deployment) -> None:
    """Suspended by the command line, straight into the database; the meetings of others go on."""
    who, other = restartable.auth.issue(), restartable.auth.issue()
    room, theirs = room_jid("deutsch"), room_jid("englisch")
    async with restartable.jitsi.participants() as participants:
        page, colleague = await participants.organiser(who, room), await participants.organiser(other, theirs)
        pupil = await participants.pupil(room, "websocket")
        await asyncio.to_thread(restartable.auth.service.stop)
        words = ("suspend", "organiser", who.username, "--reason", "misuse")
        await asyncio.to_thread(restartable.auth.service.command, *words)
        await notice_nothing(room, pupil)

        await asyncio.to_thread(restartable.auth.service.start)
        back = time.monotonic()
        notices = await assert_told([page.seats[room]], [pupil.seats[room]])
        assert max(notice.at for notice in notices) - back < ONCE_BACK
        assert (await restartable.auth.effect(who.username)).meetings == 1
        await notice_nothing(theirs, colleague)


@pytest.mark.realtime
@newer_first("deployment")
async def test_the_focus_hangs(deployment: Deployment) -> None:
    """Meeting and sessions end at once all the same; the remembered login ends when it goes on."""
    who, room = deployment.auth.issue(), room_jid("ausfall-latein")
    focus = deployment.jitsi.focus
    async with deployment.jitsi.participants() as participants:
        page, pupil = await participants.organiser(who, room), await participants.pupil(room, "bosh")
        focus.hang()
        try:
            deployment.auth.suspend(who.username)
            clicked = time.monotonic()
            notices = await notices_of(each.seats[room] for each in (page, pupil))
            notices += await ends_of([page])
            assert max(notice.at for notice in notices) - clicked < AT_ONCE
            effect = await deployment.auth.effect(who.username)
            assert (effect.sessions, effect.meetings, effect.logins) == (1, 1, 0)
        finally:
            focus.wake()
        await deployment.jitsi.until_gone(room)
        reloaded = await participants.reload(page)
        assert (await reloaded.ask(room)).is_session_invalid
        await deployment.jitsi.until_logged_out(who.username)


@pytest.mark.realtime
@newer_first("deployment")
async def test_the_focus_is_away(deployment: Deployment) -> None:
    """It comes back with its logins; that of the suspended one opens nothing."""
    who, room = deployment.auth.issue(), room_jid("ausfall-griechisch")
    focus = deployment.jitsi.focus
    async with deployment.jitsi.participants() as participants:
        page, pupil = await participants.organiser(who, room), await participants.pupil(room, "bosh")
        await asyncio.to_thread(focus.stop)
        deployment.auth.suspend(who.username)
        clicked = time.monotonic()
        notices = await notices_of(each.seats[room] for each in (page, pupil))
        notices += await ends_of([page])
        assert max(notice.at for notice in notices) - clicked < AT_ONCE
        await asyncio.to_thread(focus.start)

        reloaded = await participants.reload(page)
        assert (await reloaded.ask(room)).is_session_invalid
        assert (await reloaded.ask(room, session_id="")).error == "not-authorized"
        assert room not in focus.conferences


@pytest.fixture(name="far_deployment", params=VERSIONS)
def run_far_deployment(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path
) -> Iterator[tuple[Deployment, Link]]:
    """Likewise, with a line between Prosody and the service that can be cut."""
    with (
        open_auth_server(tmp_path / "service", sqlite_template) as auth,
        Link(auth.service.port) as link,
        open_jitsi(request.param, tmp_path / "prosody", auth.service, external_auth_url=link.url) as jitsi,
    ):
        yield Deployment(auth, jitsi), link


async def test_the_line_to_the_service_is_cut(far_deployment: tuple[Deployment, Link]) -> None:
    """Meetings go on meanwhile; once it is mended, what was said meanwhile takes effect."""
    restartable, link = far_deployment
    who, other = restartable.auth.issue(), restartable.auth.issue()
    room, theirs = room_jid("musik"), room_jid("kunst")
    async with restartable.jitsi.participants() as participants:
        page, colleague = await participants.organiser(who, room), await participants.organiser(other, theirs)
        link.cut()
        restartable.auth.suspend(who.username)
        await asyncio.sleep(2)
        await notice_nothing(room, page)

        await asyncio.to_thread(link.drop)
        link.mend()
        await notices_of([page.seats[room]])
        assert (await restartable.auth.effect(who.username)).meetings == 1
        await notice_nothing(theirs, colleague)


@pytest.fixture(name="pair", scope="module")
def set_pair(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[tuple[AuthServer, Jitsi, Jitsi]]:
    """One auth with two Jitsis, west and east."""
    folder = tmp_path_factory.mktemp("pair")
    with (
        open_auth_server(folder / "service", sqlite_template) as auth,
        open_jitsi(OLDER, folder / "west", auth.service, external_auth_node="west") as west,
        open_jitsi(NEWER, folder / "east", auth.service, external_auth_node="east") as east,
    ):
        yield auth, west, east


async def test_two_prosodys_one_click(pair: tuple[AuthServer, Jitsi, Jitsi]) -> None:
    """What runs on either is counted, ends on both, and is added up."""
    auth, *both = pair
    who, room = auth.issue(), room_jid("physik")
    async with contextlib.AsyncExitStack() as stack:
        pages = [
            await (await stack.enter_async_context(jitsi.participants())).organiser(who, room)
            for jitsi in both
        ]
        await until(lambda: auth.running(who.username) == 2)
        auth.suspend(who.username)
        notices = await notices_of(page.seats[room] for page in pages)
        assert {notice.kind for notice in notices} == {"destroyed"}
        effect = await auth.effect(who.username, done=2)
        assert (effect.sessions, effect.meetings, effect.logins, effect.nodes) == (2, 2, 2, 2)
        await until(lambda: auth.running(who.username) == 0)


async def test_one_of_two_prosodys_is_dead(pair: tuple[AuthServer, Jitsi, Jitsi]) -> None:
    """The other one does its part; half a minute later the dead one is named, and it catches up."""
    auth, west, east = pair
    who, room = auth.issue(), room_jid("chemie")
    async with east.participants() as participants:
        page = await participants.organiser(who, room)
        await asyncio.to_thread(west.prosody.kill)
        auth.suspend(who.username)
        await notices_of([page.seats[room]])
        effect = await auth.effect(who.username)
        assert (effect.done, effect.nodes, effect.meetings) == (1, 2, 1)
    with auth.database.read_session() as session:
        later = utc_now() + timedelta(seconds=31)
        late = revocation_status_of(session, get_organiser(session, who.username), now=later)
    assert late is not None
    assert late.late == ("west",)

    await asyncio.to_thread(west.start_again)
    effect = await auth.effect(who.username, done=2)
    assert (effect.done, effect.nodes, effect.late) == (2, 2, ())
    assert await login(west.prosody, "tcp", who.username, who.password) == "account-disabled"


async def test_nothing_of_it_is_an_error(restartable: Deployment) -> None:
    """Neither for Prosody nor for the service."""
    assert restartable.complaints == []
