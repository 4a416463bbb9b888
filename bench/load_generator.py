"""``python -m bench.load_generator PLAN``: many logins, each on a connection of its own, and how each ended.

A process of its own, and one loop over bare sockets: what the crowd costs is taken from those it measures.
It speaks just enough XMPP, or HTTP, for one login.  It stops when every login has ended, or at the end of
its input.
"""

import base64
import gc
import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_PATIENCE = 90.0  # seconds after which a login is given up
_BEGIN = 0.2  # seconds until the first one
_TICK = 0.5  # seconds; how soon the end of the input is noticed, at the latest

_STREAM = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='{host}' "
    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
)
_AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{payload}</auth>"
_UPGRADE = (
    "GET /xmpp-websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YXV0aGJyaWRnZS1iZW5jaA==\r\n"
    "Sec-WebSocket-Protocol: xmpp\r\nX-Forwarded-For: {ip}\r\n\r\n"
)
_OPEN = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{host}' version='1.0'/>"
_FAILURE = re.compile(rb"<failure[^>]*>\s*<([a-z-]+)")
_HTTP = (
    "POST /v1/authenticate HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    "Content-Type: application/json\r\nConnection: keep-alive\r\nContent-Length: {length}\r\n\r\n{body}"
)
_VERDICT = re.compile(rb'"verdict": ?"([a-z]+)"')

Step = tuple[bytes, tuple[bytes, ...]]  # what is sent, and what the answer ends with


class Ended(NamedTuple):
    """One login: when it began (seconds after the first might), how long it took, how it ended."""

    began: float
    seconds: float
    condition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who logs in, where and when.

    With ``starts`` (seconds), each login begins at its moment, however the earlier ones fare, and a late
    one counts from that moment.  Without, ``at_once`` of them are under way at any time: for ``seconds``,
    or until each of the credentials had its turn.  ``token`` asks the service itself over HTTP; with
    ``is_browser`` they come over WebSocket, and from ``ip``, as a proxy would say.
    """

    port: int
    host: str
    credentials: list[tuple[str, str]]
    starts: list[float]
    at_once: int = 0
    seconds: float = 0
    token: str = ""
    ip: str | None = None
    is_browser: bool = False


class _Login:
    """A connection, and what is still to be said on it."""

    def __init__(self, port: int, steps: Iterator[Step], due: float) -> None:
        self.due = due
        self._steps = steps
        self._heard = b""
        self._endings: tuple[bytes, ...] = ()
        self.socket = socket.socket()
        self.socket.settimeout(0)
        self.socket.connect_ex(("127.0.0.1", port))

    def connected(self) -> str | None:
        """Says the first thing; returns how the login ended, if it did."""
        return self._say()

    def hear(self) -> str | None:
        """Takes what came and says what is next; returns how the login ended, if it did."""
        try:
            data = self.socket.recv(65536)
        except OSError as error:
            return type(error).__name__
        if not data:
            return "closed"
        self._heard += data
        if not any(ending in self._heard for ending in self._endings):
            return None
        return self._say()

    def _say(self) -> str | None:
        step = next(self._steps, None)
        if step is None:
            return _condition_of(self._heard)
        self._heard = b""
        said, self._endings = step
        try:
            self.socket.sendall(said)  # a few hundred bytes: they fit
        except OSError as error:
            return type(error).__name__
        return None


def _condition_of(answer: bytes) -> str:
    if b"<success" in answer:
        return "success"
    found = _FAILURE.search(answer) or _VERDICT.search(answer)
    return found[1].decode() if found else answer[:20].decode("ascii", "replace")


class _Crowd:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        self._under_way: dict[_Login, None] = {}  # the oldest first
        self._begun = 0
        self._start = time.perf_counter() + _BEGIN
        self.ended: list[Ended] = []

    def run(self) -> None:
        """Until all logins ended, or nobody is there any more who would want to know."""
        while self._is_going_on():
            pause = self._begin_due()
            for key, events in self._selector.select(pause):
                if key.data is None:
                    return
                self._proceed(key.data, events)

    def _is_going_on(self) -> bool:
        now = time.perf_counter() - self._start
        oldest = next(iter(self._under_way), None)
        if oldest is None:
            return self._next_due(now) is not None
        return now - oldest.due < _PATIENCE

    def _next_due(self, now: float) -> float | None:
        """When the next login is to begin; None if there is none."""
        plan = self._plan
        if plan.starts:
            return plan.starts[self._begun] if self._begun < len(plan.starts) else None
        over = now >= plan.seconds if plan.seconds else self._begun >= len(plan.credentials)
        return None if over else now

    def _begin_due(self) -> float:
        """Begins what is due; returns the seconds until the next one, or a tick."""
        while True:
            now = time.perf_counter() - self._start
            due = self._next_due(now)
            if (
                due is None
                or now < 0
                or (not self._plan.starts and len(self._under_way) >= self._plan.at_once)
            ):
                return _TICK if now >= 0 else -now
            if due > now:
                return min(due - now, _TICK)
            self._begin(due)

    def _begin(self, due: float) -> None:
        plan = self._plan
        steps = _steps(plan, *plan.credentials[self._begun % len(plan.credentials)], self._begun)
        login = _Login(plan.port, steps, due)
        self._begun += 1
        self._under_way[login] = None
        self._selector.register(login.socket, selectors.EVENT_WRITE, login)

    def _proceed(self, login: _Login, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._selector.modify(login.socket, selectors.EVENT_READ, login)
            condition = login.connected()
        else:
            condition = login.hear()
        if condition is not None:
            self.ended.append(
                Ended(login.due, time.perf_counter() - self._start - login.due, condition),
            )
            self._selector.unregister(login.socket)
            login.socket.close()
            del self._under_way[login]


def _steps(plan: Plan, username: str, password: str, number: int) -> Iterator[Step]:
    if plan.token:
        yield _question(plan, username, password, number).encode(), (b"}",)
        return
    auth = _AUTH.format(payload=base64.b64encode(f"\0{username}\0{password}".encode()).decode())
    if plan.is_browser:
        yield _UPGRADE.format(ip=plan.ip).encode(), (b"\r\n\r\n",)
        yield _frame(_OPEN.format(host=plan.host)), (b"</stream:features>",)
        yield _frame(auth), (b"<success", b"</failure>")
    else:
        yield _STREAM.format(host=plan.host).encode(), (b"</stream:features>",)
        yield auth.encode(), (b"<success", b"</failure>")


def _frame(text: str) -> bytes:
    """A WebSocket frame of text (RFC 6455); the mask is that of a lazy client: zeros."""
    payload = text.encode()
    if len(payload) > 125:  # noqa: PLR2004 - longer ones have their length in two bytes
        return b"\x81\xfe" + len(payload).to_bytes(2, "big") + bytes(4) + payload
    return bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload


def _question(plan: Plan, username: str, password: str, number: int) -> str:
    fields = {
        "request_id": f"b-{number}",
        "username": username,
        "password": password,
        "host": plan.host,
        "node": "bench",
        "ip": plan.ip,
        "transport": "tcp",
        "user_agent": None,
        "within": 14.5,
    }
    body = json.dumps(fields)
    return _HTTP.format(token=plan.token, length=len(body), body=body)


def _main(file: Path) -> None:
    crowd = _Crowd(Plan(**json.loads(file.read_text())))
    gc.disable()
    crowd.run()
    json.dump(crowd.ended, sys.stdout)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
