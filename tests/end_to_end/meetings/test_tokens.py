"""Organisers who come back from the login page with a token lead meetings, and end as everybody else."""

import asyncio
import time

import pytest

from tests.support.combinations import each_once
from tests.support.jitsi.participants import Participant, notice_nothing, room_jid
from tests.support.jitsi.server import (
    AT_ONCE,
    LOGGED_OUT,
    Deployment,
    assert_told,
    ends_of,
    notices_of,
    until,
)
from tests.support.login_server import VERSIONS, login, make_client, newer_first
from workbench.prosody import HOST

TRANSPORTS = ("websocket", "bosh")  # of browsers

over_both = pytest.mark.parametrize(
    ("deployment", "transport"), each_once(VERSIONS, TRANSPORTS), indirect=["deployment"]
)


async def use(deployment: Deployment, token: str, transport: str = "websocket") -> str:
    """Uses the token on a connection of its own; returns "success" or the SASL condition."""
    client = make_client(deployment.jitsi.prosody, transport, query=f"room=physik&token={token}")
    async with client:
        assert "ANONYMOUS" in client.mechanisms
        return (await client.login_anonymously()).condition


def heard(person: Participant) -> str:
    """Returns all that came to that page."""
    texts = [
        part
        for element in person.line.elements
        for each in element.iter()
        for part in (*each.attrib.values(), each.text or "")
    ]
    return " ".join(texts)


@pytest.mark.realtime
@over_both
async def test_one_click_ends_what_both_doors_opened(deployment: Deployment, transport: str) -> None:
    """Two meetings, one by a token and one by the password; nobody in them has read the login name."""
    who = deployment.auth.issue()
    room, elsewhere = room_jid(f"seite-{transport}"), room_jid(f"dialog-{transport}")
    token = deployment.auth.token(who)
    async with deployment.jitsi.participants() as participants:
        waiting = await participants.guest(transport)
        assert (await waiting.ask(room)).error == "not-authorized"
        by_token = await participants.leader(token, room, transport)
        by_password = await participants.organiser(who, elsewhere, transport)
        pupils = [await participants.pupil(each, transport) for each in (room, elsewhere)]
        assert by_token.jid.partition("/")[0] == f"{deployment.auth.pseudonym(who)}@{HOST}"
        await until(lambda: deployment.auth.running(who.username) == 2)

        deployment.auth.suspend(who.username)
        clicked = time.monotonic()
        theirs = [by_token.seats[room], by_password.seats[elsewhere]]
        notices = await assert_told(theirs, [pupils[0].seats[room], pupils[1].seats[elsewhere]])
        ends = await ends_of([by_token, by_password])
        assert [end.kind for end in ends] == ["closed", "closed"]  # by themselves, when they have read why
        assert max(each.at for each in [*notices, *ends]) - clicked < AT_ONCE
        effect = await deployment.auth.effect(who.username)
        assert (effect.sessions, effect.meetings, effect.logins) == (2, 2, 2)

        assert await use(deployment, token, transport) == "account-disabled"
        assert await login(deployment.jitsi.prosody, transport, who.username, who.password) == (
            "account-disabled"
        )
        again = await participants.reload(by_token, transport)
        assert (await again.ask(room)).error == "not-acceptable"
        assert who.username in heard(by_password)
        assert who.username not in "".join(map(heard, [*pupils, waiting, by_token]))

        deployment.auth.reinstate(who.username)
        assert (
            await use(deployment, token, transport) == "not-authorized"
        )  # it is not worth anything any more
        await participants.leader(deployment.auth.token(who), room, transport)


@over_both
async def test_log_out_everywhere_ends_both_doors(deployment: Deployment, transport: str) -> None:
    """Also in one room: a page of the same organiser, by whichever door, inherits nothing."""
    who, room, elsewhere = deployment.auth.issue(), room_jid(f"beide-{transport}"), room_jid("beide-auch")
    token = deployment.auth.token(who)
    async with deployment.jitsi.participants() as participants:
        pages = [
            await participants.leader(token, room, transport),
            await participants.organiser(who, room),
            await participants.organiser(who, elsewhere),
            await participants.leader(token, elsewhere, transport),
        ]
        unused = await participants.returned(token, transport)  # and asks for no room
        deployment.auth.end_sessions(who.username)
        seats = [
            page.seats[each] for page, each in zip(pages, (room, room, elsewhere, elsewhere), strict=True)
        ]
        await assert_told(seats, [], LOGGED_OUT)
        ends = await ends_of([*pages, unused])
        assert [end.kind for end in ends] == ["closed"] * 4 + ["reset"]
        effect = await deployment.auth.effect(who.username)
        assert (effect.sessions, effect.meetings) == (5, 2)
        await deployment.jitsi.until_logged_out(deployment.auth.pseudonym(who))
        assert await use(deployment, token, transport) == "not-authorized"
        await participants.leader(deployment.auth.token(who), room, transport)


