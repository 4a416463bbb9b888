"""What logins leave in Prosody's memory: nothing."""

import asyncio
import re
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.login_server import TRANSPORTS, Organisers, make_client, newer_first
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service
from workbench.xmpp import STREAMS, ConnectionEndedError

LOGINS = 600
AT_ONCE = 6
WARM = 60  # logins, after which every cache and table has been used
PER_LOGIN = 500  # bytes, for tables that have grown; of a session that is kept they are 1,600
SHORT = 3  # seconds, in place of the minutes that Prosody keeps what has ended
TRIES = 3  # of one login
LEFT = 5.0  # seconds, after which none of them is kept
_MEASURE = (
    "> collectgarbage() collectgarbage() return ('heap %d'):format(collectgarbage('count') * 1024 // 1)"
)


@pytest.fixture(name="own_prosody")
def start_prosody(request: pytest.FixtureRequest, service: Service, tmp_path: Path) -> Iterator[Prosody]:
    """A Prosody that keeps what has ended for seconds only, so that a test can wait for it."""
    prosody = Prosody(
        request.param,
        tmp_path,
        {HOST: external(service.url, service.token_file)},
        extra_modules=("admin_shell",),
        more=f"c2s_timeout = {SHORT}; bosh_max_inactivity = {SHORT}",
    )
    prosody.start()
    yield prosody
    prosody.stop()


@newer_first("own_prosody")
async def test_logins_leave_nothing_in_memory(own_prosody: Prosody, organisers: Organisers) -> None:
    """Over any transport, with either verdict."""
    await log_in_often(own_prosody, organisers, WARM)
    before = await heap(own_prosody)
    await log_in_often(own_prosody, organisers, LOGINS)
    after = await heap(own_prosody)

    assert (after - before) / LOGINS < PER_LOGIN


async def log_in_often(prosody: Prosody, organisers: Organisers, count: int) -> None:
    """Logs in so often, over all transports in turn, one of four times at a suspended account."""
    accounts = cycle([organisers.active, organisers.active, organisers.suspended, organisers.active])
    turns = zip(range(count), cycle(TRANSPORTS), accounts, strict=False)

    async def keep_logging_in() -> None:
        for _, transport, account in turns:
            for others in reversed(range(TRIES)):
                try:
                    await log_in(transport, account)
                except (ConnectionEndedError, OSError):  # the machine stood still for SHORT seconds
                    if not others:
                        raise
                else:
                    break

    async def log_in(transport: str, account: IssuedCredential) -> None:
        async with make_client(prosody, transport) as client:
            outcome = await client.login(account.username, account.password)
            if STREAMS in outcome.condition:
                raise ConnectionEndedError(outcome.condition)
            if account is organisers.active:
                assert outcome.condition == "success"
                await client.bind()
            else:
                assert outcome.condition == "account-disabled"

    await asyncio.gather(*(keep_logging_in() for _ in range(AT_ONCE)))


async def heap(prosody: Prosody) -> int:
    """Returns the bytes that its Lua still refers to, some seconds after the last session."""
    await asyncio.sleep(LEFT)
    said = await asyncio.to_thread(prosody.shell, _MEASURE)
    found = re.search(r"heap (\d+)", said)
    assert found, said
    return int(found[1])
