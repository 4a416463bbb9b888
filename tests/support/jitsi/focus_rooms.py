"""The rooms of a focus: how jicofo enters, keeps and leaves them; no connection of its own."""

import asyncio
import contextlib
import itertools
import unicodedata
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from tests.support.jitsi.authority import Authority, Login
from workbench.xmpp import CLIENT

MUC = "http://jabber.org/protocol/muc"
MUC_USER = f"{{{MUC}#user}}"
NICK = "focus"

_FORM = "{jabber:x:data}"
_MAIN_ROOM = "muc#roominfo_breakout_main_room"
_SWITCHING = "switch_room"  # the status of somebody who leaves for a breakout room
_FORBIDDEN = frozenset("\"&'/:<>@ ")

_numbers = itertools.count()


class JoinError(Exception):
    """Raised for a room that the focus could not enter: jicofo does not answer then."""


def fold_room_name(address: str) -> str | None:
    """Returns the room's address as jicofo's JID library has it, by PRECIS: ß stays; None if it is none."""
    node, _, host = address.rpartition("@")
    folded = unicodedata.normalize("NFC", node.lower())
    is_compatible = unicodedata.normalize("NFKC", folded) == folded  # else a ligature, say
    if not (node and host and is_compatible and folded.isprintable()) or _FORBIDDEN & set(folded):
        return None
    return f"{folded}@{host.lower()}"


def _new_future() -> "asyncio.Future[None]":
    return asyncio.get_running_loop().create_future()


@dataclass
class Conference:
    """A room that it holds or is about to enter; ``occupants`` are the others there, nick to full JID."""

    room: str
    join_id: str
    entered: "asyncio.Future[None]" = field(default_factory=_new_future)
    occupants: dict[str, str] = field(default_factory=dict)
    main_room: str = ""  # of a breakout room
    is_joined: bool = False
    is_ending: bool = False
    timeout: asyncio.TimerHandle | None = None  # while nobody has come

    @property
    def is_ready(self) -> bool:
        """Tells whether people may enter."""
        return self.is_joined and not self.is_ending

    def call_off(self) -> None:
        """Somebody has come."""
        if self.timeout is not None:
            self.timeout.cancel()
            self.timeout = None


