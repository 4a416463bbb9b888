"""Carries bytes between Prosody and the service until a test cuts the line: then nothing gets through."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, Self

from tests.support.call_server import CallServer
from workbench.processes import PATIENCE


class Link:
    """Carries bytes to a port on loopback, in a thread of its own."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open = asyncio.Event()
        self._open.set()
        self._server = CallServer(self._carry)
        self.port = 0

    @property
    def url(self) -> str:
        """Returns the address at which Prosody asks."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_error: object) -> None:
        self._call(self._server.end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Holds back all bytes, as a pulled cable does: connections stay open, and silent."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def drop(self) -> None:
        """Closes all connections that are open now."""
        self._call(self._server.hang_up())

    def mend(self) -> None:
        """Lets bytes through again, beginning with those held back."""
        self._loop.call_soon_threadsafe(self._open.set)

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _listen(self) -> None:
        self.port = await self._server.listen(self.port)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await self._open.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            with contextlib.closing(far_writer):
                ways = [
                    asyncio.ensure_future(self._pour(source, sink))
                    for source, sink in ((reader, far_writer), (far_reader, writer))
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)

    async def _pour(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            await self._open.wait()
            sink.write(data)
            await sink.drain()
