"""Participants before their screens: what Jitsi's client says to Prosody, and what it hears, and when."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.jitsi.focus import FOCUS, MUC, MUC_USER
from tests.support.jitsi.line import Line
from tests.support.jitsi.seats import (
    JITMEET,
    Answer,
    JoinRefusedError,
    Notice,
    Reply,
    Seat,
    read_answer,
    read_reply,
)
from tests.support.jitsi.stream_management import StreamManagement
from tests.support.login_server import make_client
from workbench.processes import PATIENCE
from workbench.prosody import HOST, Prosody
from workbench.xmpp import CLIENT, Client, ConnectionEndedError
from workbench.xmpp_http import WebSocketTransport

__all__ = [
    "Answer",
    "JoinRefusedError",
    "Notice",
    "Participant",
    "Participants",
    "Reply",
    "Seat",
    "new_participant",
    "notice_nothing",
    "room_jid",
]

GUESTS = f"guest.{HOST}"
PROXY = f"focus.{HOST}"
MEETINGS = f"conference.{HOST}"
BREAKOUT = f"breakout.{HOST}"
METADATA = f"metadata.{HOST}"
BACKSTAGE = f"auth.{HOST}"

_BRIDGE = IssuedCredential(Username("jvb"), "any")
_CONFIG = f"{MUC}#roomconfig"
_JIBRI = "http://jitsi.org/protocol/jibri"
_RAYO = "urn:xmpp:rayo:1"
_FORM = "jabber:x:data"
_DISCO = "http://jabber.org/protocol/disco#info"
_ASK_AGAIN = 0.05  # seconds; Jitsi's client takes five
_READS_FOR = 0.2  # seconds; Jitsi's client takes five


def room_jid(name: str, tenant: str = "") -> str:
    """Returns the address of that meeting, as pages and the focus name it."""
    return f"{name}@conference.{tenant}.{HOST}" if tenant else f"{name}@{MEETINGS}"


async def dial(
    prosody: Prosody, transport: str, host: str, credential: IssuedCredential | None, *, query: str = ""
) -> Client:
    """Returns a client that is logged in there, without a credential as a guest; raises if refused.

    ``query`` is what the page puts into the address of its connection.
    """
    client = make_client(prosody, transport, host, query=query)
    await client.__aenter__()
    if credential is None:
        outcome = await client.login_anonymously()
    else:
        outcome = await client.login(credential.username, credential.password)
    if outcome.condition != "success":
        await client.__aexit__(None, None, None)
        raise ConnectionEndedError(outcome.condition)
    return client


class Participant:
    """A person with one page open, on a machine of their own unless a test gives them another's.

    As Jitsi's page does, it shows why a room ended, leaves it, waits in vain for the room's consent, and
    closes its connection; ``reads_for`` seconds, or never if None.
    """

    reads_for: float | None = _READS_FOR
    is_page = True  # and not the connection of a login dialog, or of another program

    def __init__(self, prosody: Prosody, transport: str, client: Client, jid: str) -> None:
        self._prosody = prosody
        self._transport = transport
        self.line = Line(client, jid, self._hear)
        self.machine_uid = secrets.token_hex(16)
        self.session_id = ""
        self.seats: dict[str, Seat] = {}
        self.breakouts: dict[str, str] = {}  # name -> address, as last told
        self.metadata: dict[str, dict[str, Any]] = {}  # of a room, as last told
        self._lobbies: dict[str, str] = {}  # room -> the lobby where they knocked
        self._invitations: set[str] = set()
        self._heard = asyncio.Event()
        self._hanging_up: asyncio.Future[None] | None = None

    @property
    def jid(self) -> str:
        """Returns their full JID."""
        return self.line.jid

    async def ask(self, room: str, **changes: str) -> Answer:
        """Asks the focus for a conference, with what the page remembers; ``changes`` are other attributes."""
        known = {"machine-uid": self.machine_uid, "room": room, "session-id": self.session_id}
        values = known | {name.replace("_", "-"): value for name, value in changes.items()}
        attributes = " ".join(f"{name}={quoteattr(value)}" for name, value in values.items() if value)
        answer = read_answer(
            await self.line.ask(
                PROXY,
                f"<conference xmlns='{FOCUS}' {attributes}>"
                "<property name='startAudioMuted' value='10'/></conference>",
            )
        )
        if answer.session_id:
            self.session_id = answer.session_id
        return answer

    async def wait_for_host(self, room: str) -> Answer:
        """Asks until the meeting has begun; after a restart of Prosody, until it knows who is suspended."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.ask(room)
                if answer.is_ready or answer.error not in {"", "not-authorized"}:
                    return answer
                await asyncio.sleep(_ASK_AGAIN)

    async def log_in(self, credential: IssuedCredential, room: str) -> Answer:
        """Logs in by the dialog: a second connection with the password fetches a session-id for this page."""
        second = await new_participant(self._prosody, self._transport, HOST, credential)
        second.machine_uid = self.machine_uid
        answer = await second.ask(room)
        self.session_id = second.session_id
        await second.close()
        return answer

    async def join(self, room: str, nick: str = "", *, password: str = "") -> Seat:
        """Enters; raises :class:`JoinRefusedError` if the room refuses."""
        seat = self.seats[room] = Seat(room, nick or secrets.token_hex(4))
        to = quoteattr(f"{room}/{seat.nick}")
        secret = f"<password>{password}</password>" if password else ""
        name = f"<nick xmlns='http://jabber.org/protocol/nick'>{seat.nick}</nick>"
        await self.line.send(
            f"<presence xmlns='jabber:client' to={to}><x xmlns='{MUC}'>{secret}</x>{name}</presence>"
        )
        async with asyncio.timeout(PATIENCE):
            await seat.joined
        return seat

    async def manage_stream(self) -> StreamManagement:
        """Asks for XEP-0198, as Jitsi's page does; returns what another connection needs to go on."""
        stream = StreamManagement()
        await self.line.send(stream.enable)
        await self.line.ping()  # whose answer comes after that to the wish
        assert any(stream.begin(each) for each in self.line.elements)
        return stream

    async def resume(self, stream: StreamManagement, *, token: str = "") -> None:
        """Goes on over another WebSocket; raises :class:`ConnectionEndedError` if the server does not."""
        host = HOST if token else GUESTS
        query = f"previd={stream.id}&token={token}"
        transport = WebSocketTransport(self._prosody.http_port, host, query=query)
        async with contextlib.AsyncExitStack() as connection:
            client = await connection.enter_async_context(Client(transport, host))
            await client.login_anonymously()
            await client.reopen()
            await client.send(stream.resume)
            answer = await client.receive()
            if not stream.go_on(answer):
                raise ConnectionEndedError(answer.tag)
            connection.pop_all()
        await self.line.close(politely=False)
        self.line = Line(client, self.jid, self._hear)

    # Lobby -------------------------------------------------------------------------------------------

    async def knock(self, room: str, nick: str = "") -> Seat:
        """Is refused by the room, and waits in the lobby that it names; returns the seat there."""
        try:
            await self.join(room)
        except JoinRefusedError as refusal:
            if refusal.condition != "registration-required":
                raise
            self._lobbies[room] = refusal.lobby
        else:
            message = f"nobody has to knock at {room}"
            raise AssertionError(message)
        return await self.join(self._lobbies[room], nick)

    async def enter_from_lobby(self, room: str) -> Seat:
        """Waits until a moderator admits them, or the lobby ends; raises as :meth:`join` does."""
        waiting = self.seats[self._lobbies[room]]
        await self._until(lambda: room in self._invitations or waiting.out.done())
        if waiting.out.done() and waiting.out.result().elsewhere != room:
            end = waiting.out.result()
            raise JoinRefusedError(end.kind, end.text)
        self._invitations.discard(room)
        seat = await self.join(room)
        if not waiting.out.done():
            await self.leave_room(waiting.room)
        return seat

    async def admit(self, room: str, *people: "Participant") -> None:
        """Admits those from the lobby, all by one message."""
        invitations = "".join(f"<invite to={quoteattr(person.jid)}/>" for person in people)
        await self.line.send(
            f"<message xmlns='jabber:client' to={quoteattr(room)}>"
            f"<x xmlns='{MUC}#user'>{invitations}</x></message>"
        )

    # Settings of a room ------------------------------------------------------------------------------

    async def features_of(self, room: str) -> set[str]:
        """Returns what the room says of itself: "muc_membersonly", "muc_passwordprotected" and the like."""
        answer = await self.line.ask(room, f"<query xmlns='{_DISCO}'/>", "get")
        return {each.get("var") or "" for each in answer.iter(f"{{{_DISCO}}}feature")}

    async def make_members_only(self, room: str) -> None:
        """Turns the lobby on."""
        await self._configure(room, {"membersonly": "1"})

    async def end_lobby(self, room: str) -> None:
        """Turns the lobby off."""
        await self._configure(room, {"membersonly": "0"})

    async def set_password(self, room: str, password: str) -> None:
        """Sets the password without which nobody enters, or none; a lobby stays on."""
        has_lobby = "muc_membersonly" in await self.features_of(room)
        await self._configure(room, {"roomsecret": password} | ({"membersonly": "1"} if has_lobby else {}))

    async def submit_form(self, room: str, fields: Mapping[str, str]) -> Reply:
        """Submits a form with those fields by their full names, as a page never would."""
        values = {"FORM_TYPE": _CONFIG} | dict(fields)
        lines = "".join(
            f"<field var={quoteattr(name)}><value>{escape(value)}</value></field>"
            for name, value in values.items()
        )
        form = f"<x xmlns='{_FORM}' type='submit'>{lines}</x>"
        return read_reply(await self.line.ask(room, f"<query xmlns='{MUC}#owner'>{form}</query>"))

    async def _configure(self, room: str, values: Mapping[str, str]) -> None:
        reply = await self.submit_form(
            room, {f"muc#roomconfig_{name}": each for name, each in values.items()}
        )
        assert not reply.error

    async def promote(self, room: str, person: "Participant") -> Reply:
        """Makes them a moderator too."""
        return await self.set_affiliation(room, person, "owner")

    async def set_affiliation(self, room: str, person: "Participant", affiliation: str) -> Reply:
        """Changes what they are to the room."""
        bare = quoteattr(person.jid.partition("/")[0])
        return await self._administer(room, f"<item affiliation={quoteattr(affiliation)} jid={bare}/>")

    async def kick(self, room: str, person: "Participant") -> Reply:
        """Throws them out of the room, or of the lobby if that is the room."""
        nick = quoteattr(person.seats[room].nick)
        return await self._administer(room, f"<item role='none' nick={nick}/>")

    async def _administer(self, room: str, item: str) -> Reply:
        return read_reply(await self.line.ask(room, f"<query xmlns='{MUC}#admin'>{item}</query>"))

    # Recording ---------------------------------------------------------------------------------------

    async def start_recording(self, room: str, mode: str = "file") -> Reply:
        """Asks the focus for a recording, or for a live stream in the mode "stream"."""
        wish = f"<jibri xmlns='{_JIBRI}' action='start' recording_mode={quoteattr(mode)}/>"
        return read_reply(await self.line.ask(f"{room}/focus", wish))

    async def start_transcription(self, room: str) -> Reply:
        """Dials the transcriber into the room."""
        header = f"<header name='JvbRoomName' value={quoteattr(room)}/>"
        wish = f"<dial xmlns='{_RAYO}' to='jitsi_meet_transcribe' from='fromnumber'>{header}</dial>"
        return read_reply(await self.line.ask(f"{room}/focus", wish))

    async def set_metadata(self, room: str, key: str, data: object) -> None:
        """Writes what all in the room are told then."""
        wish = escape(json.dumps({"key": key, "data": data}))
        await self.line.send(
            f"<message xmlns='jabber:client' to='{METADATA}'>"
            f"<room_metadata xmlns='{JITMEET}' room={quoteattr(room)}>{wish}</room_metadata></message>"
        )

    async def until_told(self, room: str, key: str) -> object:
        """Returns that part of the room's metadata, once they were told of it."""
        await self._until(lambda: key in self.metadata.get(room, {}))
        return self.metadata[room][key]

    # Rooms -------------------------------------------------------------------------------------------

    async def leave_room(self, room: str, status: str = "") -> None:
        """Leaves that room and stays connected."""
        seat = self.seats[room]
        to, why = quoteattr(f"{room}/{seat.nick}"), f"<status>{status}</status>" if status else ""
        await self.line.send(f"<presence xmlns='jabber:client' type='unavailable' to={to}>{why}</presence>")
        async with asyncio.timeout(PATIENCE):
            await seat.out

    async def open_breakout(self, name: str = "") -> str:
        """Opens a breakout room, as a moderator of the main room; returns its address."""
        name = name or f"Gruppe {secrets.token_hex(4)}"
        wish = f"<breakout_rooms type='features/breakout-rooms/add' subject={quoteattr(name)}/>"
        await self.line.send(f"<message xmlns='jabber:client' to='{BREAKOUT}'>{wish}</message>")
        await self._until(lambda: name in self.breakouts)
        return self.breakouts[name]

    async def switch_room(self, room: str, other: str) -> Seat:
        """Goes from the main room to a breakout room or back, without a login; returns the new seat."""
        await self.leave_room(room, "switch_room")
        answer = await self.wait_for_host(other)
        assert not answer.error
        return await self.join(other)

    async def close(self, *, politely: bool = True) -> None:
        """Closes the page."""
        if self._hanging_up is not None:
            self._hanging_up.cancel()
            await asyncio.gather(self._hanging_up, return_exceptions=True)
        await self.line.close(politely=politely)

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._heard.clear()
                await self._heard.wait()

    def _hear(self, element: Element) -> None:
        room, _, nick = (element.get("from") or "").partition("/")
        seat = self.seats.get(room)
        if element.tag == f"{CLIENT}message":
            self._hear_message(element, room)
        elif element.tag == f"{CLIENT}presence" and seat is not None and nick == seat.nick:
            seat.hear(element)
            if self._is_last_word(seat) and self.is_page and self._hanging_up is None:
                self._hanging_up = asyncio.ensure_future(self._hang_up(seat))
        self._heard.set()

    def _is_last_word(self, seat: Seat) -> bool:
        if not seat.out.done() or seat.out.result().kind != "destroyed":
            return False
        return not (seat.out.result().elsewhere and seat.room in self._lobbies.values())

    def _hear_message(self, message: Element, room: str) -> None:
        told = message.find(f"{{{JITMEET}}}json-message")
        if told is not None:
            self._hear_json(json.loads(told.text or ""), told.get("room") or "")
        if message.get("type") != "error" and message.find(f"{MUC_USER}x/{MUC_USER}invite") is not None:
            self._invitations.add(room)
        if room in self.seats:
            self.seats[room].hear_message(message)

    def _hear_json(self, message: dict[str, Any], room: str) -> None:
        match message.get("type"):
            case "breakout_rooms":
                rooms = message.get("rooms", {}).values()
                self.breakouts = {each["name"]: each["jid"] for each in rooms if not each.get("isMainRoom")}
            case "room_metadata":
                self.metadata[room] = message["metadata"] or {}

    async def _hang_up(self, seat: Seat) -> None:
        to = quoteattr(f"{seat.room}/{seat.nick}")
        with contextlib.suppress(OSError, ConnectionEndedError):
            await self.line.send(f"<presence xmlns='jabber:client' type='unavailable' to={to}/>")
            if self.reads_for is not None:
                await asyncio.sleep(self.reads_for)
                await self.line.say_goodbye()


