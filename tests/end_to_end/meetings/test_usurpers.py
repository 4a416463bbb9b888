"""A suspended organiser who prepared for it, or comes another way, leads no meeting and opens none."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.jitsi.focus import FOCUS, MUC
from tests.support.jitsi.participants import Participant, notice_nothing, room_jid
from tests.support.jitsi.server import LOBBY, PROXY, Deployment, ends_of, notices_of, open_deployment, until
from tests.support.login_server import VERSIONS


@pytest.fixture(name="deployment", scope="module", params=VERSIONS)
def run_deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Deployment]:
    """A whole Jitsi and the service that it asks."""
    with open_deployment(request.param, tmp_path_factory.mktemp("deployment"), sqlite_template) as deployment:
        yield deployment


async def command(person: Participant, room: str, item: str) -> str:
    """Sends a command of moderators; "result" or "error"."""
    answer = await person.line.ask(room, f"<query xmlns='{MUC}#admin'><item {item}/></query>")
    return answer.get("type") or ""


def own(person: Participant) -> str:
    """What makes that person an owner, as Jitsi's "grant moderator" does."""
    return f"affiliation='owner' jid='{person.jid.partition('/')[0]}'"


async def test_a_room_opened_without_showing_the_session_id(deployment: Deployment) -> None:
    """The focus knows the page and names nobody in its answer; the room is his all the same."""
    who, first, second = deployment.auth.issue(), room_jid("erste"), room_jid("zweite")
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(who, first)
        assert (await leader.ask(second, session_id="")).error == ""
        await leader.join(second)
        mate = await participants.pupil(second)
        assert await command(leader, second, own(mate)) == "result"

        deployment.auth.suspend(who.username)
        notices = await notices_of([leader.seats[first], leader.seats[second], mate.seats[second]])
        assert [notice.kind for notice in notices] == ["destroyed"] * 3
        assert (await deployment.auth.effect(who.username)).meetings == 2


async def test_a_room_on_another_component(deployment: Deployment) -> None:
    """The focus would open one there; it is not asked, as nobody meets there."""
    who, room = deployment.auth.issue(), f"versteck@{LOBBY}"
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(who, room_jid("dritte"))
        assert (await leader.ask(room)).error == "not-allowed"
        assert room not in deployment.jitsi.focus.conferences


@pytest.mark.parametrize("grant", ["owner", "moderator"])
@pytest.mark.parametrize("leaves", [False, True])
async def test_those_whom_he_let_lead_lead_no_more(
    deployment: Deployment, grant: str, *, leaves: bool
) -> None:
    """Else a second page of his would end his colleague's lesson."""
    who, colleague, room = (
        deployment.auth.issue(),
        deployment.auth.issue(),
        room_jid(f"{grant}-{leaves}".lower()),
    )
    async with deployment.jitsi.participants() as participants:
        host, usurper = await participants.organiser(colleague, room), await participants.organiser(who, room)
        mate, chosen = await participants.pupil(room), await participants.pupil(room)
        assert await command(host, room, own(chosen)) == "result"
        await chosen.seats[room].until_moderator()
        seat = mate.seats[room]
        item = own(mate) if grant == "owner" else f"role='moderator' nick='{seat.nick}'"
        assert await command(usurper, room, item) == "result"
        await seat.until_moderator()
        if leaves:
            await usurper.leave_room(room)

        deployment.auth.suspend(who.username)
        await until(lambda: seat.role == "participant")
        expel = f"role='none' nick='{chosen.seats[room].nick}'"
        assert await command(mate, room, expel) == "error"
        assert chosen.seats[room].role == "moderator"  # whom the colleague let lead
        await notice_nothing(room, host, mate, chosen)


@pytest.mark.parametrize("transport", ["tcp", "bosh", "websocket"])
async def test_a_login_from_before_a_restart_leads_no_lesson(deployment: Deployment, transport: str) -> None:
    """The focus makes a page an owner as soon as it shows its session-id, before we see the answer."""
    who, colleague, room = deployment.auth.issue(), deployment.auth.issue(), room_jid(f"stunde-{transport}")
    async with deployment.jitsi.participants() as participants:
        before = await participants.organiser(who, room_jid("vorher"))
    deployment.jitsi.focus.settle()  # or else an old answer might tell of that login first
    deployment.jitsi.prosody.stop()
    deployment.auth.suspend(who.username)
    await asyncio.to_thread(deployment.jitsi.start_again)
    async with deployment.jitsi.participants() as participants:
        host = await participants.organiser(colleague, room)
        usurper = await participants.guest(transport)
        await usurper.ask(room)
        await usurper.join(room)
        await deployment.auth.effect(who.username)
        usurper.machine_uid = before.machine_uid
        answer = await usurper.ask(room, session_id=before.session_id)
        assert (answer.error, answer.is_session_invalid) == ("not-acceptable", True)
        await ends_of([usurper])
        await deployment.jitsi.until_logged_out(who.username)
        await notice_nothing(room, host)
        assert host.seats[room].role == "moderator"


async def test_addresses_beside_the_component(deployment: Deployment) -> None:
    """The proxy takes whatever is sent to it for its own; nothing but its own address is one."""
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(deployment.auth.issue(), room_jid("vierte"))
        asked = len(deployment.jitsi.focus.log)
        for address in (f"x@{PROXY}", f"x@{PROXY}/y"):
            request = (
                f"<conference xmlns='{FOCUS}' room='{room_jid('f')}' machine-uid='{leader.machine_uid}'/>"
            )
            assert (await leader.line.ask(address, request)).get("type") == "error"
        assert len(deployment.jitsi.focus.log) == asked


async def test_a_meeting_from_before_the_module_is_nobodys(deployment: Deployment) -> None:
    """Whoever asks for it first afterwards did not start it, and does not end it."""
    colleague, who, room = deployment.auth.issue(), deployment.auth.issue(), room_jid("frueher")
    async with deployment.jitsi.participants() as participants:
        host = await participants.organiser(colleague, room)
        for action in ("unload", "load"):
            await asyncio.to_thread(
                deployment.jitsi.prosody.shell, "module", action, "auth_external", "meet.test"
            )
        later = await participants.organiser(who, room)
        deployment.auth.suspend(who.username)
        await notices_of([later.seats[room]])
        await notice_nothing(room, host)


async def test_nothing_of_it_is_an_error(deployment: Deployment) -> None:
    """Neither for Prosody nor for the service."""
    assert deployment.complaints == []
