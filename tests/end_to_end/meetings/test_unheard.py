"""What jicofo does without an answer, before it, or under another name, and the guard must notice anyway."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.combinations import each_once
from tests.support.jitsi.bystanders import known_to_module
from tests.support.jitsi.participants import (
    Answer,
    Participant,
    Participants,
    new_participant,
    notice_nothing,
    room_jid,
)
from tests.support.jitsi.server import (
    BREWERY,
    FOCUS_HOST,
    SUSPENDED,
    Deployment,
    assert_told,
    ends_of,
    notices_of,
    open_deployment,
    start_prosody,
    until,
)
from tests.support.login_server import TRANSPORTS, VERSIONS, newer_first
from workbench.processes import PATIENCE

NO_ANSWER = 1.0  # seconds that a page waits in vain
HIBERNATION = 1.0  # seconds in which a focus that is cut off counts as there


@pytest.fixture(name="restartable", scope="module", params=VERSIONS)
def run_deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Deployment]:
    """A whole Jitsi and the service that it asks."""
    folder = tmp_path_factory.mktemp("restartable")
    with open_deployment(request.param, folder, sqlite_template, hibernation=HIBERNATION) as restartable:
        yield restartable


async def ask_in_vain(page: Participant, room: str, **changes: str) -> Answer | None:
    """Asks for a room; None if there is no answer."""
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(page.ask(room, **changes), NO_ANSWER)
    return None


@contextlib.contextmanager
def joins_that_fail(restartable: Deployment) -> Iterator[None]:
    """Meanwhile the focus gets into no room, and answers nobody who asked for it."""
    rooms = restartable.jitsi.focus.rooms
    before, rooms.reply_timeout = rooms.reply_timeout, NO_ANSWER / 4
    restartable.jitsi.focus.hold_joins()
    try:
        yield
    finally:
        restartable.jitsi.focus.let_join()
        rooms.reply_timeout = before


async def until_informed(page: Participant) -> None:
    """Returns when Prosody has heard who is suspended; until then an unknown session-id has to wait."""
    while (  # noqa: ASYNC110 - it happens in Prosody
        await page.ask(room_jid("nachrichten"), session_id="unbekannt")
    ).error == "not-authorized":
        await asyncio.sleep(0.05)


# 1: after a restart of Prosody -----------------------------------------------------------------------


@pytest.fixture(name="remembered")
def remember(restartable: Deployment) -> tuple[IssuedCredential, Participant]:
    """Somebody who is suspended, and the page whose session-id the focus remembers and Prosody does not."""
    who = restartable.auth.issue()

    async def prepare() -> Participant:
        async with restartable.jitsi.participants() as participants:
            return await participants.organiser(who, room_jid("vorher"))

    page = asyncio.run(prepare())
    restartable.jitsi.focus.stop()  # politely, or else it would repeat an answer that names the suspended one
    restartable.jitsi.prosody.stop()
    restartable.auth.suspend(who.username)
    start_prosody(restartable.jitsi.prosody)
    restartable.jitsi.focus.start()
    return who, page


@pytest.mark.parametrize(
    ("restartable", "transport"), each_once(VERSIONS, TRANSPORTS), indirect=["restartable"]
)
async def test_a_login_of_which_no_answer_told(
    restartable: Deployment, remembered: tuple[IssuedCredential, Participant], transport: str
) -> None:
    """The focus has bound the page and could not say so: it opens no meeting, and leads nobody's."""
    who, before = remembered
    room, theirs = room_jid(f"heimlich-{transport}"), room_jid(f"stunde-{transport}")
    async with restartable.jitsi.participants() as participants:
        colleague = await participants.organiser(restartable.auth.issue(), theirs)
        page = await participants.guest(transport)
        page.machine_uid = before.machine_uid
        await until_informed(page)
        with joins_that_fail(restartable):
            assert await ask_in_vain(page, room_jid("vergeblich"), session_id=before.session_id) is None
        await until(lambda: restartable.jitsi.focus.authority.of_client(page.jid) is not None)

        assert (await page.ask(room)).error == "not-authorized"
        await restartable.jitsi.until_gone(room)
        assert not (await page.ask(theirs)).error  # as any guest
        seat = await page.join(theirs)
        await colleague.line.ping()
        assert (seat.role, seat.affiliation) == ("participant", "none")
        await notice_nothing(theirs, colleague)
    assert restartable.auth.running(who.username) == 0


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
async def test_rooms_in_which_nobody_meets(restartable: Deployment, room: str) -> None:
    """A request for one never reaches the focus, which would believe it and say nothing."""
    async with restartable.jitsi.participants() as participants:
        page = await participants.organiser(restartable.auth.issue(), room_jid("anderswo"))
        asked = len(restartable.jitsi.focus.log)
        assert (await page.ask(room)).error == "not-allowed"
        assert len(restartable.jitsi.focus.log) == asked


# 2: before the click ---------------------------------------------------------------------------------