@newer_first("deployment")
@pytest.mark.parametrize(("first", "second"), [("token", "password"), ("password", "token")])
async def test_both_doors_lead_to_the_same_organiser(deployment: Deployment, first: str, second: str) -> None:
    """The starter comes in again by the other door, past the password of the room; colleagues do not."""
    who, colleague = deployment.auth.issue(), deployment.auth.issue()
    room = room_jid(f"tuer-{first}")
    async with deployment.jitsi.participants() as participants:

        async def come(door: str) -> Participant:
            if door == "token":
                return await participants.returned(deployment.auth.token(who))
            person = await participants.guest()
            await person.log_in(who, room)
            return person

        starter = await come(first)
        await starter.wait_for_host(room)
        await (await starter.join(room)).until_moderator()
        await starter.set_password(room, "Igel")
        again, stranger = await come(second), await participants.returned(deployment.auth.token(colleague))
        for page in (again, stranger):
            assert not (await page.wait_for_host(room)).error
        await again.join(room)
        await until(lambda: deployment.auth.running(who.username) == 1)
        await stranger.join(room, password="Igel")
        await starter.close()
        await notice_nothing(room, again, stranger)


@over_both
async def test_a_shared_device_remembers_nothing(deployment: Deployment, transport: str) -> None:
    """The meeting is its organiser's as any other, but the next person on that device is a guest."""
    who, room = deployment.auth.issue(), room_jid(f"tablet-{transport}")
    async with deployment.jitsi.participants() as participants:
        leader = await participants.leader(deployment.auth.token(who, shared=True), room, transport)
        assert leader.session_id == ""
        assert deployment.jitsi.focus.logins_of(deployment.auth.pseudonym(who))
        await until(lambda: deployment.auth.running(who.username) == 1)
        pupil = await participants.reload(leader, transport)
        assert (await pupil.ask(room_jid(f"naechste-{transport}"))).error == "not-authorized"
        deployment.auth.suspend(who.username)
        await notices_of([leader.seats[room]])
        await deployment.auth.effect(who.username)
        await deployment.jitsi.until_logged_out(deployment.auth.pseudonym(who))


@newer_first("deployment")
async def test_a_page_goes_on_with_its_stream(deployment: Deployment) -> None:
    """After a gap in the network, without a new login for anybody to see; then it ends as ever."""
    who, room = deployment.auth.issue(), room_jid("funkloch")
    token = deployment.auth.token(who)
    async with deployment.jitsi.participants() as participants:
        leader = await participants.leader(token, room)
        stream = await leader.manage_stream()
        await leader.line.cut()
        await leader.resume(stream, token=token)
        await notice_nothing(room, leader)
        deployment.auth.suspend(who.username)
        await notices_of([leader.seats[room]])
        await ends_of([leader])


@newer_first("deployment")
async def test_a_reload_of_the_module_forgets_nothing(deployment: Deployment) -> None:
    """Neither whose the meetings are, nor by what name, nor whose the sessions."""
    who, room = deployment.auth.issue(), room_jid("neu-geladen")
    colleague = deployment.auth.issue()
    async with deployment.jitsi.participants() as participants:
        leader = await participants.leader(deployment.auth.token(who), room)
        idle = await participants.returned(deployment.auth.token(who))
        await asyncio.to_thread(deployment.jitsi.prosody.shell, "module", "reload", "auth_external", HOST)
        await participants.organiser(colleague, room_jid("danach"))  # which is told with all others
        await until(lambda: deployment.auth.running(colleague.username) == 1)
        assert deployment.auth.running(who.username) == 1
        deployment.auth.suspend(who.username)
        await notices_of([leader.seats[room]])
        (end,) = await ends_of([idle])
        assert end.kind == "not-authorized"
        effect = await deployment.auth.effect(who.username)
        assert (effect.sessions, effect.meetings) == (2, 1)


async def test_nothing_of_it_is_an_error(deployment: Deployment) -> None:
    """Neither for Prosody nor for the service; and no token is in their logs."""
    assert deployment.complaints == []
    for log in (deployment.jitsi.prosody.log, deployment.auth.service.log):
        assert "eyJhbGci" not in log.read_text()
