"""What the panel remembers of the auth service's own word."""

import asyncio
from datetime import timedelta

import pytest

from admin.stores.service_health import ServiceHealth
from tests.support.call_server import CallServer
from tests.support.fakes import MORNING


class Asked:
    """Counts the questions, and answers each with its number."""

    def __init__(self) -> None:
        self.count = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one question for readiness."""
        await reader.readuntil(b"\r\n\r\n")
        self.count += 1
        body = b'{"storage": "%d"}' % self.count
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()


@pytest.mark.parametrize(
    ("before", "count"),
    [
        pytest.param(timedelta(seconds=4), 1, id="some seconds before"),
        pytest.param(timedelta(seconds=5), 2, id="too long before"),
        pytest.param(timedelta(days=-2), 2, id="while the clock was two days ahead"),
    ],
)
async def test_a_page_sees_what_is_so_now(before: timedelta, count: int) -> None:
    """What was found earlier counts for some seconds, by whatever clock."""
    asked = Asked()
    server = CallServer(asked.answer)
    port = await server.listen(0)
    try:
        health = ServiceHealth(f"127.0.0.1:{port}")
        for now in (MORNING - before, MORNING):
            found = await asyncio.to_thread(health.checks, now=now)
        assert found == {"storage": str(count)}
    finally:
        await server.end()
