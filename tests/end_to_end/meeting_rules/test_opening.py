"""Only organisers open rooms, whatever the server allows otherwise; without rules all is as Jitsi has it."""

import pytest

from tests.support.jitsi.participants import room_jid
from tests.support.jitsi.rules import WORDS, by
from tests.support.jitsi.seats import JoinRefusedError
from tests.support.jitsi.server import Deployment

BY = by("opening", "all")


@BY
async def test_who_comes_past_the_focus(ruled: Deployment) -> None:
    """A guest, and an organiser's own client: the room does not come to be."""
    async with ruled.jitsi.participants() as participants:
        guest, tablet = await participants.guest(), await participants.tablet(ruled.auth.issue())
        for number, page in enumerate((guest, tablet)):
            with pytest.raises(JoinRefusedError, match="not-allowed") as refused:
                await page.join(room_jid(f"am-fokus-vorbei-{number}"))
            assert refused.value.text == WORDS["opening"]


@by("none")
async def test_without_any_rule(ruled: Deployment) -> None:
    """A lesson as Jitsi has it: open from the start, left to the pupils, with any name."""
    who, room = ruled.auth.issue("gym"), room_jid("ohg-5%20a")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        assert not await leader.features_of(room) & {"muc_membersonly", "muc_passwordprotected"}
        pupil = await participants.pupil(room)
        await leader.close()
        await (await participants.pupil(room)).line.ping()
        assert not pupil.seats[room].out.done()
