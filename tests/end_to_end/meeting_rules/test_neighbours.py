"""All rules beside those modules of Jitsi that wait for a host, keep rooms, and hold joins back."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.jitsi.participants import Participants, room_jid
from tests.support.jitsi.rules import GRACE, WORDS
from tests.support.jitsi.seats import JoinRefusedError
from tests.support.jitsi.server import Deployment, notices_of, open_deployment
from tests.support.login_server import VERSIONS

SECRET = "Igel-Kuchen-7"


@pytest.fixture(name="crowded", scope="module", params=VERSIONS)
def run_crowded_deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Deployment]:
    """A Jitsi with those modules beside ours."""
    with open_deployment(
        request.param,
        tmp_path_factory.mktemp("crowded"),
        sqlite_template,
        rules={"meeting_rules_grace": GRACE},
        neighbours=("wait_for_host", "meeting_id"),
    ) as deployment:
        yield deployment


async def assert_has_to_knock(participants: Participants, room: str) -> None:
    """Fails if somebody new comes in, or finds no lobby."""
    stranger = await participants.guest("websocket")
    with pytest.raises(JoinRefusedError, match="registration-required") as refused:
        await stranger.join(room)
    assert refused.value.lobby


async def test_a_lesson(crowded: Deployment) -> None:
    """Who came first waits until the organiser admits them; the end is the end; and the room opens again."""
    who, room = crowded.auth.issue(), room_jid("erste-stunde")
    async with crowded.jitsi.participants() as participants:
        early, tablet = await participants.guest("websocket"), await participants.tablet(who)
        assert (await early.ask(room)).error == "not-authorized"
        for _ in range(2):
            assert not (await tablet.ask(room)).error
            await crowded.jitsi.until_held(room)
            await early.knock(room)  # in the lobby of the module that waits for the host
            leader = await participants.organiser(who, room, "websocket")
            await assert_has_to_knock(participants, room)
            assert "muc_membersonly" in await leader.features_of(room)

            pupil = await participants.admitted(room, leader)
            await assert_has_to_knock(participants, room)
            await tablet.close()
            await leader.close()
            (notice,) = await notices_of([pupil.seats[room]])
            assert (notice.kind, notice.text) == ("destroyed", WORDS["ending"])
            await crowded.jitsi.until_gone(room)
            early, tablet = await participants.guest("websocket"), await participants.tablet(who)


async def test_who_waits_for_the_host_is_never_in_an_open_room(crowded: Deployment) -> None:
    """The module sends them on when the organiser comes; they find our lobby, which no later guest ends."""
    who, room = crowded.auth.issue(), room_jid("wer-zuerst-kommt")
    async with crowded.jitsi.participants() as participants:
        tablet, early = await participants.tablet(who), await participants.guest()
        assert not (await tablet.ask(room)).error
        await crowded.jitsi.until_held(room)
        await early.knock(room)
        leader = await participants.organiser(who, room)
        with pytest.raises(JoinRefusedError, match="registration-required"):
            await early.enter_from_lobby(room)
        late = await participants.guest()
        waiting = [await person.knock(room) for person in (early, late)]
        await assert_has_to_knock(participants, room)
        assert not any(seat.out.done() for seat in waiting)
        await leader.admit(room, early, late)
        for person in (early, late):
            assert (await person.enter_from_lobby(room)).affiliation == "member"


async def test_a_password_in_the_place_of_the_lobby(crowded: Deployment) -> None:
    """While the organiser is there, nobody turns the lobby on again."""
    who, room = crowded.auth.issue(), room_jid("nur-mit-passwort")
    async with crowded.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        await leader.set_password(room, SECRET)
        await leader.end_lobby(room)
        for _ in range(2):
            guesser, pupil = await participants.guest(), await participants.guest()
            with pytest.raises(JoinRefusedError, match="not-authorized"):
                await guesser.join(room, password="Igel-Torte-7")
            await pupil.join(room, password=SECRET)
            assert "muc_membersonly" not in await leader.features_of(room)
        await leader.close()
        leader = await participants.reload(leader)
        assert not (await leader.ask(room)).error
        await (await leader.join(room)).until_moderator()
        await asyncio.sleep(GRACE * 1.5)  # nothing must happen
        features = await leader.features_of(room)
        assert "muc_passwordprotected" in features
        assert "muc_membersonly" not in features


async def test_nothing_of_it_is_an_error(crowded: Deployment) -> None:
    """Neither for Prosody nor for the service."""
    assert crowded.complaints == []
