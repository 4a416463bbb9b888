"""Lets nobody in again after a restart of Prosody: the module has forgotten everything, the focus nothing."""

import asyncio

import pytest

from tests.support.jitsi.participants import notice_nothing, room_jid
from tests.support.jitsi.server import Deployment, assert_kept_out, ends_of, notices_of, until


async def test_a_restart_of_prosody_lets_nobody_in_again(restartable: Deployment) -> None:
    """The module has forgotten everything and the focus nothing: its answer names whom it lets in."""
    who, other = restartable.auth.issue(), restartable.auth.issue()
    room, theirs = room_jid("kunst"), room_jid("werken")
    async with restartable.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        colleague = await participants.organiser(other, theirs)
        restartable.jitsi.focus.stop()  # so that no logout reaches it
        restartable.auth.suspend(who.username)
        await notices_of([leader.seats[room]])
        await restartable.auth.effect(who.username)
    await asyncio.to_thread(restartable.jitsi.restart)
    assert len(restartable.jitsi.focus.logins_of(who.username)) == 1

    await assert_kept_out(restartable, who, leader)
    await restartable.jitsi.until_logged_out(who.username)
    async with restartable.jitsi.participants() as participants:
        reloaded = await participants.reload(colleague)
        assert (await reloaded.ask(theirs)).identity == f"{other.username}@meet.test"
        restartable.auth.reinstate(who.username)
        await participants.organiser(who, room)


@pytest.mark.parametrize("transport", ["tcp", "bosh", "websocket"])
async def test_a_login_from_before_a_restart_leads_no_lesson(restartable: Deployment, transport: str) -> None:
    """The focus makes a page an owner as soon as it shows its session-id, before we see the answer."""
    who, colleague, room = restartable.auth.issue(), restartable.auth.issue(), room_jid(f"stunde-{transport}")
    async with restartable.jitsi.participants() as participants:
        before = await participants.organiser(who, room_jid("vorher"))
    restartable.jitsi.focus.settle()  # or else an old answer might tell of that login first
    restartable.jitsi.prosody.stop()
    restartable.auth.suspend(who.username)
    await asyncio.to_thread(restartable.jitsi.start_again)
    async with restartable.jitsi.participants() as participants:
        host = await participants.organiser(colleague, room)
        usurper = await participants.guest(transport)
        await usurper.ask(room)
        await usurper.join(room)
        await restartable.auth.effect(who.username)
        usurper.machine_uid = before.machine_uid
        answer = await usurper.ask(room, session_id=before.session_id)
        assert (answer.error, answer.is_session_invalid) == ("not-acceptable", True)
        await ends_of([usurper])
        await restartable.jitsi.until_logged_out(who.username)
        await notice_nothing(room, host)
        assert host.seats[room].role == "moderator"


async def test_a_meeting_from_before_the_module_is_nobodys(restartable: Deployment) -> None:
    """The organiser who asks for it first afterwards did not start it, and does not end it."""
    colleague, who, room = restartable.auth.issue(), restartable.auth.issue(), room_jid("frueher")
    async with restartable.jitsi.participants() as participants:
        host = await participants.organiser(colleague, room)
        for action in ("unload", "load"):
            await asyncio.to_thread(
                restartable.jitsi.prosody.shell, "module", action, "auth_external", "meet.test"
            )
        later = await participants.organiser(who, room)
        restartable.auth.suspend(who.username)
        await notices_of([later.seats[room]])
        await notice_nothing(room, host)


async def test_it_outlives_a_restart_of_prosody(restartable: Deployment) -> None:
    """An old session-id is logged out when it appears; one of a login since then opens meetings."""
    who, room = restartable.auth.issue(), room_jid("erdkunde")
    async with restartable.jitsi.participants() as participants:
        old = await participants.organiser(who, room_jid("geschichte"))
        await participants.organiser(who, room_jid("politik"))
        restartable.jitsi.focus.stop()  # so that no logout reaches it
        restartable.auth.end_sessions(who.username)
        await ends_of([old])
        await restartable.auth.effect(who.username)
    await asyncio.to_thread(restartable.jitsi.restart)
    assert len(restartable.jitsi.focus.logins_of(who.username)) == 2

    async with restartable.jitsi.participants() as participants:
        new = await participants.organiser(who, room)
        answer = await (await participants.reload(old)).wait_for_host(room_jid("naechste"))
        assert (answer.error, answer.is_session_invalid) == ("not-acceptable", True)
        await restartable.jitsi.until_gone(room_jid("naechste"))
        assert {login.session_id for login in restartable.jitsi.focus.logins_of(who.username)} >= {
            new.session_id
        }
        await until(lambda: old.session_id not in restartable.jitsi.focus.authority.logins)

        reloaded = await participants.reload(new)
        assert not (await reloaded.ask(room)).error
        assert not (await reloaded.ask(room_jid("uebernaechste"))).error
        await notice_nothing(room, new)


