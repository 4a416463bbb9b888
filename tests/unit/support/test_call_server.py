"""A stand-in that leaves a connection open fails some later test: whichever Python collects it in."""

import asyncio
import contextlib
import socket

import pytest

from tests.support.call_server import CallServer


@pytest.mark.parametrize("turns", range(6))
async def test_the_end_closes_who_has_just_come(turns: int) -> None:
    """So many turns of the loop before it: not yet accepted, half connected, or served."""

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    server = CallServer(serve)
    port = await server.listen(0)
    with socket.create_connection(("127.0.0.1", port)) as caller:
        for _ in range(turns):
            await asyncio.sleep(0)
        await server.end()
        await asyncio.sleep(0)  # transports close their sockets in the next turn

        caller.settimeout(1)
        with contextlib.suppress(ConnectionResetError):  # it waited in the queue of the listening socket
            assert caller.recv(1) == b""


async def test_a_call_closes_its_connection_when_it_ends() -> None:
    """Also one that forgets to, or fails."""

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"answer")

    server = CallServer(serve)
    reader, writer = await asyncio.open_connection("127.0.0.1", await server.listen(0))
    assert await reader.read() == b"answer"
    writer.close()
    await server.end()
