"""The door for tokens opens and closes when Prosody reads its configuration again: no meeting ends for it."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.login_server import VERSIONS
from tests.support.scripted_service import answering, scripted_service
from workbench.processes import PATIENCE, free_port
from workbench.prosody import HOST, Prosody, external
from workbench.xmpp import Client
from workbench.xmpp_http import BoshTransport, WebSocketTransport

_QUERY = "token=YQ.Yg.Yw"


@pytest.fixture(name="prosody", params=VERSIONS)
def start_prosody(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Prosody, int]]:
    """A Prosody without the login page, and the port on which it asks."""
    (tmp_path / "token").write_text("t" * 64)
    port = free_port()
    options = external(f"http://127.0.0.1:{port}", tmp_path / "token")
    prosody = Prosody(request.param, tmp_path, {HOST: options})
    prosody.start()
    yield prosody, port
    prosody.stop()


async def _reload_until(prosody: Prosody, *, takes_tokens: bool) -> None:
    """Has Prosody read its configuration again, and waits until both transports go by it."""
    options = dict(prosody.hosts[HOST]) | {"external_auth_page": takes_tokens}
    prosody.hosts = {HOST: options}
    prosody.write_config()
    os.kill(prosody.pid, signal.SIGHUP)
    async with asyncio.timeout(PATIENCE):
        while await _offers(prosody) != {takes_tokens}:  # noqa: ASYNC110 - it happens in Prosody
            await asyncio.sleep(0.05)


async def _offers(prosody: Prosody) -> set[bool]:
    found = set()
    for kind in (BoshTransport, WebSocketTransport):
        async with Client(kind(prosody.http_port, HOST, query=_QUERY), HOST) as client:
            found.add("ANONYMOUS" in client.mechanisms)
    return found


async def test_it_opens_and_closes_under_a_running_meeting(prosody: tuple[Prosody, int]) -> None:
    """Who is logged in stays so, by the same connection."""
    server, port = prosody
    async with (
        scripted_service(port, answering("granted")),
        Client(WebSocketTransport(server.http_port, HOST), HOST) as organiser,
    ):
        assert (await organiser.login("frau.a", "vpgd-kxwj-rhms")).condition == "success"
        await organiser.bind()
        assert await _offers(server) == {False}
        await _reload_until(server, takes_tokens=True)
        await organiser.ping()
        await _reload_until(server, takes_tokens=False)
        await organiser.ping()