async def test_an_old_session_id_does_not_end_the_new_meeting(restartable: Deployment) -> None:
    """A tablet that was passed on asks for the room in which its owner, logged in anew, is teaching."""
    who, room = restartable.auth.issue(), room_jid("religion")
    async with restartable.jitsi.participants() as participants:
        old = await participants.organiser(who, room_jid("ethik"))
        restartable.jitsi.focus.stop()
        restartable.auth.end_sessions(who.username)
        await restartable.auth.effect(who.username)
    await asyncio.to_thread(restartable.jitsi.restart)

    async with restartable.jitsi.participants() as participants:
        new, pupil = await participants.organiser(who, room), await participants.pupil(room)
        assert (await (await participants.reload(old)).wait_for_host(room)).is_session_invalid
        for each in (new, pupil):
            await notice_nothing(room, each)


@pytest.mark.parametrize("action", ["log out everywhere", "suspend and reinstate"])
@pytest.mark.parametrize("transport", ["bosh", "websocket"])
async def test_who_logged_in_since_goes_on_after_a_restart(
    restartable: Deployment, action: str, transport: str
) -> None:
    """Without the password; and a device of theirs from before, that nobody had seen by then, does not.

    Prosody had been restarted before, so that it did not know that device when all logins were ended.
    """
    who, room = restartable.auth.issue(), room_jid(f"weiter-{transport}-{action.partition(' ')[0]}")
    async with restartable.jitsi.participants() as participants:
        forgotten = await participants.organiser(who, room_jid("liegengeblieben"))
        passed_on = await participants.organiser(who, room_jid("weitergegeben"))
    restartable.jitsi.focus.settle()
    await asyncio.to_thread(restartable.jitsi.restart)
    async with restartable.jitsi.participants() as participants:
        seen = await participants.reload(passed_on)
        assert not (await seen.wait_for_host(room_jid("weitergegeben"))).error
        if action == "log out everywhere":
            restartable.auth.end_sessions(who.username)
        else:
            restartable.auth.suspend(who.username)
            restartable.auth.reinstate(who.username)
        await restartable.auth.effect(who.username)
        page = await participants.organiser(who, room, transport)
    await asyncio.to_thread(restartable.jitsi.restart)

    async with restartable.jitsi.participants() as participants:
        again = await participants.reload(page)
        answer = await again.wait_for_host(room)
        assert (answer.error, answer.identity) == ("", f"{who.username}@meet.test")
        seat = await again.join(room)
        await seat.until_moderator()
        pupil = await participants.pupil(room)
        for old in (passed_on, forgotten):
            answer = await (await participants.reload(old)).wait_for_host(room_jid("naechste"))
            assert (answer.error, answer.is_session_invalid) == ("not-acceptable", True)
        await notice_nothing(room, again, pupil)
        restartable.auth.end_sessions(who.username)
        await notices_of([seat])


async def test_an_end_finds_meetings_of_which_only_the_pseudonym_is_known(restartable: Deployment) -> None:
    """Prosody has forgotten the names behind the tokens, and the focus names the pseudonyms first."""
    auth, jitsi = restartable.auth, restartable.jitsi
    people = {who: room_jid(f"unbekannt-{number}") for number, who in enumerate(auth.issue() for _ in "123")}
    async with jitsi.participants() as participants:
        before = [await participants.leader(auth.token(who), room) for who, room in people.items()]
    await asyncio.to_thread(jitsi.restart)

    async with jitsi.participants() as participants:
        leaders = [await participants.reload(page) for page in before]
        for leader, (who, room) in zip(leaders, people.items(), strict=True):
            assert (await leader.wait_for_host(room)).identity == f"{auth.pseudonym(who)}@meet.test"
            await (await leader.join(room)).until_moderator()
        suspended, logged_out, known_again = people
        await until(lambda: auth.running_names() == {""})

        await participants.leader(auth.token(known_again), room_jid("noch-eine"))
        await until(lambda: auth.running(known_again.username) == 2)
        auth.suspend(suspended.username)
        auth.end_sessions(logged_out.username)
        await ends_of(leaders[:2])
        for who in (suspended, logged_out):
            effect = await auth.effect(who.username)
            assert (effect.sessions, effect.meetings, effect.logins) == (1, 1, 1)
        await notice_nothing(people[known_again], leaders[2])
        auth.suspend(known_again.username)
        await ends_of(leaders[2:])
        await until(lambda: not auth.running_names())


async def test_nothing_of_it_is_an_error(restartable: Deployment) -> None:
    """Neither for Prosody nor for the service."""
    assert restartable.complaints == []