async def new_participant(
    prosody: Prosody,
    transport: str,
    host: str = GUESTS,
    credential: IssuedCredential | None = None,
    *,
    resource: str = "",
    token: str = "",
) -> Participant:
    """Returns a participant who has just opened the page."""
    query = f"room=physik&token={token}" if token else ""
    client = await dial(prosody, transport, host, credential, query=query)
    person = Participant(prosody, transport, client, await client.bind(resource))
    person.is_page = host == GUESTS or token != ""
    return person


async def notice_nothing(room: str, *participants: Participant) -> None:
    """Fails unless all are connected and still in that room."""
    for each in participants:
        await each.line.ping()
        assert not each.seats[room].out.done()


class Participants:
    """All who are there."""

    def __init__(self, prosody: Prosody) -> None:
        self._prosody = prosody
        self._all: list[Participant] = []

    async def guest(self, transport: str = "tcp") -> Participant:
        """Opens the page and does nothing."""
        return self._count(await new_participant(self._prosody, transport))

    async def reload(self, page: Participant, transport: str = "tcp") -> Participant:
        """Returns the same browser with a new connection."""
        person = await self.guest(transport)
        person.machine_uid, person.session_id = page.machine_uid, page.session_id
        return person

    async def tablet(
        self, credential: IssuedCredential, transport: str = "tcp", *, resource: str = ""
    ) -> Participant:
        """Logs in with the password, and stays so."""
        return self._count(
            await new_participant(self._prosody, transport, HOST, credential, resource=resource)
        )

    async def bridge(self) -> Participant:
        """Returns a bridge for media, which only the focus and other bridges should meet."""
        return self._count(await new_participant(self._prosody, "tcp", BACKSTAGE, _BRIDGE))

    async def organiser(self, credential: IssuedCredential, room: str, transport: str = "tcp") -> Participant:
        """Opens the page of that meeting, logs in there, and leads it."""
        person = await self.guest(transport)
        first = await person.ask(room)
        if first.error == "not-authorized" or not first.identity:
            assert not (await person.log_in(credential, room)).error
        answer = await person.wait_for_host(room)  # for the first news, where Prosody has just started
        assert (answer.error, answer.identity) == ("", f"{credential.username}@{HOST}")
        seat = await person.join(room)
        await seat.until_moderator()
        return person

    async def returned(self, token: str, transport: str = "websocket") -> Participant:
        """Opens the page with the token with which the login page sent them back."""
        return self._count(await new_participant(self._prosody, transport, HOST, token=token))

    async def leader(self, token: str, room: str, transport: str = "websocket") -> Participant:
        """Comes back from the login page, and leads that meeting."""
        person = await self.returned(token, transport)
        answer = await person.wait_for_host(room)
        assert (answer.error, answer.identity) == ("", person.jid.partition("/")[0])
        seat = await person.join(room)
        await seat.until_moderator()
        return person

    async def pupil(self, room: str, transport: str = "tcp") -> Participant:
        """Opens the page of that meeting, waits for it, and joins."""
        person = await self.guest(transport)
        await person.wait_for_host(room)
        await person.join(room)
        return person

    async def admitted(self, room: str, leader: Participant, transport: str = "tcp") -> Participant:
        """Opens the page of that meeting, knocks, is admitted by that moderator, and joins."""
        person = await self.guest(transport)
        await person.wait_for_host(room)
        await person.knock(room)
        await leader.admit(room, person)
        await person.enter_from_lobby(room)
        return person

    async def leave(self) -> None:
        """Closes all pages."""
        await asyncio.gather(*(person.close() for person in self._all))

    def _count(self, person: Participant) -> Participant:
        self._all.append(person)
        return person
