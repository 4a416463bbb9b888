"""A client that lies to the focus, or to us about the focus, gains nothing and puts nobody out."""

import asyncio
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import tostring
from xml.sax.saxutils import quoteattr

import pytest

from authbridge.schools.commands.organisers import IssuedCredential
from tests.end_to_end.conftest import VERSIONS
from tests.end_to_end.focus import FOCUS
from tests.end_to_end.jitsi import FOCUS_HOST, PROXY, Stage, notices_of, open_stage, until
from tests.end_to_end.passers_by import come_and_go, known_to_module
from tests.end_to_end.people import notice_nothing, room_jid

GUESTS = 500


@pytest.fixture(name="stage", scope="module", params=VERSIONS)
def set_stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Stage]:
    """A whole Jitsi and the service that it asks."""
    with open_stage(request.param, tmp_path_factory.mktemp("stage"), sqlite_template) as stage:
        yield stage


def answer_about(who: IssuedCredential, room: str, session_id: str) -> str:
    """What the focus says of somebody who has logged in."""
    return (
        f"<conference xmlns='{FOCUS}' ready='true' room={quoteattr(room)} "
        f"identity='{who.username}@meet.test' session-id={quoteattr(session_id)}/>"
    )


async def test_answers_that_the_focus_never_gave(stage: Stage) -> None:
    """They make nobody the starter of a room, an heir of it, or the owner of a session-id."""
    who, colleague = stage.county.issue(), stage.county.issue()
    room, theirs = room_jid("physik"), room_jid("chemie")
    async with stage.jitsi.people() as people:
        leader, other = await people.organiser(who, room), await people.organiser(colleague, theirs)
        liar = await people.pupil(room)
        for kind in ("result", "error"):
            for to in (PROXY, f"{PROXY}/{liar.jid}", f"{PROXY}/{other.jid}", str(other.jid)):
                for each, place in ((who, theirs), (colleague, room)):
                    payload = answer_about(each, place, str(uuid.uuid4()))
                    await liar.line.send(
                        f"<iq xmlns='jabber:client' type='{kind}' id='x' to={quoteattr(to)}>{payload}</iq>"
                    )
        await liar.line.ping()

        stage.county.suspend(who.username)
        notices = await notices_of(each.seats[room] for each in (leader, liar))
        assert [notice.kind for notice in notices] == ["destroyed"] * 2
        effect = await stage.county.effect(who.username)
        assert (effect.sessions, effect.meetings, effect.logins) == (1, 1, 1)
        await notice_nothing(theirs, other)


async def test_requests_with_what_belongs_to_others(stage: Stage) -> None:
    """A foreign session-id from another machine, an identity, a made-up session-id: all are nobody's."""
    who, room = stage.county.issue(), room_jid("deutsch")
    async with stage.jitsi.people() as people:
        leader = await people.organiser(who, room)
        liar = await people.guest()
        stolen = await liar.ask(room_jid("party"), session_id=leader.session_id)
        assert (stolen.error, stolen.is_session_invalid) == ("not-acceptable", False)
        assert (await liar.ask(room_jid("party"), session_id=str(uuid.uuid4()))).is_session_invalid
        lie = {"identity": f"{who.username}@meet.test", "from": leader.jid}
        assert (await liar.ask(room_jid("party"), **lie)).error == "not-authorized"
        assert not (await liar.ask(room, **lie)).identity

        stage.county.suspend(who.username)
        await notices_of([leader.seats[room]])
        assert (await stage.county.effect(who.username)).sessions == 1
        await liar.line.ping()


async def test_a_room_name_in_other_letters_is_the_same_room(stage: Stage) -> None:
    """Whoever writes it otherwise does not hide his meeting."""
    who, room = stage.county.issue(), room_jid("biologie")
    async with stage.jitsi.people() as people:
        page = await people.guest()
        await page.log_in(who, "BioLogie@Conference.Meet.Test")
        await page.ask("BIOLOGIE@conference.meet.test")
        await page.join(room)
        stage.county.suspend(who.username)
        [notice] = await notices_of([page.seats[room]])
        assert notice.kind == "destroyed"


