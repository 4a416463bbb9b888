"""What jicofo does without an answer, before it, or under another name, and the guard must notice anyway."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential
from tests.end_to_end.conftest import TRANSPORTS, VERSIONS
from tests.end_to_end.jitsi import (
    BREWERY,
    FOCUS_HOST,
    MEETING_ENDED,
    Stage,
    ends_of,
    notices_of,
    open_stage,
    start_prosody,
    until,
)
from tests.end_to_end.passers_by import known_to_module
from tests.end_to_end.people import Answer, Participant, People, new_participant, notice_nothing, room_jid

NO_ANSWER = 1.0  # seconds
HIBERNATION = 1.0  # seconds in which a focus that is cut off counts as there


@pytest.fixture(name="stage", scope="module", params=VERSIONS)
def set_stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Stage]:
    """A whole Jitsi and the service that it asks."""
    folder = tmp_path_factory.mktemp("stage")
    with open_stage(request.param, folder, sqlite_template, hibernation=HIBERNATION) as stage:
        yield stage


async def ask_in_vain(page: Participant, room: str, **changes: str) -> Answer | None:
    """Asks for a room; None if there is no answer."""
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(page.ask(room, **changes), NO_ANSWER)
    return None


@contextlib.contextmanager
def joins_that_fail(stage: Stage) -> Iterator[None]:
    """Meanwhile the focus gets into no room, and answers nobody who asked for it."""
    rooms = stage.jitsi.focus.rooms
    before, rooms.reply_timeout = rooms.reply_timeout, NO_ANSWER / 4
    stage.jitsi.focus.hold_joins()
    try:
        yield
    finally:
        stage.jitsi.focus.let_join()
        rooms.reply_timeout = before


async def until_informed(page: Participant) -> None:
    """Returns when Prosody has heard who is suspended; until then an unknown session-id has to wait."""
    while (  # noqa: ASYNC110 - it happens in Prosody
        await page.ask(room_jid("nachrichten"), session_id="unbekannt")
    ).error == "not-authorized":
        await asyncio.sleep(0.05)


# 1: after a restart of Prosody -----------------------------------------------------------------------


@pytest.fixture(name="remembered")
def remember(stage: Stage) -> tuple[IssuedCredential, Participant]:
    """Somebody who is suspended, and the page whose session-id the focus remembers and Prosody does not."""
    who = stage.county.issue()

    async def prepare() -> Participant:
        async with stage.jitsi.people() as people:
            return await people.organiser(who, room_jid("vorher"))

    page = asyncio.run(prepare())
    stage.jitsi.focus.stop()  # politely, or else it would repeat an answer that names the suspended one
    stage.jitsi.prosody.stop()
    stage.county.suspend(who.username)
    start_prosody(stage.jitsi.prosody)
    stage.jitsi.focus.start()
    return who, page


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_login_of_which_no_answer_told(
    stage: Stage, remembered: tuple[IssuedCredential, Participant], transport: str
) -> None:
    """The focus has bound the page and could not say so: it opens no meeting, and leads nobody's."""
    who, before = remembered
    room, theirs = room_jid(f"heimlich-{transport}"), room_jid(f"stunde-{transport}")
    async with stage.jitsi.people() as people:
        colleague = await people.organiser(stage.county.issue(), theirs)
        page = await people.guest(transport)
        page.machine_uid = before.machine_uid
        await until_informed(page)
        with joins_that_fail(stage):
            assert await ask_in_vain(page, room_jid("vergeblich"), session_id=before.session_id) is None
        assert stage.jitsi.focus.authority.of_client(page.jid) is not None

        assert (await page.ask(room)).error == "not-authorized"
        await stage.jitsi.until_gone(room)
        assert not (await page.ask(theirs)).error  # as any guest
        seat = await page.join(theirs)
        await colleague.line.ping()
        assert (seat.role, seat.affiliation) == ("participant", "none")
        await notice_nothing(theirs, colleague)
    assert stage.county.running(who.username) == 0


@pytest.mark.parametrize(
    "room",
    [
        "raum@nirgends.example",
        "raum@internal.auth.meet.test",
        "raum@lobby.meet.test",
        "raum@breakout.meet.test",
        "raum@conference.a.b.meet.test",
        "[ohg]raum@conference.meet.test",
        "straße@conference.meet.test",
        "raum@conference.meet.test/focus",
        "conference.meet.test",
        " @conference.meet.test",
    ],
)
async def test_rooms_in_which_nobody_meets(stage: Stage, room: str) -> None:
    """A request for one never reaches the focus, which would believe it and say nothing."""
    async with stage.jitsi.people() as people:
        page = await people.organiser(stage.county.issue(), room_jid("anderswo"))
        asked = len(stage.jitsi.focus.log)
        answer = await ask_in_vain(page, room)
        assert answer is not None
        assert answer.error == "not-allowed"
        assert len(stage.jitsi.focus.log) == asked


