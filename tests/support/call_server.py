"""Serves TCP connections in tests, and leaves none of them open."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]

_TURNS_TO_BEGIN = 3  # of the loop: accept, make the transport, connect


class CallServer:
    """Listens on loopback, and serves each connection in a task of its own."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._calls: set[asyncio.Task[None]] = set()

    async def listen(self, place: int | socket.socket) -> int:
        """Serves that port (0 for any), or that listening socket from now on; returns the port."""
        if isinstance(place, int):
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", place)
        else:
            self._server = await asyncio.start_server(self._accept, sock=place.dup())
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def hang_up(self) -> None:
        """Ends all calls and closes their connections."""
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def end(self) -> None:
        """Listens no more and hangs up, on those too who have just come."""
        # First no more are accepted, then the server is closed: asyncio (3.11) leaves a connection open that
        # was accepted before the server was closed, and got its transport after it.
        for listener in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listener)
        for _ in range(_TURNS_TO_BEGIN):
            await asyncio.sleep(0)
        self._server.close()
        await self.hang_up()
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.create_task(self._serve(reader, writer))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        # Here, for a task that is cancelled before it begins runs none of its own lines.
        call.add_done_callback(lambda _call: writer.close())
