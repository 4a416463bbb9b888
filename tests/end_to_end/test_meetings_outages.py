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
from tests.end_to_end.conftest import VERSIONS, login
from tests.end_to_end.jitsi import (
    AT_ONCE,
    MEETING_ENDED,
    County,
    Jitsi,
    Stage,
    ends_of,
    notices_of,
    open_county,
    open_jitsi,
    open_stage,
    until,
)
from tests.end_to_end.link import Link
from tests.end_to_end.people import notice_nothing, room_jid

ONCE_BACK = 5.0  # seconds after a service has started anew


@pytest.fixture(name="stage", scope="module", params=VERSIONS)
def set_stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Stage]:
    """A whole Jitsi and the service that it asks."""
    with open_stage(request.param, tmp_path_factory.mktemp("stage"), sqlite_template) as stage:
        yield stage


async def test_prosody_is_down(stage: Stage) -> None:
    """Who is suspended meanwhile finds his old session-id dead when it is back."""
    who, other = stage.county.issue(), stage.county.issue()
    async with stage.jitsi.people() as people:
        page = await people.organiser(who, room_jid("physik"))
        theirs = await people.organiser(other, room_jid("chemie"))
        await asyncio.to_thread(stage.jitsi.prosody.stop)
        await ends_of([page, theirs])
    stage.county.suspend(who.username)
    await asyncio.to_thread(stage.jitsi.start_again)

    async with stage.jitsi.people() as people:
        for old, is_in in ((page, False), (theirs, True)):
            reloaded = await people.reload(old)
            answer = await reloaded.wait_for_host(room_jid(f"weiter-{old.machine_uid}"))
            assert (answer.is_session_invalid, bool(answer.identity)) == (not is_in, is_in)
    assert await login(stage.jitsi.prosody, "tcp", who.username, who.password) == "account-disabled"
    await stage.jitsi.until_logged_out(who.username)


async def test_the_service_is_down(stage: Stage) -> None:
    """Suspended by the command line, straight into the database; the meetings of others go on."""
    who, other = stage.county.issue(), stage.county.issue()
    room, theirs = room_jid("deutsch"), room_jid("englisch")
    async with stage.jitsi.people() as people:
        page, colleague = await people.organiser(who, room), await people.organiser(other, theirs)
        pupil = await people.pupil(room, "websocket")
        await asyncio.to_thread(stage.county.service.stop)
        words = ("suspend", "organiser", who.username, "--reason", "misuse")
        await asyncio.to_thread(stage.county.service.command, *words)
        await notice_nothing(room, pupil)

        await asyncio.to_thread(stage.county.service.start)
        back = time.monotonic()
        notices = await notices_of(each.seats[room] for each in (page, pupil))
        assert {(notice.kind, notice.text) for notice in notices} == {("destroyed", MEETING_ENDED)}
        assert max(notice.at for notice in notices) - back < ONCE_BACK
        assert (await stage.county.effect(who.username)).meetings == 1
        await notice_nothing(theirs, colleague)


async def test_the_focus_hangs(stage: Stage) -> None:
    """Meeting and sessions end at once all the same; the remembered login ends when it goes on."""
    who, room = stage.county.issue(), room_jid("latein")
    focus = stage.jitsi.focus
    async with stage.jitsi.people() as people:
        page, pupil = await people.organiser(who, room), await people.pupil(room, "bosh")
        focus.hang()
        try:
            stage.county.suspend(who.username)
            clicked = time.monotonic()
            notices = await notices_of(each.seats[room] for each in (page, pupil))
            notices += await ends_of([page])
            assert max(notice.at for notice in notices) - clicked < AT_ONCE
            effect = await stage.county.effect(who.username)
            assert (effect.sessions, effect.meetings, effect.logins) == (1, 1, 0)
        finally:
            focus.wake()
        await stage.jitsi.until_gone(room)
        reloaded = await people.reload(page)
        assert (await reloaded.ask(room)).is_session_invalid
        await stage.jitsi.until_logged_out(who.username)