# 2: before the click ---------------------------------------------------------------------------------


async def test_the_same_before_the_click(stage: Stage) -> None:
    """Page and meeting are the organiser's, although no answer has named anybody, and end with them."""
    who, room = stage.county.issue(), room_jid("zweitens")
    async with stage.jitsi.people() as people:
        first = await people.organiser(who, room_jid("erstens"))
        page = await people.reload(first)
        with joins_that_fail(stage):
            assert await ask_in_vain(page, room_jid("auch-vergeblich")) is None
        assert not (await page.ask(room, session_id="")).error
        seat = await page.join(room)
        await seat.until_moderator()
        mate = await people.pupil(room)

        stage.county.suspend(who.username)
        notices = await notices_of([seat, mate.seats[room]])
        assert [notice.kind for notice in notices] == ["destroyed"] * 2
        [end] = await ends_of([page])
        assert end.kind == "not-authorized"
        assert (await stage.county.effect(who.username)).meetings == 2


# 3: tenants ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_meetings_of_tenants(stage: Stage, transport: str) -> None:
    """They are counted under their organiser, end with them, and nobody gets in afterwards."""
    who, room = stage.county.issue(), room_jid(f"physik-{transport}", tenant="ohg")
    async with stage.jitsi.people() as people:
        leader = await people.organiser(who, room, transport)
        pupils = [await people.pupil(room, each) for each in TRANSPORTS]
        await until(lambda: stage.county.running(who.username) == 1)

        stage.county.suspend(who.username)
        notices = await notices_of(each.seats[room] for each in (leader, *pupils))
        assert {(notice.kind, notice.text) for notice in notices} == {("destroyed", MEETING_ENDED)}
        assert (await stage.county.effect(who.username)).meetings == 1
        await stage.jitsi.until_gone(room)
        assert (await (await people.guest()).ask(room)).error == "not-authorized"
        await until(lambda: stage.county.running(who.username) == 0)


async def test_breakout_rooms_of_tenants(stage: Stage) -> None:
    """They end with their meeting."""
    who, room = stage.county.issue(), room_jid("gruppenarbeit", tenant="ohg")
    async with stage.jitsi.people() as people:
        leader, pupil = await people.organiser(who, room), await people.pupil(room)
        seat = await pupil.switch_room(room, await leader.open_breakout())
        stage.county.suspend(who.username)
        notices = await notices_of([leader.seats[room], seat])
        assert {(notice.kind, notice.text) for notice in notices} == {("destroyed", MEETING_ENDED)}
        assert (await stage.county.effect(who.username)).meetings == 1


# 4: the bridges --------------------------------------------------------------------------------------


async def test_the_room_of_the_bridges(stage: Stage) -> None:
    """A request for it founds no meeting, and a suspension does not end it."""
    who = stage.county.issue()
    credential = IssuedCredential(Username("jvb"), "any")
    bridge = await new_participant(stage.jitsi.prosody, "tcp", FOCUS_HOST, credential)
    async with stage.jitsi.people() as people:
        await bridge.join(BREWERY)
        leader = await people.organiser(who, room_jid("mit-bild"))
        answer = await ask_in_vain(leader, BREWERY)
        stage.county.suspend(who.username)
        await notices_of([leader.seats[room_jid("mit-bild")]])
        assert (await stage.county.effect(who.username)).meetings == 1
        await notice_nothing(BREWERY, bridge)
        assert answer is not None
        assert answer.error == "not-allowed"
    await bridge.close()


# 5: two at the same moment ---------------------------------------------------------------------------


async def log_in(stage: Stage, people: People, credential: IssuedCredential) -> Participant:
    """A page that shows a session-id, and no meeting."""
    page, room, rooms = await people.guest(), room_jid("anmeldung"), stage.jitsi.focus.rooms
    before, rooms.initial_timeout = rooms.initial_timeout, 0.1
    await page.log_in(credential, room)
    await stage.jitsi.until_gone(room)
    rooms.initial_timeout = before
    return page


@pytest.mark.parametrize("stays", [False, True])
async def test_two_open_a_meeting_at_the_same_moment(stage: Stage, *, stays: bool) -> None:
    """It is that of the first, whom the focus answers last; and goes on with the second who is in it."""
    who, other, room = stage.county.issue(), stage.county.issue(), room_jid(f"zugleich-{stays}".lower())
    focus = stage.jitsi.focus
    async with stage.jitsi.people() as people:
        first, second = [await log_in(stage, people, each) for each in (who, other)]
        focus.hold_joins()
        try:
            asking = asyncio.ensure_future(first.ask(room))
            await stage.jitsi.until_opening(room)
            answer = await second.ask(room)
            assert (answer.identity, answer.is_ready) == (f"{other.username}@meet.test", False)
        finally:
            focus.let_join()
        assert (await asking).is_ready
        seat, second_seat = await first.join(room), await second.join(room)
        pupil = await people.pupil(room)
        if not stays:
            await second.leave_room(room)
        stage.county.suspend(who.username)
        [notice] = await notices_of([seat])
        effect = await stage.county.effect(who.username)
        if stays:
            assert (notice.kind, effect.meetings) == ("kicked", 0)
            await notice_nothing(room, second, pupil)
            assert second_seat.role == "moderator"
        else:
            assert (notice.kind, effect.meetings) == ("destroyed", 1)
            await notices_of([pupil.seats[room]])


