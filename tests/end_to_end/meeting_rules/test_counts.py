"""How often each rule stepped in, for the panel: once for a person at a door, though the page asks again."""

from pathlib import Path

import pytest

from tests.support.factories import make_school
from tests.support.jitsi.participants import Participant, Participants, room_jid
from tests.support.jitsi.rules import GRACE, RULES
from tests.support.jitsi.seats import JoinRefusedError
from tests.support.jitsi.server import open_deployment, until

TIMES = 3


async def knock_in_vain(page: Participant, room: str) -> None:
    """Asks for the room and comes to its door, again and again."""
    for _ in range(TIMES):
        assert (await page.ask(room)).error == "not-authorized"
        with pytest.raises(JoinRefusedError, match="not-allowed"):
            await page.join(room)


async def read_a_refusal(participants: Participants, room: str) -> None:
    """Asks for a room whose name will not do, again and again."""
    guest = await participants.guest()
    assert [(await guest.ask(room)).code for _ in range(TIMES)] == ["406"] * TIMES


async def test_each_rule_counts_once(version: str, tmp_path: Path, sqlite_template: Path) -> None:
    """One refusal of each rule; that of the end comes last, with the end of the meeting."""
    rules = {"meeting_rules_grace": GRACE}
    with open_deployment(version, tmp_path, sqlite_template, rules=rules) as deployment:
        auth, jitsi = deployment.auth, deployment.jitsi
        make_school(auth.database, "gym", "Goethe-Gymnasium")
        lesson, not_yet = room_jid("unterricht"), room_jid("gleich")
        async with jitsi.participants() as participants:
            leader = await participants.organiser(auth.issue(), lesson)
            await read_a_refusal(participants, room_jid("physik%20%c3%bcbung"))

            stranger, owned = await participants.guest(), room_jid("ohg-5a")
            other = auth.issue("gym")
            for _ in range(TIMES):
                assert (await stranger.log_in(other, owned)).code == "403"
                assert (await stranger.ask(owned)).code == "403"

            await knock_in_vain(await participants.guest(), room_jid("niemands"))
            tablet = await participants.tablet(auth.issue())
            assert not (await tablet.ask(not_yet)).error
            await jitsi.until_held(not_yet)
            await knock_in_vain(await participants.guest(), not_yet)
            for _ in range(TIMES):
                assert (await leader.start_recording(lesson)).error == "forbidden"
            await participants.admitted(lesson, leader)  # for whom it ends
            await leader.close()
            await jitsi.until_gone(lesson)
        await until(lambda: len(auth.rule_counts()) == len(RULES))
        assert auth.rule_counts() == dict.fromkeys(RULES, 1)
