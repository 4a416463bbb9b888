"""A participant's stream: what is sent, what is answered, and how it ends."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from tests.support.jitsi.seats import Notice
from workbench.processes import PATIENCE
from workbench.xmpp import CLIENT, STREAM_ERRORS, STREAMS, Client, ConnectionEndedError


class Line:
    """A stream that is listened to all the time; ``end`` is how it ended."""

    def __init__(self, client: Client, jid: str, hear: Callable[[Element], None]) -> None:
        self.client = client
        self.jid = jid
        self._hear = hear
        self._numbers = itertools.count()
        self._asked: dict[str, asyncio.Future[Element]] = {}
        self._sending = asyncio.Lock()
        self.elements: list[Element] = []  # all that came
        self.end: asyncio.Future[Notice] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.ensure_future(self._listen())

    async def send(self, xml: str) -> None:
        """Sends one stanza."""
        async with self._sending:
            await self.client.send(xml)

    async def ask(self, to: str, payload: str, kind: str = "set") -> Element:
        """Returns the answer to an IQ; raises :class:`ConnectionEndedError` if none comes any more."""
        if self.end.done():
            raise ConnectionEndedError(self.end.result().kind)
        name = f"a{next(self._numbers)}"
        answer: asyncio.Future[Element] = asyncio.get_running_loop().create_future()
        self._asked[name] = answer
        sending = asyncio.ensure_future(
            self.send(
                f"<iq xmlns='jabber:client' type='{kind}' id='{name}' to={quoteattr(to)}>{payload}</iq>"
            )
        )
        async with asyncio.timeout(PATIENCE):
            result = await answer
            await sending
        return result

    async def ping(self) -> None:
        """Pings the server of its host; raises :class:`ConnectionEndedError` if the stream is gone."""
        await self.ask(self.jid.partition("/")[0].rpartition("@")[2], "<ping xmlns='urn:xmpp:ping'/>", "get")

    async def say_goodbye(self) -> None:
        """Ends it, and does not wait for the server's consent."""
        with contextlib.suppress(OSError, ConnectionEndedError):
            await self.client.say_goodbye()

    async def cut(self) -> None:
        """Loses the connection, as in a tunnel."""
        await self.client.__aexit__(None, None, None)

    async def close(self, *, politely: bool = True) -> None:
        """Ends it, unless it has ended."""
        if politely and not self.end.done():
            await self.say_goodbye()
            async with asyncio.timeout(PATIENCE):
                await self.end
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self.client.__aexit__(None, None, None)

    async def _listen(self) -> None:
        end = Notice("closed", "", 0)
        try:
            while True:
                element = await self.client.receive()
                self.elements.append(element)
                if element.tag == f"{STREAMS}error":
                    end = _end_of_stream(element)
                else:
                    self._take(element)
        except (OSError, ConnectionEndedError):
            self.end.set_result(Notice(end.kind, end.text, end.at or time.monotonic()))
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionEndedError(end.kind))

    def _take(self, element: Element) -> None:
        if element.tag == f"{CLIENT}iq" and element.get("type") in {"result", "error"}:
            answer = self._asked.pop(element.get("id") or "", None)
            if answer is not None and not answer.done():
                answer.set_result(element)
        else:
            self._hear(element)


def _end_of_stream(element: Element) -> Notice:
    condition = next(child.tag for child in element if child.tag != f"{STREAM_ERRORS}text")
    text = element.findtext(f"{STREAM_ERRORS}text") or ""
    return Notice(condition.removeprefix(STREAM_ERRORS), text, time.monotonic())
