import asyncio
import pytest
from collections.abc import Iterator
from pathlib import Path
from tests.support.jitsi.server import Deployment, open_deployment, notices_of
from tests.support.jitsi.participants import room_jid
from tests.support.login_server import VERSIONS
from workbench.xmpp import ConnectionEndedError

@pytest.fixture(name="ruled", scope="module", params=VERSIONS)
def run(request, tmp_path_factory, sqlite_template):
    with open_deployment(request.param, tmp_path_factory.mktemp("ruled"), sqlite_template, rules={"meeting_rules_grace": 1}, hibernation=1) as d:
        yield d
        print(d.jitsi.prosody.log.read_text()[-3000:])

async def test_lesson(ruled: Deployment):
    who, room = ruled.auth.issue(), room_jid("physik")
    async with ruled.jitsi.participants() as ps:
        guest = await ps.guest()
        a = await guest.ask(room_jid("physik%20%c3%bcbung")); print(a)
        assert a.error == "service-unavailable"
        a = await guest.ask(room_jid("physik übung")); print(a)
        leader = await ps.organiser(who, room)
        # lobby is on
        assert not (await guest.ask(room)).error
        with pytest.raises(ConnectionEndedError, match="registration-required"):
            await guest.join(room)
        await leader.close()
        again = await ps.reload(leader)
        assert not (await again.ask(room)).error
        seat = await again.join(room)
        await seat.until_moderator()
        await again.close()
        g2 = await ps.guest()
        print(await g2.ask(room))
        await ruled.jitsi.until_gone(room)
    print(ruled.complaints)
    assert ruled.complaints == []
