"""A suspended organiser who prepared for it, or comes another way, leads no meeting and opens none."""

import pytest

from tests.support.jitsi.focus import FOCUS, MUC
from tests.support.jitsi.participants import Participant, notice_nothing, room_jid
from tests.support.jitsi.server import LOBBY, PROXY, Deployment, notices_of, until


async def command(person: Participant, room: str, item: str) -> str:
    """Sends a command of moderators; "result" or "error"."""
    answer = await person.line.ask(room, f"<query xmlns='{MUC}#admin'><item {item}/></query>")
    return answer.get("type") or ""


def own(person: Participant) -> str:
    """What makes that person an owner, as Jitsi's "grant moderator" does."""
    return f"affiliation='owner' jid='{person.jid.partition('/')[0]}'"


async def test_a_room_opened_without_showing_the_session_id(deployment: Deployment) -> None:
    """The focus knows the page and names nobody in its answer; the room is theirs all the same."""
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
    """Else a second page of theirs would end a colleague's lesson."""
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


async def test_nothing_of_it_is_an_error(deployment: Deployment) -> None:
    """Neither for Prosody nor for the service."""
    assert deployment.complaints == []