async def test_the_same_before_the_click(restartable: Deployment) -> None:
    """Page and meeting are the organiser's, although no answer has named anybody, and end with them."""
    who, room = restartable.auth.issue(), room_jid("zweitens")
    async with restartable.jitsi.participants() as participants:
        first = await participants.organiser(who, room_jid("erstens"))
        page = await participants.reload(first)
        with joins_that_fail(restartable):
            assert await ask_in_vain(page, room_jid("auch-vergeblich")) is None
        assert not (await page.ask(room, session_id="")).error
        seat = await page.join(room)
        await seat.until_moderator()
        mate = await participants.pupil(room)

        restartable.auth.suspend(who.username)
        await assert_told([seat], [mate.seats[room]])
        assert (await restartable.auth.effect(who.username)).meetings == 2


# 3: tenants ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("restartable", "transport"), each_once(VERSIONS, TRANSPORTS), indirect=["restartable"]
)
async def test_meetings_of_tenants(restartable: Deployment, transport: str) -> None:
    """They are counted under their organiser, end with them, and nobody gets in afterwards."""
    who, room = restartable.auth.issue(), room_jid(f"physik-{transport}", tenant="ohg")
    async with restartable.jitsi.participants() as participants:
        leader = await participants.organiser(who, room, transport)
        pupils = [await participants.pupil(room, each) for each in TRANSPORTS]
        await until(lambda: restartable.auth.running(who.username) == 1)

        restartable.auth.suspend(who.username)
        await assert_told([leader.seats[room]], [pupil.seats[room] for pupil in pupils])
        assert (await restartable.auth.effect(who.username)).meetings == 1
        await restartable.jitsi.until_gone(room)
        assert (await (await participants.guest()).ask(room)).error == "not-authorized"
        await until(lambda: restartable.auth.running(who.username) == 0)


async def test_breakout_rooms_of_tenants(restartable: Deployment) -> None:
    """They end with their meeting."""
    who, room = restartable.auth.issue(), room_jid("gruppenarbeit", tenant="ohg")
    async with restartable.jitsi.participants() as participants:
        leader, pupil = await participants.organiser(who, room), await participants.pupil(room)
        seat = await pupil.switch_room(room, await leader.open_breakout())
        restartable.auth.suspend(who.username)
        await assert_told([leader.seats[room]], [seat])
        assert (await restartable.auth.effect(who.username)).meetings == 1


# 4: the bridges --------------------------------------------------------------------------------------


async def test_the_room_of_the_bridges(restartable: Deployment) -> None:
    """A request for it founds no meeting, and a suspension does not end it."""
    who = restartable.auth.issue()
    credential = IssuedCredential(Username("jvb"), "any")
    bridge = await new_participant(restartable.jitsi.prosody, "tcp", FOCUS_HOST, credential)
    async with restartable.jitsi.participants() as participants:
        await bridge.join(BREWERY)
        leader = await participants.organiser(who, room_jid("mit-bild"))
        answer = await leader.ask(BREWERY)
        restartable.auth.suspend(who.username)
        await notices_of([leader.seats[room_jid("mit-bild")]])
        assert (await restartable.auth.effect(who.username)).meetings == 1
        await notice_nothing(BREWERY, bridge)
        assert answer.error == "not-allowed"
    await bridge.close()


# 5: two at the same moment ---------------------------------------------------------------------------


async def log_in(
    restartable: Deployment, participants: Participants, credential: IssuedCredential
) -> Participant:
    """A page that shows a session-id, and no meeting."""
    page, room, rooms = await participants.guest(), room_jid("anmeldung"), restartable.jitsi.focus.rooms
    before, rooms.initial_timeout = rooms.initial_timeout, 0.1
    await page.log_in(credential, room)
    await restartable.jitsi.until_gone(room)
    rooms.initial_timeout = before
    return page


@pytest.mark.parametrize("stays", [False, True])
async def test_two_open_a_meeting_at_the_same_moment(restartable: Deployment, *, stays: bool) -> None:
    """It is that of the first, whom the focus answers last; and goes on with the second who is in it."""
    who, other, room = (
        restartable.auth.issue(),
        restartable.auth.issue(),
        room_jid(f"zugleich-{stays}".lower()),
    )
    focus = restartable.jitsi.focus
    async with restartable.jitsi.participants() as participants:
        first, second = [await log_in(restartable, participants, each) for each in (who, other)]
        focus.hold_joins()
        try:
            asking = asyncio.ensure_future(first.ask(room))
            await restartable.jitsi.until_opening(room)
            answer = await second.ask(room)
            assert (answer.identity, answer.is_ready) == (f"{other.username}@meet.test", False)
        finally:
            focus.let_join()
        assert (await asking).is_ready
        seat, second_seat = await first.join(room), await second.join(room)
        pupil = await participants.pupil(room)
        if not stays:
            await second.leave_room(room)
        restartable.auth.suspend(who.username)
        [notice] = await notices_of([seat])
        effect = await restartable.auth.effect(who.username)
        if stays:
            assert (notice.text, effect.meetings) == (SUSPENDED, 0)
            await notice_nothing(room, second, pupil)
            assert second_seat.role == "moderator"
        else:
            assert (notice.kind, effect.meetings) == ("destroyed", 1)
            await notices_of([pupil.seats[room]])


