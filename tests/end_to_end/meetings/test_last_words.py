"""What the page of an organiser whose access ended reads, and that nothing counts which it still sends.

Jitsi's page shows the reason of a room's end until it is closed, and hangs up by itself.  Where its session
is closed before, it shows a broken network instead; of a kick it shows no reason at all.
"""

import asyncio

import pytest

from tests.support.jitsi.focus import FOCUS, MUC
from tests.support.jitsi.participants import PROXY, Participant, notice_nothing, room_jid
from tests.support.jitsi.server import (
    LOGGED_OUT,
    MEETINGS,
    SUSPENDED,
    Deployment,
    ends_of,
    notices_of,
)
from tests.support.login_server import TRANSPORTS

CLOSED_BY_THEN = 0.6  # seconds; sooner a page is closed that has nothing to read
MOMENT = 0.1  # seconds


@pytest.mark.parametrize(
    ("transport", "action", "is_led"),
    [
        ("tcp", "suspend", True),
        ("bosh", "suspend", False),
        ("websocket", "suspend", False),
        ("websocket", "suspend", True),
        ("bosh", "end_sessions", True),
        ("websocket", "end_sessions", False),
    ],
)
async def test_the_page_shows_why_until_it_hangs_up(
    deployment: Deployment, transport: str, action: str, *, is_led: bool
) -> None:
    """As the end of the room, from a server that answers its pings; and it is gone when it has hung up.

    So it is where a colleague goes on with the meeting, too.
    """
    sentence = {"suspend": SUSPENDED, "end_sessions": LOGGED_OUT}[action]
    who, room = deployment.auth.issue(), room_jid(f"{transport}-{action.replace('_', '-')}-{is_led:d}")
    async with deployment.jitsi.participants() as participants:
        page = await participants.organiser(who, room, transport)
        page.reads_for = None
        if is_led:
            colleague = await participants.organiser(deployment.auth.issue(), room)
        getattr(deployment.auth, action)(who.username)
        [notice] = await notices_of([page.seats[room]])
        assert (notice.kind, notice.text) == ("destroyed", sentence)
        effect = await deployment.auth.effect(who.username)
        assert (effect.sessions, effect.meetings) == (1, 0 if is_led else 1)
        await asyncio.sleep(CLOSED_BY_THEN)
        await page.line.ping()
        assert not page.line.end.done()

        await page.line.say_goodbye()
        [end] = await ends_of([page])
        assert end.kind == "closed"
        if is_led:
            await notice_nothing(room, colleague)


async def test_others_see_somebody_leave(deployment: Deployment) -> None:
    """Nobody reads of a kick: Jitsi's pages have no sentence for one that nobody did."""
    who, room = deployment.auth.issue(), room_jid("unauffaellig")
    async with deployment.jitsi.participants() as participants:
        colleague = await participants.organiser(deployment.auth.issue(), room)
        page = await participants.organiser(who, room)
        deployment.auth.suspend(who.username)
        await notices_of([page.seats[room]])
        await colleague.line.ping()
        nick = f"{room}/{page.seats[room].nick}"
        [left] = [
            each
            for each in colleague.line.elements
            if each.get("from") == nick and each.get("type") == "unavailable"
        ]
        assert not [child for child in left.iter() if child.tag.endswith(("}status", "}destroy", "}reason"))]


async def test_who_is_put_out_of_a_room_with_a_lobby_reads_why(deployment: Deployment) -> None:
    """There the loss of the lead alone would put them out, without a word."""
    who, room = deployment.auth.issue(), room_jid("mit-lobby")
    async with deployment.jitsi.participants() as participants:
        colleague = await participants.organiser(deployment.auth.issue(), room)
        page = await participants.organiser(who, room)
        await colleague.make_members_only(room)
        deployment.auth.suspend(who.username)
        [notice] = await notices_of([page.seats[room]])
        assert (notice.kind, notice.text) == ("destroyed", SUSPENDED)
        await notice_nothing(room, colleague)


async def _tries(page: Participant, other: Participant, theirs: str) -> None:
    """What a page can send: each into the void."""
    await page.line.send(
        f"<iq xmlns='jabber:client' type='set' id='x1' to='{PROXY}'>"
        f"<conference xmlns='{FOCUS}' room='{room_jid('naechste')}' machine-uid='{page.machine_uid}' "
        f"session-id='{page.session_id}'/></iq>"
    )
    await page.line.send(
        f"<presence xmlns='jabber:client' to='{theirs}/stille'><x xmlns='{MUC}'/></presence>"
    )
    await page.line.send(
        f"<message xmlns='jabber:client' type='chat' to='{other.jid}'><body>still</body></message>"
    )
    await page.line.send(
        f"<iq xmlns='jabber:client' type='get' id='x2' to='{other.jid}'><ping xmlns='urn:xmpp:ping'/></iq>"
    )
    await page.line.send(
        f"<iq xmlns='jabber:client' type='get' id='x3' to='{MEETINGS}'>"
        "<query xmlns='http://jabber.org/protocol/disco#items'/></iq>"
    )


async def _assert_unheard(deployment: Deployment, page: Participant, other: Participant) -> None:
    theirs = next(iter(other.seats))
    asked, told = len(deployment.jitsi.focus.log), len(other.line.elements)
    answered = len(page.line.elements)
    await _tries(page, other, theirs)
    await page.line.ping()  # after all of it
    await asyncio.sleep(MOMENT)
    await other.line.ping()
    assert len(deployment.jitsi.focus.log) == asked
    assert len(other.line.elements) == told + 1  # its own ping's answer
    ours = {each.get("id") for each in page.line.elements[answered:]}
    assert not ours & {"x1", "x2", "x3"}


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_nothing_that_it_sends_counts(deployment: Deployment, transport: str) -> None:
    """Neither to the focus nor to a room, to people or to the server; only its pings are answered."""
    who, theirs = deployment.auth.issue(), room_jid(f"andere-{transport}")
    async with deployment.jitsi.participants() as participants:
        other = await participants.organiser(deployment.auth.issue(), theirs)
        page = await participants.organiser(who, room_jid(f"meine-{transport}"), transport)
        page.reads_for = None
        deployment.auth.suspend(who.username)
        await notices_of(page.seats.values())
        await deployment.auth.effect(who.username)
        await _assert_unheard(deployment, page, other)


@pytest.mark.parametrize("is_cut", [False, True], ids=["still connected", "cut off"])
async def test_it_stays_unheard_when_it_resumes(deployment: Deployment, *, is_cut: bool) -> None:
    """By XEP-0198, over another connection, whether the first one is there or not."""
    who, theirs = deployment.auth.issue(), room_jid(f"fremde-{is_cut:d}")
    async with deployment.jitsi.participants() as participants:
        other = await participants.organiser(deployment.auth.issue(), theirs)
        page = await participants.organiser(who, room_jid(f"eigene-{is_cut:d}"), "websocket")
        page.reads_for = None
        stream = await page.manage_stream()
        deployment.auth.suspend(who.username)
        await notices_of(page.seats.values())
        await deployment.auth.effect(who.username)
        if is_cut:
            await page.line.cut()
        await page.resume(stream)
        await _assert_unheard(deployment, page, other)


async def test_nothing_of_it_is_an_error(deployment: Deployment) -> None:
    """Neither for Prosody nor for the service."""
    assert deployment.complaints == []
