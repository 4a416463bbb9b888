"""A client that lies to the focus, or to us about the focus, gains nothing and puts nobody out."""

import asyncio
import re
import uuid
from xml.etree.ElementTree import tostring
from xml.sax.saxutils import quoteattr

from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.jitsi.bystanders import come_and_go, known_to_module
from tests.support.jitsi.focus import FOCUS
from tests.support.jitsi.participants import notice_nothing, room_jid
from tests.support.jitsi.server import FOCUS_HOST, PROXY, Deployment, notices_of, until

GUESTS = 500


def answer_about(who: IssuedCredential, room: str, session_id: str) -> str:
    """What the focus says of somebody who has logged in."""
    return (
        f"<conference xmlns='{FOCUS}' ready='true' room={quoteattr(room)} "
        f"identity='{who.username}@meet.test' session-id={quoteattr(session_id)}/>"
    )


async def test_answers_that_the_focus_never_gave(deployment: Deployment) -> None:
    """They make nobody the starter of a room, an heir of it, or the owner of a session-id."""
    who, colleague = deployment.auth.issue(), deployment.auth.issue()
    room, theirs = room_jid("luege-physik"), room_jid("luege-chemie")
    async with deployment.jitsi.participants() as participants:
        leader, other = (
            await participants.organiser(who, room),
            await participants.organiser(colleague, theirs),
        )
        liar = await participants.pupil(room)
        for kind in ("result", "error"):
            for to in (PROXY, f"{PROXY}/{liar.jid}", f"{PROXY}/{other.jid}", str(other.jid)):
                for each, place in ((who, theirs), (colleague, room)):
                    payload = answer_about(each, place, str(uuid.uuid4()))
                    await liar.line.send(
                        f"<iq xmlns='jabber:client' type='{kind}' id='x' to={quoteattr(to)}>{payload}</iq>"
                    )
        await liar.line.ping()

        deployment.auth.suspend(who.username)
        notices = await notices_of(each.seats[room] for each in (leader, liar))
        assert [notice.kind for notice in notices] == ["destroyed"] * 2
        effect = await deployment.auth.effect(who.username)
        assert (effect.sessions, effect.meetings, effect.logins) == (1, 1, 1)
        await notice_nothing(theirs, other)


async def test_requests_with_what_belongs_to_others(deployment: Deployment) -> None:
    """A foreign session-id from another machine, an identity, a made-up session-id: all are nobody's."""
    who, room = deployment.auth.issue(), room_jid("luege-deutsch")
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        liar = await participants.guest()
        stolen = await liar.ask(room_jid("luege-party"), session_id=leader.session_id)
        assert (stolen.error, stolen.is_session_invalid) == ("not-acceptable", False)
        assert (await liar.ask(room_jid("luege-party"), session_id=str(uuid.uuid4()))).is_session_invalid
        lie = {"identity": f"{who.username}@meet.test", "from": leader.jid}
        assert (await liar.ask(room_jid("luege-party"), **lie)).error == "not-authorized"
        assert not (await liar.ask(room, **lie)).identity

        deployment.auth.suspend(who.username)
        await notices_of([leader.seats[room]])
        assert (await deployment.auth.effect(who.username)).sessions == 1
        await liar.line.ping()


async def test_a_room_name_in_other_letters_is_the_same_room(deployment: Deployment) -> None:
    """Writing it otherwise hides no meeting."""
    who, room = deployment.auth.issue(), room_jid("luege-biologie")
    async with deployment.jitsi.participants() as participants:
        page = await participants.guest()
        await page.log_in(who, "Luege-BioLogie@Conference.Meet.Test")
        await page.ask("LUEGE-BIOLOGIE@conference.meet.test")
        await page.join(room)
        deployment.auth.suspend(who.username)
        [notice] = await notices_of([page.seats[room]])
        assert notice.kind == "destroyed"


