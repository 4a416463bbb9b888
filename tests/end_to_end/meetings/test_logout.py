"""“Log out everywhere” without a suspension: everything ends, and the password opens new sessions."""

import time

import pytest

from tests.support.jitsi.participants import notice_nothing, room_jid
from tests.support.jitsi.server import (
    AT_ONCE,
    LOGGED_OUT,
    Deployment,
    assert_told,
    ends_of,
    notices_of,
)
from tests.support.login_server import TRANSPORTS, newer_first


@pytest.mark.realtime
@newer_first("deployment")
async def test_everything_ends_and_a_new_login_begins(deployment: Deployment) -> None:
    """Meeting, sessions and remembered logins of all their machines; the password counts at once."""
    who, room, elsewhere = deployment.auth.issue(), room_jid("abmelden-physik"), room_jid("abmelden-chemie")
    async with deployment.jitsi.participants() as participants:
        pages = [
            await participants.organiser(who, room, "websocket"),
            await participants.organiser(who, elsewhere),
        ]
        tablet = await participants.tablet(who, "bosh")
        pupils = [await participants.pupil(room, transport) for transport in TRANSPORTS]

        deployment.auth.end_sessions(who.username)
        clicked = time.monotonic()
        theirs = [pages[0].seats[room], pages[1].seats[elsewhere]]
        notices = await assert_told(theirs, [pupil.seats[room] for pupil in pupils], LOGGED_OUT)
        ends = await ends_of([*pages, tablet])
        assert [end.kind for end in ends] == ["closed", "closed", "reset"]
        assert max(each.at for each in [*notices, *ends]) - clicked < AT_ONCE
        effect = await deployment.auth.effect(who.username)
        assert (effect.sessions, effect.meetings, effect.logins) == (3, 2, 2)
        await deployment.jitsi.until_logged_out(who.username)

        for page in pages:
            answer = await (await participants.reload(page)).ask(room)
            assert (answer.error, answer.is_session_invalid) == ("not-acceptable", True)
        again = await participants.organiser(who, room)
        assert not (await (await participants.reload(again)).ask(room_jid("abmelden-naechste"))).error


async def test_a_colleague_goes_on(deployment: Deployment) -> None:
    """As after a suspension: the meeting is the colleague's."""
    who, colleague, room = deployment.auth.issue(), deployment.auth.issue(), room_jid("abmelden-konferenz")
    async with deployment.jitsi.participants() as participants:
        first, second = await participants.organiser(who, room), await participants.organiser(colleague, room)
        deployment.auth.end_sessions(who.username)
        [notice] = await notices_of([first.seats[room]])
        [end] = await ends_of([first])
        assert (notice.kind, notice.text, end.kind) == ("destroyed", LOGGED_OUT, "closed")
        await deployment.auth.effect(who.username)
        await notice_nothing(room, second)


async def test_nothing_of_it_is_an_error(deployment: Deployment) -> None:
    """Neither for Prosody nor for the service."""
    assert deployment.complaints == []
