"""What participants are told: answers, refusals, ends, and their place in a room."""

import asyncio
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from tests.support.jitsi.focus import FOCUS, MUC_USER
from workbench.processes import PATIENCE
from workbench.xmpp import CLIENT, ConnectionEndedError

JITMEET = "http://jitsi.org/jitmeet"

_ERRORS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something ended, at that moment of ``time.monotonic``: why, and with which words.

    ``elsewhere`` is the room to which a destroyed one sends its people, if any.
    """

    kind: str  # "destroyed", "kicked" or "left"; of a stream its condition or "closed"
    text: str
    at: float
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a request; ``error`` is the condition, none if it was granted, ``text`` its words."""

    error: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answer(Reply):
    """What became of a conference request; ``code`` is that of a reservation error, which the page shows."""

    code: str = ""
    is_session_invalid: bool = False
    is_ready: bool = False
    identity: str = ""
    session_id: str = field(default="", repr=False)


class JoinRefusedError(ConnectionEndedError):
    """Raised when a room refuses a join; its string is the condition.

    ``text`` are the words, ``lobby`` is the address of the lobby where the page may knock, and ``hints`` are
    the names of Jitsi's elements that came with it.
    """

    def __init__(
        self, condition: str, text: str = "", lobby: str = "", hints: AbstractSet[str] = frozenset()
    ) -> None:
        super().__init__(condition)
        self.condition = condition
        self.text = text
        self.lobby = lobby
        self.hints = hints


class Seat:
    """A participant's place in a room, as the room tells of it."""

    def __init__(self, room: str, nick: str) -> None:
        self.room = room
        self.nick = nick
        self.role = ""
        self.affiliation = ""
        self.status: set[str] = set()
        self.changes = 0  # how often the room told that its settings are others
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.out: asyncio.Future[Notice] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()

    async def until_moderator(self) -> None:
        """Returns when the participant leads the meeting."""
        await self._until(lambda: self.role == "moderator")

    async def until_changed(self, times: int = 1) -> None:
        """Returns when the room has told that often that its settings are others."""
        await self._until(lambda: self.changes >= times)

    def hear(self, presence: Element) -> None:
        """Takes a presence of the participant's own from the room."""
        extra = presence.find(f"{MUC_USER}x")
        kind = presence.get("type")
        if kind == "error" or extra is None:
            if not self.joined.done():
                self.joined.set_exception(_refusal_of(presence))
            return
        item = extra.find(f"{MUC_USER}item")
        if item is not None:
            self.role, self.affiliation = item.get("role") or "", item.get("affiliation") or ""
        if kind == "unavailable" and not self.out.done():
            self.out.set_result(_notice_of(extra))
        elif kind is None and not self.joined.done():
            self.joined.set_result(None)
        self._changed.set()

    def hear_message(self, message: Element) -> None:
        """Takes a message from the room itself."""
        if any(status.get("code") == "104" for status in message.iter(f"{MUC_USER}status")):
            self.changes += 1
            self._changed.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def read_reply(iq: Element) -> Reply:
    """Returns what an answer to an IQ says."""
    return Reply(_condition_of(iq), _text_of(iq)) if iq.get("type") == "error" else Reply()


def read_answer(iq: Element) -> Answer:
    """Returns what an answer to a conference request says."""
    if iq.get("type") == "error":
        is_invalid = iq.find(f".//{{{FOCUS}}}session-invalid") is not None
        reservation = iq.find(f".//{{{FOCUS}}}reservation-error")
        code = "" if reservation is None else reservation.get("error-code") or ""
        return Answer(_condition_of(iq), _text_of(iq), code, is_session_invalid=is_invalid)
    conference = iq.find(f"{{{FOCUS}}}conference")
    if conference is None:
        return Answer("no conference")
    return Answer(
        is_ready=conference.get("ready") == "true",
        identity=conference.get("identity") or "",
        session_id=conference.get("session-id") or "",
    )


def _notice_of(extra: Element) -> Notice:
    now = time.monotonic()
    destroyed = extra.find(f"{MUC_USER}destroy")
    if destroyed is not None:
        reason = destroyed.findtext(f"{MUC_USER}reason") or ""
        return Notice("destroyed", reason, now, destroyed.get("jid") or "")
    codes = {status.get("code") for status in extra.iter(f"{MUC_USER}status")}
    kind = "kicked" if codes & {"307", "333"} else "left"
    return Notice(kind, extra.findtext(f"{MUC_USER}item/{MUC_USER}reason") or "", now)


def _refusal_of(presence: Element) -> JoinRefusedError:
    prefix = f"{{{JITMEET}}}"
    error = presence.find(f"{CLIENT}error")
    extras = [] if error is None else [each for each in error if each.tag.startswith(prefix)]
    hints = {each.tag.removeprefix(prefix): each.text or "" for each in extras}
    condition, text = _condition_of(presence), _text_of(presence)
    return JoinRefusedError(condition, text, hints.pop("lobbyroom", ""), frozenset(hints))


def _condition_of(stanza: Element) -> str:
    error = stanza.find(f"{CLIENT}error")
    if error is None:
        return "undefined"
    return next((child.tag.removeprefix(_ERRORS) for child in error if child.tag.startswith(_ERRORS)), "")


def _text_of(stanza: Element) -> str:
    return stanza.findtext(f"{CLIENT}error/{_ERRORS}text") or ""