async def test_a_starter_who_never_came(stage: Stage) -> None:
    """The meeting is that of the organiser who leads it."""
    who, other, room = stage.county.issue(), stage.county.issue(), room_jid("nie-gekommen")
    async with stage.jitsi.people() as people:
        absent = await log_in(stage, people, who)
        assert (await absent.ask(room)).is_ready
        await absent.close()
        leader = await people.organiser(other, room)
        pupil = await people.pupil(room)
        stage.county.suspend(other.username)
        notices = await notices_of([leader.seats[room], pupil.seats[room]])
        assert [notice.kind for notice in notices] == ["destroyed"] * 2
        assert (await stage.county.effect(other.username)).meetings == 1


# 6: a meeting that no longer exists ------------------------------------------------------------------


async def test_an_answer_that_comes_once_more(stage: Stage) -> None:
    """After a restart of Prosody the focus repeats what was not acknowledged; nobody is there to hear it."""
    who, room = stage.county.issue(), room_jid("gewesen")
    async with stage.jitsi.people() as people:
        page = await people.guest()
        await page.log_in(who, room)
        await page.ask(room)
        stage.jitsi.prosody.kill()
        await ends_of([page])
    await asyncio.to_thread(stage.jitsi.start_again)
    async with stage.jitsi.people() as people:
        await (await people.guest()).ask(room)  # behind all that the focus has repeated
        assert (await known_to_module(stage.jitsi)).rooms == 0
    assert stage.county.running(who.username) == 0


# 7: logouts, and the moment between two ends ---------------------------------------------------------


async def test_a_logout_that_bounced(stage: Stage) -> None:
    """It is sent again when the focus is back; until then the report says that it is still to come."""
    who, room = stage.county.issue(), room_jid("abgemeldet")
    focus = stage.jitsi.focus
    async with stage.jitsi.people() as people:
        page = await people.organiser(who, room)
        await asyncio.to_thread(focus.cut)
        await asyncio.sleep(2 * HIBERNATION)
        stage.county.suspend(who.username)
        await notices_of([page.seats[room]])
        effect = await stage.county.effect(who.username)
        assert (effect.meetings, effect.logins, effect.waiting) == (1, 0, 1)

        await asyncio.to_thread(focus.reconnect)
        await stage.jitsi.until_logged_out(who.username)
        async with asyncio.timeout(30):
            while effect.waiting:
                effect = await stage.county.effect(who.username)
        assert (effect.meetings, effect.logins) == (1, 1)


async def test_a_focus_that_is_back_in_time(stage: Stage) -> None:
    """What waited for it arrives, the logout too."""
    who, other, room = stage.county.issue(), stage.county.issue(), room_jid("unterbrochen")
    theirs = room_jid("nebenan")
    async with stage.jitsi.people() as people:
        page, colleague = await people.organiser(who, room), await people.organiser(other, theirs)
        await asyncio.to_thread(stage.jitsi.focus.cut)
        stage.county.suspend(who.username)
        await notices_of([page.seats[room]])
        await asyncio.to_thread(stage.jitsi.focus.reconnect)
        await stage.jitsi.until_logged_out(who.username)
        await stage.jitsi.until_gone(room)
        assert not (await colleague.ask(theirs)).error
        await notice_nothing(theirs, colleague)


async def test_nobody_slips_in_between_two_ends(stage: Stage) -> None:
    """While breakout rooms end, the focus would let guests open the main room anew."""
    who, room = stage.county.issue(), room_jid("gruppen")
    rooms = stage.jitsi.focus.rooms
    async with stage.jitsi.people() as people:
        leader = await people.organiser(who, room)
        pupil = await people.pupil(room)
        breakout = await leader.open_breakout()
        seat = await pupil.switch_room(room, breakout)
        rooms.lingering[breakout] = NO_ANSWER / 2
        guest = await people.guest()
        stage.county.suspend(who.username)
        notices = await notices_of([leader.seats[room], seat])
        assert {notice.kind for notice in notices} == {"destroyed"}
        await until(lambda: room not in stage.jitsi.focus.conferences)
        while breakout in stage.jitsi.focus.conferences:
            assert (await guest.ask(room)).error == "not-authorized"
        await stage.jitsi.until_gone(room)
        rooms.lingering.clear()


async def test_nothing_of_it_is_an_error(stage: Stage) -> None:
    """Neither for Prosody nor for the service."""
    assert stage.complaints == []
