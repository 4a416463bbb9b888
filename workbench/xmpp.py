"""A small XMPP client, for what a ready-made one hides: each step of a login, and its time.

Speaks RFC 6120 over TCP here; ``xmpp_http`` adds BOSH and WebSocket.
"""

import asyncio
import base64
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, cast
from xml.etree.ElementTree import Element, XMLPullParser
from xml.sax.saxutils import escape, quoteattr

SASL = "{urn:ietf:params:xml:ns:xmpp-sasl}"
BIND = "{urn:ietf:params:xml:ns:xmpp-bind}"
STREAMS = "{http://etherx.jabber.org/streams}"
STREAM_ERRORS = "{urn:ietf:params:xml:ns:xmpp-streams}"
CLIENT = "{jabber:client}"


class ConnectionEndedError(Exception):
    """Raised when the server closes while we wait for it."""


class Transport(Protocol):
    """How stanzas travel."""

    async def open(self) -> None:
        """Connects and opens the first stream; leaves nothing open if that fails."""

    async def restart(self) -> None:
        """Opens the stream anew, after a login."""

    async def send(self, xml: str) -> None:
        """Sends one stanza."""

    async def receive(self) -> Element:
        """The next top-level element; raises :class:`ConnectionEndedError`."""

    async def say_goodbye(self) -> None:
        """Ends the stream as one does who leaves, and is not cut off."""

    async def close(self) -> None:
        """Ends the connection."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a login ended: ``condition`` is "success" or the SASL condition."""

    condition: str
    text: str | None = None


class Client:
    """One stream to the server over any transport; ``async with`` opens and closes it."""

    def __init__(self, transport: Transport, host: str) -> None:
        self._transport = transport
        self._host = host
        self.mechanisms: list[str] = []
        self._ids = 0

    async def __aenter__(self) -> Self:
        await self._transport.open()
        try:
            await self._read_features()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        with contextlib.suppress(OSError, ConnectionEndedError):
            await self._transport.close()

    async def login(self, username: str, password: str) -> Outcome:
        """SASL PLAIN; may be called again after a failure."""
        message = f"\0{username}\0{password}".encode()
        await self.authenticate("PLAIN", message)
        return await self.read_outcome()

    async def authenticate(self, mechanism: str, message: bytes) -> None:
        """Sends the first step of a login and does not wait for what comes."""
        payload = base64.b64encode(message).decode()
        await self._transport.send(
            f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{mechanism}'>{payload}</auth>"
        )

    async def read_outcome(self) -> Outcome:
        """How the login ended."""
        element = await self._transport.receive()
        if element.tag == f"{SASL}success":
            return Outcome("success")
        if element.tag != f"{SASL}failure":
            return Outcome(f"unexpected {element.tag}")
        condition = next(child.tag for child in element if child.tag != f"{SASL}text")
        return Outcome(condition.removeprefix(SASL), element.findtext(f"{SASL}text"))

    async def reopen(self) -> None:
        """Opens the stream anew, as after a successful login."""
        await self._transport.restart()
        await self._read_features()

    async def login_anonymously(self) -> Outcome:
        """SASL ANONYMOUS, as a guest."""
        await self.authenticate("ANONYMOUS", b"")
        return await self.read_outcome()

    async def bind(self, resource: str = "") -> str:
        """Opens the stream anew after a successful login and binds; returns the full JID."""
        await self.reopen()
        return await self.bind_resource(resource)

    async def bind_resource(self, resource: str = "") -> str:
        """Binds that resource, or one of the server's choice; returns the full JID."""
        wish = f"<resource>{escape(resource)}</resource>" if resource else ""
        result = await self._ask("set", f"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>{wish}</bind>")
        jid = result.findtext(f"{BIND}bind/{BIND}jid")
        if jid is None:
            message = "no JID"
            raise ConnectionEndedError(message)
        return jid

    async def send(self, xml: str) -> None:
        """Sends one stanza and does not wait for what comes."""
        await self._transport.send(xml)

    async def say_goodbye(self) -> None:
        """Ends the stream as one does who leaves, and is not cut off."""
        await self._transport.say_goodbye()

    async def receive(self) -> Element:
        """The next top-level element; raises :class:`ConnectionEndedError`."""
        return await self._transport.receive()

    async def await_end(self) -> Outcome:
        """Reads until the server ends the stream; the condition and text of its stream error, or "closed"."""
        outcome = Outcome("closed")
        with contextlib.suppress(OSError, ConnectionEndedError):
            while True:
                element = await self._transport.receive()
                if element.tag == f"{STREAMS}error":
                    condition = next(child.tag for child in element if child.tag != f"{STREAM_ERRORS}text")
                    text = element.findtext(f"{STREAM_ERRORS}text")
                    outcome = Outcome(condition.removeprefix(STREAM_ERRORS), text)
        return outcome

    async def ping(self) -> None:
        """XEP-0199, to the server and back."""
        await self._ask("get", "<ping xmlns='urn:xmpp:ping'/>")

    async def _ask(self, kind: str, payload: str) -> Element:
        self._ids += 1
        identity = f"q{self._ids}"
        to = "" if kind == "set" else f" to={quoteattr(self._host)}"
        await self._transport.send(
            f"<iq xmlns='jabber:client' type='{kind}' id='{escape(identity)}'{to}>{payload}</iq>"
        )
        while True:
            element = await self._transport.receive()
            if element.tag == f"{CLIENT}iq" and element.get("id") == identity:
                return element

    async def _read_features(self) -> None:
        element = await self._transport.receive()
        self.mechanisms = [mechanism.text or "" for mechanism in element.iter(f"{SASL}mechanism")]


class TcpTransport:
    """RFC 6120 over plain TCP on loopback."""

    def __init__(self, port: int, host: str) -> None:
        self._port = port
        self._host = host

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await self.restart()
        except BaseException:
            self._writer.close()
            raise

    async def restart(self) -> None:
        self._parser: XMLPullParser[Element] = XMLPullParser(["start", "end"])
        self._depth = 0
        await self.send(
            f"<?xml version='1.0'?><stream:stream xmlns='jabber:client' to={quoteattr(self._host)} "
            "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
        )

    async def send(self, xml: str) -> None:
        self._writer.write(xml.encode())
        await self._writer.drain()

    async def receive(self) -> Element:
        while True:
            for event, element in self._events():
                self._depth += 1 if event == "start" else -1
                if event == "end" and self._depth == 1:
                    return element
            data = await self._reader.read(65536)
            if not data:
                message = "closed by the server"
                raise ConnectionEndedError(message)
            self._parser.feed(data)

    def _events(self) -> Iterator[tuple[str, Element]]:
        # Its type covers events of namespaces too, which we do not ask for.
        return cast("Iterator[tuple[str, Element]]", self._parser.read_events())

    async def say_goodbye(self) -> None:
        await self.send("</stream:stream>")

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()