async def test_nobody_is_logged_out_through_us(stage: Stage) -> None:
    """A suspended organiser's last requests, whatever they name, end no login but his own."""
    who, other = stage.county.issue(), stage.county.issue()
    room, theirs = room_jid("kunst"), room_jid("werken")
    async with stage.jitsi.people() as people:
        leader, colleague = await people.organiser(who, room), await people.organiser(other, theirs)
        pupil = await people.pupil(theirs)
        before = len(stage.jitsi.focus.log)
        stage.jitsi.focus.withhold()
        try:
            asking = [
                asyncio.ensure_future(leader.ask(each, session_id=session_id))
                for each, session_id in ((theirs, colleague.session_id), (theirs, ""), (room, ""))
            ]
            await until(lambda: len(stage.jitsi.focus.log) == before + len(asking))
            stage.county.suspend(who.username)
            await stage.county.effect(who.username)
        finally:
            stage.jitsi.focus.tell()
        await asyncio.gather(*asking, return_exceptions=True)
        assert [login.session_id for login in stage.jitsi.focus.logins_of(other.username)] == [
            colleague.session_id
        ]
        await notice_nothing(theirs, colleague, pupil)


async def test_logout_by_strangers(stage: Stage) -> None:
    """Whoever does not know the session-id ends nothing, and nothing that we send tells it to anybody."""
    who, room = stage.county.issue(), room_jid("musik")
    async with stage.jitsi.people() as people:
        leader = await people.organiser(who, room)
        others = [await people.pupil(room), await people.organiser(stage.county.issue(), room)]
        liar = await people.pupil(room)
        for attribute in ("", f"session-id='{uuid.uuid4()}'", f"session-id='{liar.machine_uid}'"):
            answer = await liar.line.ask(PROXY, f"<logout xmlns='{FOCUS}' {attribute}/>")
            assert answer.get("type") == "error"
        assert len(stage.jitsi.focus.logins_of(who.username)) == 1

        stage.county.suspend(who.username)
        await notices_of([leader.seats[room]])
        await stage.county.effect(who.username)
        heard = b"".join(tostring(element) for each in (*others, liar) for element in each.line.elements)
        assert leader.session_id.encode() not in heard
        assert leader.session_id not in stage.jitsi.prosody.log.read_text()


async def test_nobody_asks_the_focus_past_the_guard(stage: Stage) -> None:
    """Neither at its own address nor through a room in which it is."""
    who, room = stage.county.issue(), room_jid("sport")
    async with stage.jitsi.people() as people:
        leader = await people.organiser(who, room)
        tablet = await people.tablet(who)
        await tablet.join(room)
        resource = await find_focus(stage)
        asked = len(stage.jitsi.focus.log)
        for address in (resource, f"{room}/focus"):
            for person in (leader, tablet):
                answer = await person.line.ask(
                    address, f"<conference xmlns='{FOCUS}' room='{room_jid('geheim')}' machine-uid='m'/>"
                )
                assert answer.get("type") == "error"
        assert len(stage.jitsi.focus.log) == asked


async def find_focus(stage: Stage) -> str:
    """Its full JID, which nobody but Prosody knows."""
    said = await asyncio.to_thread(stage.jitsi.prosody.shell, "c2s", "show")
    found = re.search(rf"focus@{FOCUS_HOST}/\S+", said)
    assert found
    return found.group()


async def test_sessions_that_come_and_go_leave_nothing_behind(stage: Stage) -> None:
    """Of guests, bound or not, and their rooms; a remembered login is all that the module keeps."""
    before = await known_to_module(stage.jitsi)
    await come_and_go(stage, GUESTS)
    after = await known_to_module(stage.jitsi)
    assert (after.clients, after.rooms) == (before.clients, before.rooms)
    assert after.people <= before.people + 1


async def test_nothing_of_it_is_an_error(stage: Stage) -> None:
    """Neither for Prosody nor for the service."""
    assert stage.complaints == []