async def test_a_starter_who_never_came(restartable: Deployment) -> None:
    """The meeting is that of the organiser who leads it."""
    who, other, room = restartable.auth.issue(), restartable.auth.issue(), room_jid("nie-gekommen")
    async with restartable.jitsi.participants() as participants:
        absent = await log_in(restartable, participants, who)
        assert (await absent.ask(room)).is_ready
        await absent.close()
        leader = await participants.organiser(other, room)
        pupil = await participants.pupil(room)
        restartable.auth.suspend(other.username)
        notices = await notices_of([leader.seats[room], pupil.seats[room]])
        assert [notice.kind for notice in notices] == ["destroyed"] * 2
        assert (await restartable.auth.effect(other.username)).meetings == 1


# 6: a meeting that no longer exists ------------------------------------------------------------------


async def test_an_answer_that_comes_once_more(restartable: Deployment) -> None:
    """After a restart of Prosody the focus repeats what was not acknowledged; nobody is there to hear it."""
    who, room = restartable.auth.issue(), room_jid("gewesen")
    async with restartable.jitsi.participants() as participants:
        page = await participants.guest()
        await page.log_in(who, room)
        await page.ask(room)
        restartable.jitsi.prosody.kill()
        await ends_of([page])
    await asyncio.to_thread(restartable.jitsi.start_again)
    async with restartable.jitsi.participants() as participants:
        await (await participants.guest()).ask(room)  # behind all that the focus has repeated
        assert (await known_to_module(restartable.jitsi)).rooms == 0
    assert restartable.auth.running(who.username) == 0


# 7: logouts, and the moment between two ends ---------------------------------------------------------


async def test_a_logout_that_bounced(restartable: Deployment) -> None:
    """It is sent again when the focus is back; until then the report says that it is still to come."""
    who, room = restartable.auth.issue(), room_jid("abgemeldet")
    focus = restartable.jitsi.focus
    async with restartable.jitsi.participants() as participants:
        page = await participants.organiser(who, room)
        await asyncio.to_thread(focus.cut)
        await asyncio.sleep(2 * HIBERNATION)
        restartable.auth.suspend(who.username)
        await notices_of([page.seats[room]])
        effect = await restartable.auth.effect(who.username)
        assert (effect.meetings, effect.logins, effect.waiting) == (1, 0, 1)

        await asyncio.to_thread(focus.reconnect)
        await restartable.jitsi.until_logged_out(who.username)
        async with asyncio.timeout(PATIENCE):
            while effect.waiting:
                effect = await restartable.auth.effect(who.username)
        assert (effect.meetings, effect.logins) == (1, 1)


@pytest.mark.realtime
@newer_first("restartable")
async def test_a_focus_that_is_back_in_time(restartable: Deployment) -> None:
    """What waited for it arrives, the logout too."""
    who, other, room = restartable.auth.issue(), restartable.auth.issue(), room_jid("unterbrochen")
    theirs = room_jid("nebenan")
    async with restartable.jitsi.participants() as participants:
        page, colleague = await participants.organiser(who, room), await participants.organiser(other, theirs)
        await asyncio.to_thread(restartable.jitsi.focus.cut)
        restartable.auth.suspend(who.username)
        await notices_of([page.seats[room]])
        await asyncio.to_thread(restartable.jitsi.focus.reconnect)
        await restartable.jitsi.until_logged_out(who.username)
        await restartable.jitsi.until_gone(room)
        assert not (await colleague.ask(theirs)).error
        await notice_nothing(theirs, colleague)


async def test_nobody_slips_in_between_two_ends(restartable: Deployment) -> None:
    """While breakout rooms end, the focus would let guests open the main room anew."""
    who, room = restartable.auth.issue(), room_jid("gruppen")
    rooms = restartable.jitsi.focus.rooms
    async with restartable.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        pupil = await participants.pupil(room)
        breakout = await leader.open_breakout()
        seat = await pupil.switch_room(room, breakout)
        rooms.lingering[breakout] = NO_ANSWER / 2
        guest = await participants.guest()
        restartable.auth.suspend(who.username)
        notices = await notices_of([leader.seats[room], seat])
        assert {notice.kind for notice in notices} == {"destroyed"}
        await until(lambda: room not in restartable.jitsi.focus.conferences)
        answers = asyncio.create_task(_ask_on(guest, room))
        await until(lambda: breakout not in restartable.jitsi.focus.conferences)
        answers.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await answers
        await restartable.jitsi.until_gone(room)
        rooms.lingering.clear()


async def _ask_on(guest: Participant, room: str) -> None:
    """Asks again and again, and is refused each time; a focus that cannot join the room never answers."""
    while True:
        assert (await guest.ask(room)).error == "not-authorized"


async def test_nothing_of_it_is_an_error(restartable: Deployment) -> None:
    """Neither for Prosody nor for the service."""
    assert restartable.complaints == []
