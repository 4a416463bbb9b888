"""No recording, no live stream, no transcription; organisers too read why."""

import pytest

from tests.support.jitsi.participants import room_jid
from tests.support.jitsi.rules import WORDS, by
from tests.support.jitsi.server import Deployment

BY = by("recording", "all")


@BY
async def test_the_organiser_reads_why(ruled: Deployment) -> None:
    """What Jitsi's page sends for each of them is refused; what has nothing to do with it passes."""
    who, room = ruled.auth.issue(), room_jid("ohne-aufnahme")
    before = len(ruled.jitsi.focus.log)
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        for refused in (
            await leader.start_recording(room),
            await leader.start_recording(room, "stream"),
            await leader.start_transcription(room),
        ):
            assert (refused.error, refused.text) == ("forbidden", WORDS["recording"])
        await leader.set_metadata(room, "recording", {"isTranscribingEnabled": True})
        await leader.set_metadata(room, "startMuted", {"audio": True})
        await leader.until_told(room, "startMuted")
        assert "recording" not in leader.metadata[room]
    assert len(ruled.jitsi.focus.log) > before


@BY
@pytest.mark.parametrize(
    "data",
    [
        {"isTranscribingEnabled": 1},
        {"a": {"isTranscribingEnabled": "true"}},
        [[{"isTranscribingEnabled": True}]],
    ],
)
async def test_the_switch_in_odd_places(ruled: Deployment, data: object) -> None:
    """It counts wherever it stands."""
    who, room = ruled.auth.issue(), room_jid("versteckter-schalter")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        await leader.set_metadata(room, "anything", data)
        await leader.set_metadata(room, "last", {"isTranscribingEnabled": False})
        await leader.until_told(room, "last")
        assert "anything" not in leader.metadata[room]


@by("none")
async def test_without_the_rule_it_passes(ruled: Deployment) -> None:
    """So the test above is one of our rule, and not of somebody else's."""
    who, room = ruled.auth.issue(), room_jid("mit-aufnahme")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        assert (
            await leader.start_recording(room)
        ).error == "service-unavailable"  # the focus has no recorder
        await leader.set_metadata(room, "recording", {"isTranscribingEnabled": True})
        await leader.until_told(room, "recording")