async def test_nobody_is_logged_out_through_us(deployment: Deployment) -> None:
    """A suspended organiser's last requests, whatever they name, end no login but their own."""
    who, other = deployment.auth.issue(), deployment.auth.issue()
    room, theirs = room_jid("luege-kunst"), room_jid("luege-werken")
    async with deployment.jitsi.participants() as participants:
        leader, colleague = (
            await participants.organiser(who, room),
            await participants.organiser(other, theirs),
        )
        pupil = await participants.pupil(theirs)
        before = len(deployment.jitsi.focus.log)
        deployment.jitsi.focus.withhold()
        try:
            asking = [
                asyncio.ensure_future(leader.ask(each, session_id=session_id))
                for each, session_id in ((theirs, colleague.session_id), (theirs, ""), (room, ""))
            ]
            await until(lambda: len(deployment.jitsi.focus.log) == before + len(asking))
            deployment.auth.suspend(who.username)
            await deployment.auth.effect(who.username)
        finally:
            deployment.jitsi.focus.tell()
        await asyncio.gather(*asking, return_exceptions=True)
        assert [login.session_id for login in deployment.jitsi.focus.logins_of(other.username)] == [
            colleague.session_id
        ]
        await notice_nothing(theirs, colleague, pupil)


async def test_logout_by_strangers(deployment: Deployment) -> None:
    """Strangers who do not know the session-id end nothing, and nothing that we send tells it to anybody."""
    who, room = deployment.auth.issue(), room_jid("luege-musik")
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        others = [await participants.pupil(room), await participants.organiser(deployment.auth.issue(), room)]
        liar = await participants.pupil(room)
        for attribute in ("", f"session-id='{uuid.uuid4()}'", f"session-id='{liar.machine_uid}'"):
            answer = await liar.line.ask(PROXY, f"<logout xmlns='{FOCUS}' {attribute}/>")
            assert answer.get("type") == "error"
        assert len(deployment.jitsi.focus.logins_of(who.username)) == 1

        deployment.auth.suspend(who.username)
        await notices_of([leader.seats[room]])
        await deployment.auth.effect(who.username)
        heard = b"".join(tostring(element) for each in (*others, liar) for element in each.line.elements)
        assert leader.session_id.encode() not in heard
        assert leader.session_id not in deployment.jitsi.prosody.log.read_text()


async def test_nobody_asks_the_focus_past_the_guard(deployment: Deployment) -> None:
    """Neither at its own address nor through a room in which it is."""
    who, room = deployment.auth.issue(), room_jid("luege-sport")
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        tablet = await participants.tablet(who)
        await tablet.join(room)
        resource = await find_focus(deployment)
        asked = len(deployment.jitsi.focus.log)
        for address in (resource, f"{room}/focus"):
            for person in (leader, tablet):
                answer = await person.line.ask(
                    address, f"<conference xmlns='{FOCUS}' room='{room_jid('geheim')}' machine-uid='m'/>"
                )
                assert answer.get("type") == "error"
        assert len(deployment.jitsi.focus.log) == asked


async def find_focus(deployment: Deployment) -> str:
    """Its full JID, which nobody but Prosody knows."""
    said = await asyncio.to_thread(deployment.jitsi.prosody.shell, "c2s", "show")
    found = re.search(rf"focus@{FOCUS_HOST}/\S+", said)
    assert found
    return found.group()


async def test_sessions_that_come_and_go_leave_nothing_behind(deployment: Deployment) -> None:
    """Of guests, bound or not, and their rooms; a remembered login is all that the module keeps."""
    before = await known_to_module(deployment.jitsi)
    await come_and_go(deployment, GUESTS)
    after = await known_to_module(deployment.jitsi)
    assert after.clients <= before.clients
    assert after.rooms <= before.rooms
    assert after.people <= before.people + 1


async def test_nothing_of_it_is_an_error(deployment: Deployment) -> None:
    """Neither for Prosody nor for the service."""
    assert deployment.complaints == []