@dataclass
class Rooms:
    """All rooms of a focus.

    ``send`` sends a stanza, ``ask`` an IQ with those attributes and that payload and returns its answer,
    ``start`` runs something beside.  In seconds: a conference that nobody joins ends after
    ``initial_timeout``, an attempt to enter after ``reply_timeout``; one that ended is forgotten
    ``ending_takes`` later, or as ``lingering`` says of that room.
    """

    authority: Authority
    breakout_host: str
    send: Callable[[str], Awaitable[None]]
    ask: Callable[[str, str], Awaitable[Element]]
    start: Callable[[Coroutine[Any, Any, None]], None]
    initial_timeout: float = 15.0
    reply_timeout: float = 15.0
    ending_takes: float = 0.02
    lingering: dict[str, float] = field(default_factory=dict)
    may_join: asyncio.Event = field(default_factory=asyncio.Event)
    held: dict[str, Conference] = field(default_factory=dict)

    def is_breakout(self, room: str) -> bool:
        """Tells whether that is a breakout room, for which nobody needs a login."""
        return room.rpartition("@")[2] == self.breakout_host

    def has_breakout_rooms(self, room: str) -> bool:
        """Tells whether a breakout room of that main room is held."""
        return any(each.main_room == room for each in list(self.held.values()))

    async def hold(self, room: str) -> Conference:
        """Returns that conference; the first request waits for its start; raises :class:`JoinError`."""
        conference = self.held.get(room)
        if conference is not None:
            if conference.timeout is not None:
                self._await_people(conference)
            return conference
        conference = self.held[room] = Conference(room, f"join{next(_numbers)}")
        self._await_people(conference)
        try:
            async with asyncio.timeout(self.reply_timeout):
                await self._enter(conference)
        except (JoinError, TimeoutError) as error:
            await self._let_go(conference)
            raise JoinError(room) from error
        return conference

    async def drop_all(self) -> None:
        """Leaves all of them, as after a connection that could not go on."""
        for conference in list(self.held.values()):
            await self._let_go(conference)

    def forget_all(self) -> None:
        """As a focus that ends."""
        for conference in self.held.values():
            conference.call_off()
        self.held.clear()

    async def raise_in_rank(self, login: Login) -> None:
        """Who was in a room before they logged in becomes an owner there now."""
        for conference in list(self.held.values()):
            if conference.is_joined and login.jid in conference.occupants.values():
                await self._make_owner(conference.room, login.jid)

    async def take_presence(self, presence: Element) -> None:
        """One from a room, perhaps."""
        room, _, nick = (presence.get("from") or "").partition("/")
        conference, kind = self.held.get(room), presence.get("type")
        if conference is None:
            return
        if nick == NICK:
            self._note_own_presence(conference, presence)
        elif kind == "unavailable":
            conference.occupants.pop(nick, None)
            if not conference.occupants:
                self._note_emptiness(conference, presence.findtext(f"{CLIENT}status") or "")
        elif kind is None:
            await self._note_occupant(conference, nick, presence)

    # Coming ------------------------------------------------------------------------------------------

    async def _enter(self, conference: Conference) -> None:
        await self.may_join.wait()
        to = quoteattr(f"{conference.room}/{NICK}")
        await self.send(f"<presence id='{conference.join_id}' to={to}><x xmlns='{MUC}'/></presence>")
        await conference.entered
        if self.is_breakout(conference.room):
            conference.main_room = await self._read_main_room(conference.room)
        conference.is_joined = True
        for jid in list(conference.occupants.values()):
            await self._greet(conference, jid)

    async def _read_main_room(self, room: str) -> str:
        answer = await self.ask(f"type='get' to={quoteattr(room)}", f"<query xmlns='{MUC}#owner'/>")
        for each in answer.iter(f"{_FORM}field"):
            if each.get("var") == _MAIN_ROOM:
                return each.findtext(f"{_FORM}value") or ""
        raise JoinError(room)

    def _note_own_presence(self, conference: Conference, presence: Element) -> None:
        kind = presence.get("type")
        if kind is None:
            if not conference.entered.done():
                conference.entered.set_result(None)
        elif kind == "error":
            if not conference.entered.done() and presence.get("id") == conference.join_id:
                conference.entered.set_exception(JoinError(conference.room))
        elif conference.entered.done():  # the room is gone, or would not have us any more
            self._end(conference)

    async def _note_occupant(self, conference: Conference, nick: str, presence: Element) -> None:
        item = presence.find(f"{MUC_USER}x/{MUC_USER}item")
        jid = "" if item is None else item.get("jid") or ""
        is_new = nick not in conference.occupants
        conference.occupants[nick] = jid
        conference.call_off()
        if is_new and conference.is_joined:
            await self._greet(conference, jid)

    async def _greet(self, conference: Conference, jid: str) -> None:
        if self.authority.of_client(jid) is not None:
            await self._make_owner(conference.room, jid)

    async def _make_owner(self, room: str, jid: str) -> None:
        bare, _, _ = jid.partition("/")
        await self.send(
            f"<iq type='set' id='own{next(_numbers)}' to={quoteattr(room)}><query xmlns='{MUC}#admin'>"
            f"<item affiliation='owner' jid={quoteattr(bare)}/></query></iq>"
        )

    # Going -------------------------------------------------------------------------------------------

    def _await_people(self, conference: Conference) -> None:
        conference.call_off()
        loop = asyncio.get_running_loop()
        conference.timeout = loop.call_later(self.initial_timeout, self._give_up_waiting, conference)

    def _give_up_waiting(self, conference: Conference) -> None:
        conference.call_off()
        self._end_if_empty(conference)

    def _note_emptiness(self, conference: Conference, status: str) -> None:
        if status == _SWITCHING:
            self._await_people(conference)
        else:
            self._end_if_empty(conference)

    def _end_if_empty(self, conference: Conference) -> None:
        if not conference.occupants and not self.has_breakout_rooms(conference.room):
            self._end(conference)

    def _end(self, conference: Conference) -> None:
        if not conference.is_ending:
            conference.is_ending = True
            self.start(self._end_later(conference))

    async def _end_later(self, conference: Conference) -> None:
        await asyncio.sleep(self.lingering.get(conference.room, self.ending_takes))
        await self._let_go(conference)

    async def _let_go(self, conference: Conference) -> None:
        conference.call_off()
        if self.held.get(conference.room) is not conference:
            return
        to = quoteattr(f"{conference.room}/{NICK}")
        await self.send(f"<presence type='unavailable' to={to}/>")
        with contextlib.suppress(KeyError):
            del self.held[conference.room]
        main = self.held.get(conference.main_room)
        if main is not None:
            self._end_if_empty(main)
