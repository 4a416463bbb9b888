"""A small focus: to Prosody and to clients it is what jicofo is, written from how jicofo behaves."""

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from tests.support.jitsi.authority import Authority, Login, RefusalError, Request
from tests.support.jitsi.focus_rooms import MUC, MUC_USER, NICK, Conference, JoinError, Rooms, fold_room_name
from tests.support.jitsi.stream_management import StreamManagement
from workbench.processes import PATIENCE, StartError
from workbench.xmpp import CLIENT, Client, ConnectionEndedError, TcpTransport

__all__ = ["FOCUS", "MUC", "MUC_USER", "Asked", "Conference", "Focus", "new_authority"]

FOCUS = "http://jitsi.org/protocol/focus"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"

_RECONNECT = 0.05  # seconds; as often it asks what came, while it must know
_FAREWELL = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked: "conference" or "logout"."""

    what: str
    sender: str
    room: str
    session_id: str


class Focus:
    """One jicofo; runs in a thread of its own, as the tests' event loops come and go.

    ``host`` is where its account is, ``proxy`` the component that clients ask in its place; of the rooms on
    ``breakout_host`` it asks for no login; in the room ``brewery`` it meets the bridges.
    """

    def __init__(
        self,
        port: int,
        host: str,
        authority: Authority,
        *,
        proxy: str,
        breakout_host: str = "",
        brewery: str = "",
    ) -> None:
        self._port = port
        self._host = host
        self._proxy = proxy
        self._brewery = brewery
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._client: Client | None = None
        self._stream = StreamManagement()
        self._sending = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self._is_leaving = False
        self._giving_up: asyncio.TimerHandle | None = None
        self._ready = threading.Event()
        self._awake = _open_gate()
        self._answering = _open_gate()
        self._working = _open_gate()
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count()
        self._answers: dict[str, asyncio.Future[Element]] = {}
        self.authority = authority
        self.rooms = Rooms(
            authority, breakout_host, self._send, self._ask, self._start, may_join=_open_gate()
        )
        self.log: list[Asked] = []

    # From any thread ---------------------------------------------------------------------------------

    @property
    def conferences(self) -> dict[str, Conference]:
        """Returns the conferences that it holds or is about to enter, by room."""
        return self.rooms.held

    def start(self) -> None:
        """Connects, and does so again whenever it loses its connection."""
        if not self._thread.is_alive():
            self._thread.start()
        self._call(self._begin())
        self.await_ready()

    def await_ready(self) -> None:
        """Returns when clients reach it."""
        if not self._ready.wait(PATIENCE):
            message = "the focus is not ready"
            raise StartError(message)

    def stop(self) -> None:
        """Disconnects politely; the logins are kept, the conferences are gone."""
        self._call(self._end())

    def cut(self) -> None:
        """Loses the connection without a goodbye, until :meth:`reconnect`; to Prosody it is still there."""
        self._call(self._lose_connection())

    def reconnect(self) -> None:
        """Goes on with the stream of before, or else begins a new one; connects too after a :meth:`stop`."""
        self.start()

    def settle(self) -> None:
        """Returns when Prosody has acknowledged all that it sent, and nothing would be sent again."""
        self._call(self._be_acknowledged())

    def close(self) -> None:
        """Ends it for good."""
        if self._thread.is_alive():
            self.stop()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def hang(self) -> None:
        """Does nothing from now on with what it is sent."""
        self._loop.call_soon_threadsafe(self._awake.clear)

    def wake(self) -> None:
        """Goes on with what it was sent meanwhile."""
        self._loop.call_soon_threadsafe(self._awake.set)

    def withhold(self) -> None:
        """Decides about conferences from now on without saying so."""
        self._loop.call_soon_threadsafe(self._answering.clear)

    def tell(self) -> None:
        """Says all that it withheld."""
        self._loop.call_soon_threadsafe(self._answering.set)

    def hold_requests(self) -> None:
        """Lets conference requests wait in the pool from now on; logouts overtake them."""
        self._loop.call_soon_threadsafe(self._working.clear)

    def let_requests(self) -> None:
        """Decides about the requests that waited."""
        self._loop.call_soon_threadsafe(self._working.set)

    def hold_joins(self) -> None:
        """Enters no room from now on; the time-out of an attempt runs all the same."""
        self._loop.call_soon_threadsafe(self.rooms.may_join.clear)

    def let_join(self) -> None:
        """Enters the rooms that it was about to enter."""
        self._loop.call_soon_threadsafe(self.rooms.may_join.set)

    def logins_of(self, username: str) -> list[Login]:
        """Returns the logins that it remembers of that organiser."""
        return [login for login in list(self.authority.logins.values()) if _node(login.identity) == username]

    def requests(self, what: str) -> list[Asked]:
        """Returns the requests of that kind so far."""
        return [asked for asked in list(self.log) if asked.what == what]

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    # Its connection ----------------------------------------------------------------------------------

    async def _begin(self) -> None:
        self._is_leaving = False
        if self._running is None:
            self._running = self._loop.create_task(self._run())

    async def _end(self) -> None:
        self._is_leaving = True
        if self._client is not None and self._running is not None:
            with contextlib.suppress(OSError, ConnectionEndedError):
                await self._client.say_goodbye()
                await asyncio.wait([self._running], timeout=_FAREWELL)  # or else Prosody notices later
        await self._lose_connection()
        await _cancel(*self._tasks)
        self._stream.forget()
        self._cease_to_give_up()
        self.rooms.forget_all()

    async def _lose_connection(self) -> None:
        if self._running is not None:
            await _cancel(self._running)
            self._running = None

    async def _run(self) -> None:
        while not self._is_leaving:
            with contextlib.suppress(OSError, ConnectionEndedError):
                async with Client(TcpTransport(self._port, self._host), self._host) as client:
                    try:
                        await self._connect(client)
                        await self._listen(client)
                    finally:
                        self._note_loss()
            await asyncio.sleep(_RECONNECT)

    def _note_loss(self) -> None:
        self._ready.clear()
        self._client = None
        self._cease_to_give_up()
        self._giving_up = self._loop.call_later(
            self.rooms.reply_timeout, lambda: self._start(self.rooms.drop_all())
        )

    def _cease_to_give_up(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    async def _connect(self, client: Client) -> None:
        await client.login(NICK, "any")
        await client.reopen()
        async with self._sending:
            is_resumed = await self._resume(client)
            if not is_resumed:
                await self._begin_anew(client)
            self._client = client
        self._cease_to_give_up()
        if is_resumed:
            self._ready.set()
        else:
            await self.rooms.drop_all()
            self._start(self._appear())

    async def _resume(self, client: Client) -> bool:
        question = self._stream.resume
        if not question:
            return False
        await client.send(question)
        if not self._stream.go_on(await client.receive()):
            return False
        for stanza in self._stream.kept:
            await client.send(stanza)
        return True

    async def _begin_anew(self, client: Client) -> None:
        lost = self._stream.forget()
        await client.bind_resource(NICK)
        await client.send(self._stream.enable)
        while not self._stream.begin(await client.receive()):
            pass
        for stanza in lost:
            await client.send(self._stream.keep(stanza))

    async def _appear(self) -> None:
        """The component subscribed to its presence before the second answer at the latest."""
        await self._send("<presence/>")
        if self._brewery:
            await self._send(f"<presence to='{self._brewery}/{NICK}'><x xmlns='{MUC}'/></presence>")
        for _ in range(2):
            await self._ask(f"type='get' to='{self._host}'", "<ping xmlns='urn:xmpp:ping'/>")
        self._ready.set()

    async def _listen(self, client: Client) -> None:
        while True:
            element = await client.receive()
            await self._awake.wait()
            reply = self._stream.take(element)
            if reply:
                await client.send(reply)
            elif element.tag == f"{CLIENT}presence":
                await self._take_presence(element)
            elif element.tag == f"{CLIENT}iq":
                await self._take_iq(element)

    async def _send(self, stanza: str) -> None:
        """While it is cut off, the stanza is kept and sent later."""
        async with self._sending:
            data = self._stream.keep(stanza)
            if self._client is not None:
                with contextlib.suppress(OSError, ConnectionEndedError):
                    await self._client.send(data)

    async def _ask(self, attributes: str, payload: str) -> Element:
        name = f"ask{next(self._numbers)}"
        answer = self._answers[name] = self._loop.create_future()
        await self._send(f"<iq id='{name}' {attributes}>{payload}</iq>")
        try:
            return await asyncio.wait_for(answer, self.rooms.reply_timeout)
        finally:
            self._answers.pop(name, None)

    async def _be_acknowledged(self) -> None:
        while self._client is not None and self._stream.kept:
            await self._client.send(self._stream.question)
            await asyncio.sleep(_RECONNECT)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What it is sent ---------------------------------------------------------------------------------

    async def _take_presence(self, presence: Element) -> None:
        if presence.get("type") == "subscribe":
            sender = quoteattr(presence.get("from") or "")
            await self._send(f"<presence type='subscribed' to={sender}/>")
        else:
            await self.rooms.take_presence(presence)

    async def _take_iq(self, iq: Element) -> None:
        if iq.get("type") in {"result", "error"}:
            answer = self._answers.get(iq.get("id") or "")
            if answer is not None and not answer.done():
                answer.set_result(iq)
            return
        question = next(iter(iq))
        match question.tag:
            case tag if tag == f"{{{FOCUS}}}conference":
                self._start(self._take_request(iq, question))  # as in a pool: in no order
            case tag if tag == f"{{{FOCUS}}}logout":
                await self._reply(iq, self._log_out(iq, question))
            case _:
                await self._reply(iq, _error(RefusalError("cancel", "service-unavailable"), question))

    async def _take_request(self, iq: Element, question: Element) -> None:
        await self._working.wait()
        try:
            payload = await self._open_conference(self._sender_of(iq), question)
        except RefusalError as refusal:
            payload = _error(refusal, question)
        except JoinError:
            return  # without an answer
        await self._answering.wait()
        await self._reply(iq, payload)

    async def _reply(self, iq: Element, payload: str) -> None:
        kind = "error" if payload.startswith("<error") else "result"
        name, to = quoteattr(iq.get("id") or ""), quoteattr(iq.get("from") or "")
        await self._send(f"<iq type='{kind}' id={name} to={to}>{payload}</iq>")

    def _sender_of(self, iq: Element) -> str:
        sender = iq.get("from") or ""
        domain, _, client = sender.partition("/")
        return client if domain == self._proxy else sender

    async def _open_conference(self, sender: str, question: Element) -> str:
        if not question.get("room"):
            raise RefusalError("modify", "bad-request")
        room = fold_room_name(question.get("room") or "")
        session_id = question.get("session-id") or ""
        self.log.append(Asked("conference", sender, room or "", session_id))
        if room is None:
            raise JoinError
        request = Request(sender, room, question.get("machine-uid") or "", session_id)
        login = None
        if not self.rooms.is_breakout(room):
            is_free = room in self.conferences or self.rooms.has_breakout_rooms(room)
            login = self.authority.admit(request, creates=not is_free)
        if login is not None:
            await self.rooms.raise_in_rank(login)
        return self._grant(await self.rooms.hold(room), login)

    def _grant(self, conference: Conference, login: Login | None) -> str:
        who = ""
        if login is not None:
            who = f" identity={quoteattr(login.identity)} session-id={quoteattr(login.session_id)}"
        is_ready = "true" if conference.is_ready else "false"
        return (
            f"<conference xmlns='{FOCUS}' room={quoteattr(conference.room)} ready='{is_ready}' "
            f"focusjid='{NICK}@{self._host}'{who}><property name='authentication' value='true'/>"
            "<property name='externalAuth' value='false'/></conference>"
        )

    def _log_out(self, iq: Element, question: Element) -> str:
        session_id = question.get("session-id") or ""
        self.log.append(Asked("logout", self._sender_of(iq), "", session_id))
        try:
            self.authority.log_out(session_id)
        except RefusalError as refusal:
            return _error(refusal, question)
        return f"<logout xmlns='{FOCUS}'/>"


def new_authority(domain: str) -> Authority:
    """Returns an authority that lives in real time."""
    return Authority(domain, time.monotonic)


def _open_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _error(refusal: RefusalError, question: Element) -> str:
    """Returns an error as jicofo says it: the request comes after the error."""
    invalid = f"<session-invalid xmlns='{FOCUS}'/>" if refusal.is_invalid else ""
    condition = f"<{refusal.condition} xmlns='{STANZAS}'/>"
    return f"<error type='{refusal.kind}'>{condition}{invalid}</error>{_again(question)}"


def _again(element: Element) -> str:
    """Returns that element with its attributes and children, and its namespace declared."""
    namespace, _, name = element.tag.removeprefix("{").rpartition("}")
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in element.attrib.items())
    children = "".join(map(_again, element))
    return f"<{name} xmlns={quoteattr(namespace)}{attributes}>{children}</{name}>"


def _node(jid: str) -> str:
    return jid.rpartition("@")[0]
