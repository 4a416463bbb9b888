"""The two transports that browsers use: BOSH (XEP-0124, XEP-0206) and WebSocket (RFC 7395)."""

import asyncio
import random
from collections import deque
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import quoteattr

import aiohttp

from workbench.processes import PATIENCE
from workbench.xmpp import ConnectionEndedError

_BODY = "http://jabber.org/protocol/httpbind"


class WebSocketTransport:
    """One WebSocket; each frame is one element.

    A ``scheme`` of ``https`` is for a proxy before Prosody, whose certificate is believed unseen.
    """

    def __init__(
        self,
        port: int,
        host: str,
        headers: Mapping[str, str] | None = None,
        *,
        query: str = "",
        scheme: str = "http",
    ) -> None:
        self._url = f"{scheme}://127.0.0.1:{port}/xmpp-websocket?{query}"
        self._host = host
        self._headers = headers or {}

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(headers=self._headers)
        try:
            async with asyncio.timeout(PATIENCE):
                self._socket = await self._session.ws_connect(self._url, protocols=["xmpp"], ssl=False)
            await self.restart()
        except BaseException:
            await self._session.close()
            raise

    async def restart(self) -> None:
        await self.send(
            f"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to={quoteattr(self._host)} version='1.0'/>"
        )
        async with asyncio.timeout(PATIENCE):
            await self.receive()

    async def send(self, xml: str) -> None:
        await self._socket.send_str(xml)

    async def receive(self) -> Element:
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            reason = "closed by the server"
            raise ConnectionEndedError(reason)
        try:
            return fromstring(message.data)  # noqa: S314 - our own server's words
        except ParseError as error:  # what a server says that is about to stop
            raise ConnectionEndedError(message.data) from error

    async def say_goodbye(self) -> None:
        await self.send("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>")

    async def close(self) -> None:
        try:
            await self._socket.close()
        finally:
            await self._session.close()


class BoshTransport:
    """One BOSH session; a request is held until there is something to say.

    A ``scheme`` of ``https`` is for a proxy before Prosody, whose certificate is believed unseen.
    """

    def __init__(
        self,
        port: int,
        host: str,
        headers: Mapping[str, str] | None = None,
        *,
        query: str = "",
        scheme: str = "http",
    ) -> None:
        self._url = f"{scheme}://127.0.0.1:{port}/http-bind?{query}"
        self._host = host
        self._headers = {"Content-Type": "text/xml; charset=utf-8", **(headers or {})}
        self._request_id = random.randrange(1_000_000, 9_000_000)  # noqa: S311 - no secret
        self._session_id = ""
        self._inbox: deque[Element] = deque()
        self._arrived = asyncio.Event()
        self._held: asyncio.Future[Element] | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(headers=self._headers)
        try:
            body = await self._exchange(
                f"to={quoteattr(self._host)} wait='60' hold='1' ver='1.6' xml:lang='de' "
                "xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'"
            )
        except BaseException:
            await self._session.close()
            raise
        self._session_id = body.get("sid") or ""

    async def restart(self) -> None:
        await self._exchange("xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh'")

    async def send(self, xml: str) -> None:
        await self._deliver("", xml)

    async def receive(self) -> Element:
        while not self._inbox:
            await self._listen()
        return self._inbox.popleft()

    async def _listen(self) -> None:
        """Holds a request open; what comes may come with the answer to what is sent meanwhile."""
        self._arrived.clear()
        self._held = self._held or asyncio.ensure_future(self._exchange(""))
        arrival = asyncio.ensure_future(self._arrived.wait())
        both: list[asyncio.Future[Any]] = [self._held, arrival]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrival.cancel()
        if self._held.done() and not self._inbox:
            held, self._held = self._held, None
            held.result()

    async def say_goodbye(self) -> None:
        await self._deliver("type='terminate'")

    async def close(self) -> None:
        if self._held is not None:
            self._held.cancel()
            await asyncio.gather(self._held, return_exceptions=True)
        await self._session.close()

    async def _deliver(self, attributes: str, payload: str = "") -> None:
        # To its end, even if the caller is cancelled: Prosody answers no request after one that is left
        # out, nor one that overtakes a goodbye.
        delivery = asyncio.ensure_future(self._exchange(attributes, payload))
        try:
            await asyncio.shield(delivery)
        finally:
            await asyncio.gather(delivery, return_exceptions=True)

    async def _exchange(self, attributes: str, payload: str = "") -> Element:
        self._request_id += 1
        session = f" sid='{self._session_id}'" if self._session_id else ""
        xml = f"<body xmlns='{_BODY}' rid='{self._request_id}'{session} {attributes}>{payload}</body>"
        try:
            async with self._session.post(self._url, data=xml.encode(), ssl=False) as response:
                body = fromstring(await response.read())  # noqa: S314 - our own server's words
        except aiohttp.ClientConnectionError as error:
            raise ConnectionEndedError(str(error)) from error
        self._inbox.extend(body)
        self._arrived.set()
        if body.get("type") == "terminate" and not len(body):
            reason = f"terminated: {body.get('condition')}"
            raise ConnectionEndedError(reason)
        return body