async def test_the_focus_is_away(stage: Stage) -> None:
    """It comes back with its logins; that of the suspended one opens nothing."""
    who, room = stage.county.issue(), room_jid("griechisch")
    focus = stage.jitsi.focus
    async with stage.jitsi.people() as people:
        page, pupil = await people.organiser(who, room), await people.pupil(room, "bosh")
        await asyncio.to_thread(focus.stop)
        stage.county.suspend(who.username)
        clicked = time.monotonic()
        notices = await notices_of(each.seats[room] for each in (page, pupil))
        notices += await ends_of([page])
        assert max(notice.at for notice in notices) - clicked < AT_ONCE
        await asyncio.to_thread(focus.start)

        reloaded = await people.reload(page)
        assert (await reloaded.ask(room)).is_session_invalid
        assert (await reloaded.ask(room, session_id="")).error == "not-authorized"
        assert room not in focus.conferences


@pytest.fixture(name="far_stage", params=VERSIONS)
def set_far_stage(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path
) -> Iterator[tuple[Stage, Link]]:
    """Likewise, with a line between Prosody and the service that can be cut."""
    with (
        open_county(tmp_path / "service", sqlite_template) as county,
        Link(county.service.port) as link,
        open_jitsi(request.param, tmp_path / "prosody", county.service, external_auth_url=link.url) as jitsi,
    ):
        yield Stage(county, jitsi), link


async def test_the_line_to_the_service_is_cut(far_stage: tuple[Stage, Link]) -> None:
    """Meetings go on meanwhile; once it is mended, what was said meanwhile takes effect."""
    stage, link = far_stage
    who, other = stage.county.issue(), stage.county.issue()
    room, theirs = room_jid("musik"), room_jid("kunst")
    async with stage.jitsi.people() as people:
        page, colleague = await people.organiser(who, room), await people.organiser(other, theirs)
        link.cut()
        stage.county.suspend(who.username)
        await asyncio.sleep(2)
        await notice_nothing(room, page)

        await asyncio.to_thread(link.drop)
        link.mend()
        mended = time.monotonic()
        [notice] = await notices_of([page.seats[room]])
        assert notice.at - mended < ONCE_BACK
        assert (await stage.county.effect(who.username)).meetings == 1
        await notice_nothing(theirs, colleague)


@pytest.fixture(name="pair", scope="module")
def set_pair(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[tuple[County, Jitsi, Jitsi]]:
    """One county with two Jitsis, west and east."""
    folder = tmp_path_factory.mktemp("pair")
    with (
        open_county(folder / "service", sqlite_template) as county,
        open_jitsi("0.12", folder / "west", county.service, external_auth_node="west") as west,
        open_jitsi("13", folder / "east", county.service, external_auth_node="east") as east,
    ):
        yield county, west, east


async def test_two_prosodys_one_click(pair: tuple[County, Jitsi, Jitsi]) -> None:
    """What runs on either is counted, ends on both, and is added up."""
    county, *both = pair
    who, room = county.issue(), room_jid("physik")
    async with contextlib.AsyncExitStack() as stack:
        pages = [
            await (await stack.enter_async_context(jitsi.people())).organiser(who, room) for jitsi in both
        ]
        await until(lambda: county.running(who.username) == 2)
        county.suspend(who.username)
        notices = await notices_of(page.seats[room] for page in pages)
        assert {notice.kind for notice in notices} == {"destroyed"}
        effect = await county.effect(who.username, done=2)
        assert (effect.sessions, effect.meetings, effect.logins, effect.nodes) == (2, 2, 2, 2)
        await until(lambda: county.running(who.username) == 0)


async def test_one_of_two_prosodys_is_dead(pair: tuple[County, Jitsi, Jitsi]) -> None:
    """The other one does its part; half a minute later the dead one is named, and it catches up."""
    county, west, east = pair
    who, room = county.issue(), room_jid("chemie")
    async with east.people() as people:
        page = await people.organiser(who, room)
        await asyncio.to_thread(west.prosody.kill)
        county.suspend(who.username)
        await notices_of([page.seats[room]])
        effect = await county.effect(who.username)
        assert (effect.done, effect.nodes, effect.meetings) == (1, 2, 1)
    with county.database.read_session() as session:
        later = utc_now() + timedelta(seconds=31)
        late = revocation_status_of(session, get_organiser(session, who.username), now=later)
    assert late is not None
    assert late.late == ("west",)

    await asyncio.to_thread(west.start_again)
    effect = await county.effect(who.username, done=2)
    assert (effect.done, effect.nodes, effect.late) == (2, 2, ())
    assert await login(west.prosody, "tcp", who.username, who.password) == "account-disabled"


async def test_nothing_of_it_is_an_error(stage: Stage) -> None:
    """Neither for Prosody nor for the service."""
    assert stage.complaints == []
