"""What the panel remembers of the auth service's own word."""

import asyncio
from datetime import datetime, timedelta

import pytest

from admin.stores.service_health import ServiceHealth
from tests.support.call_server import CallServer
from tests.support.fakes import MORNING


class Asked:
    """Counts the questions, and answers each with that body, in which it puts its number."""

    def __init__(self, body: str = '{"storage": "%d"}', status: int = 200) -> None:
        self.count = 0
        self._body = body
        self._status = status

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one question for readiness."""
        await reader.readuntil(b"\r\n\r\n")
        self.count += 1
        body = self._body.replace("%d", str(self.count))
        writer.write(f"HTTP/1.1 {self._status} .\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()


async def checks(asked: Asked, *moments: datetime) -> dict[str, str] | None:
    """Asks at these moments; returns what was found last."""
    server = CallServer(asked.answer)
    health = ServiceHealth(f"127.0.0.1:{await server.listen(0)}")
    try:
        for now in moments:
            found = await asyncio.to_thread(health.checks, now=now)
    finally:
        await server.end()
    return found


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
    assert await checks(Asked(), MORNING - before, MORNING) == {"storage": str(count)}


async def test_a_check_that_failed_is_named() -> None:
    """By a service that is not ready, and says so by its status."""
    assert await checks(Asked('{"storage": "gone"}', 503), MORNING) == {"storage": "gone"}


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize("body", ["", "no JSON", "17", '["storage"]'])
async def test_another_program_at_its_port_is_no_service(body: str, status: int) -> None:
    """The overview says that it does not answer; it is no fault of the panel's."""
    assert await checks(Asked(body, status), MORNING) is None
