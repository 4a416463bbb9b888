"""A small focus: to Prosody and to clients it is what jicofo is, written from its documented behaviour."""

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from tests.end_to_end.authority import Authority, Login, RefusalError, Request
from workbench.processes import PATIENCE, StartError
from workbench.xmpp import CLIENT, Client, ConnectionEndedError, TcpTransport

FOCUS = "http://jitsi.org/protocol/focus"
MUC = "http://jabber.org/protocol/muc"
MUC_USER = f"{{{MUC}#user}}"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"

_NICK = "focus"
_RECONNECT = 0.05  # seconds
_FAREWELL = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked: "conference" or "logout"."""

    what: str
    sender: str
    room: str
    session_id: str


@dataclass
class Conference:
    """A room that it holds; ``occupants`` are the others there, nick to full JID."""

    room: str
    joined: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    occupants: dict[str, str] = field(default_factory=dict)


class Focus:
    """One jicofo; runs in a thread of its own, as the tests' event loops come and go.

    ``host`` is where its account is, ``proxy`` the component that clients ask in its place; of the rooms on
    ``breakout_host`` it asks for no login.  A conference that nobody joins ends after ``initial_timeout``.
    """

    def __init__(
        self, port: int, host: str, authority: Authority, *, proxy: str, breakout_host: str = ""
    ) -> None:
        self._port = port
        self._host = host
        self._proxy = proxy
        self._breakout_host = breakout_host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._running: asyncio.Task[None] | None = None
        self._is_leaving = False
        self._ready = threading.Event()
        self._awake = asyncio.Event()
        self._awake.set()
        self._answering = asyncio.Event()
        self._answering.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count()
        self._pongs: dict[str, asyncio.Future[None]] = {}
        self.authority = authority
        self.initial_timeout = 15.0  # seconds
        self.conferences: dict[str, Conference] = {}
        self.log: list[Asked] = []

    # From any thread ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Connects, under a new resource, and does so again whenever it is cut off."""
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
        """Disconnects; the logins are kept, as are those of a jicofo that loses its connection."""
        self._call(self._end())

    def close(self) -> None:
        """Ends it for good."""
        if self._thread.is_alive():
            self.stop()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def hang(self) -> None:
        """From now on it does nothing with what it is sent."""
        self._loop.call_soon_threadsafe(self._awake.clear)

    def wake(self) -> None:
        """It goes on with what it was sent meanwhile."""
        self._loop.call_soon_threadsafe(self._awake.set)

    def withhold(self) -> None:
        """From now on it decides, and does not say so."""
        self._loop.call_soon_threadsafe(self._answering.clear)

    def tell(self) -> None:
        """It says all that it withheld."""
        self._loop.call_soon_threadsafe(self._answering.set)

    def logins_of(self, username: str) -> list[Login]:
        """What it remembers of that organiser."""
        return [login for login in list(self.authority.logins.values()) if _node(login.identity) == username]

    def requests(self, what: str) -> list[Asked]:
        """What it was asked of that kind so far."""
        return [asked for asked in list(self.log) if asked.what == what]

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    # In its thread -----------------------------------------------------------------------------------

    async def _begin(self) -> None:
        self._is_leaving = False
        self._running = self._loop.create_task(self._run())

    async def _end(self) -> None:
        self._is_leaving = True
        if self._running is not None and self._ready.is_set():
            self._ready.clear()
            with contextlib.suppress(OSError, ConnectionEndedError):
                await self._client.say_goodbye()
                await asyncio.wait([self._running], timeout=_FAREWELL)  # or else Prosody notices later
        doomed = [task for task in (self._running, *self._tasks) if task is not None]
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)
        self._running = None
        self.conferences.clear()

    async def _run(self) -> None:
        while not self._is_leaving:
            with contextlib.suppress(OSError, ConnectionEndedError):
                async with Client(TcpTransport(self._port, self._host), self._host) as self._client:
                    await self._client.login(_NICK, "any")
                    await self._client.bind()
                    self._start(self._appear())
                    await self._listen()
            self._ready.clear()
            self.conferences.clear()
            await asyncio.sleep(_RECONNECT)

    async def _appear(self) -> None:
        """The component subscribed to its presence before the second answer at the latest."""
        await self._client.send("<presence/>")
        for _ in range(2):
            name = f"ping{next(self._numbers)}"
            self._pongs[name] = self._loop.create_future()
            await self._client.send(
                f"<iq type='get' id='{name}' to='{self._host}'><ping xmlns='urn:xmpp:ping'/></iq>"
            )
            await self._pongs[name]
        self._ready.set()

    async def _listen(self) -> None:
        while True:
            element = await self._client.receive()
            await self._awake.wait()
            kind = element.get("type")
            if element.tag == f"{CLIENT}presence":
                await self._take_presence(element)
            elif element.tag == f"{CLIENT}iq" and kind in {"get", "set"}:
                self._start(self._answer(element))
            elif element.tag == f"{CLIENT}iq":
                pong = self._pongs.pop(element.get("id") or "", None)
                if pong is not None:
                    pong.set_result(None)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(_until_cut_off(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What it is asked --------------------------------------------------------------------------------

    async def _answer(self, iq: Element) -> None:
        answers: dict[str, Callable[[str, Element], Coroutine[Any, Any, str]]] = {
            f"{{{FOCUS}}}conference": self._open_conference,
            f"{{{FOCUS}}}logout": self._log_out,
        }
        sender, question = iq.get("from") or "", next(iter(iq))
        domain, _, client = sender.partition("/")
        answer = answers.get(question.tag, _know_nothing)
        try:
            payload = await answer(client if domain == self._proxy else sender, question)
        except RefusalError as refusal:
            payload = _error(refusal)
        kind = "error" if payload.startswith("<error") else "result"
        await self._answering.wait()
        head = f"<iq type='{kind}' id={quoteattr(iq.get('id') or '')} to={quoteattr(sender)}>"
        await self._client.send(f"{head}{payload}</iq>")

    async def _open_conference(self, sender: str, question: Element) -> str:
        room = (question.get("room") or "").lower()  # as every JID library does
        session_id = question.get("session-id") or ""
        request = Request(sender, room, question.get("machine-uid") or "", session_id)
        self.log.append(Asked("conference", sender, room, session_id))
        login = None
        if room.rpartition("@")[2] != self._breakout_host:
            login = self.authority.admit(request, creates=room not in self.conferences)
        if login is not None:
            await self._raise_in_rank(login)
        conference = await self._hold(room)
        who = ""
        if login is not None:
            who = f" identity={quoteattr(login.identity)} session-id={quoteattr(login.session_id)}"
        is_ready = "true" if conference.joined.done() else "false"
        return (
            f"<conference xmlns='{FOCUS}' room={quoteattr(room)} ready='{is_ready}' "
            f"focusjid='{_NICK}@{self._host}'{who}><property name='authentication' value='true'/>"
            "<property name='externalAuth' value='false'/></conference>"
        )

    async def _log_out(self, sender: str, question: Element) -> str:
        session_id = question.get("session-id") or ""
        self.log.append(Asked("logout", sender, "", session_id))
        self.authority.log_out(session_id)
        return f"<logout xmlns='{FOCUS}'/>"

    # Its rooms ---------------------------------------------------------------------------------------

    async def _hold(self, room: str) -> Conference:
        """The conference of that room, joined; the room is created by that."""
        conference = self.conferences.get(room)
        if conference is None:
            conference = self.conferences[room] = Conference(room)
            await self._client.send(
                f"<presence to={quoteattr(f'{room}/{_NICK}')}><x xmlns='{MUC}'/></presence>"
            )
            self._loop.call_later(self.initial_timeout, self._start_leaving, conference)
        await asyncio.shield(conference.joined)
        return conference

    def _start_leaving(self, conference: Conference) -> None:
        if not conference.occupants:
            self._start(self._leave(conference))

    async def _leave(self, conference: Conference) -> None:
        if self.conferences.get(conference.room) is conference:
            del self.conferences[conference.room]
            to = quoteattr(f"{conference.room}/{_NICK}")
            await self._client.send(f"<presence type='unavailable' to={to}/>")

    async def _take_presence(self, presence: Element) -> None:
        sender, kind = presence.get("from") or "", presence.get("type")
        if kind == "subscribe":
            await self._client.send(f"<presence type='subscribed' to={quoteattr(sender)}/>")
            return
        room, _, nick = sender.partition("/")
        conference = self.conferences.get(room)
        if conference is None:
            return
        if nick == _NICK:
            self._note_own_presence(conference, kind)
        elif kind == "unavailable":
            conference.occupants.pop(nick, None)
            if not conference.occupants:
                await self._leave(conference)
        elif kind is None:
            await self._note_occupant(conference, nick, presence)

    def _note_own_presence(self, conference: Conference, kind: str | None) -> None:
        if kind is not None:  # the room is gone, or would not have us
            del self.conferences[conference.room]
        if conference.joined.done():
            return
        if kind is None:
            conference.joined.set_result(None)
        else:
            conference.joined.set_exception(RefusalError("wait", "internal-server-error"))

    async def _note_occupant(self, conference: Conference, nick: str, presence: Element) -> None:
        item = presence.find(f"{MUC_USER}x/{MUC_USER}item")
        jid = "" if item is None else item.get("jid") or ""
        is_new = nick not in conference.occupants
        conference.occupants[nick] = jid
        if is_new and self.authority.of_client(jid) is not None:
            await self._make_owner(conference.room, jid)

    async def _raise_in_rank(self, login: Login) -> None:
        """Who was in a room before he logged in becomes an owner there now."""
        for conference in list(self.conferences.values()):
            if login.jid in conference.occupants.values():
                await self._make_owner(conference.room, login.jid)

    async def _make_owner(self, room: str, jid: str) -> None:
        bare, _, _ = jid.partition("/")
        await self._client.send(
            f"<iq type='set' id='own{next(self._numbers)}' to={quoteattr(room)}><query xmlns='{MUC}#admin'>"
            f"<item affiliation='owner' jid={quoteattr(bare)}/></query></iq>"
        )


def new_authority(domain: str) -> Authority:
    """An authority that lives in real time."""
    return Authority(domain, time.monotonic)


async def _until_cut_off(work: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(OSError, ConnectionEndedError):
        await work


async def _know_nothing(_sender: str, _question: Element) -> str:
    raise RefusalError("cancel", "service-unavailable")


def _error(refusal: RefusalError) -> str:
    invalid = f"<session-invalid xmlns='{FOCUS}'/>" if refusal.is_invalid else ""
    condition = f"<{refusal.condition} xmlns='{STANZAS}'/>"
    return f"<error type='{refusal.kind}'>{condition}{invalid}</error>"


def _node(jid: str) -> str:
    return jid.rpartition("@")[0]
