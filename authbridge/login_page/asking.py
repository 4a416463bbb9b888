"""Asks the auth service about a login over loopback, as Prosody's module does; it decides nothing itself.

Anything but a proper answer is an outage: never a success, and never "wrong password".
"""

import http.client
import json
import logging
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from authbridge.clock import Clock, utc_now
from authbridge.errors import location_of
from authbridge.hourly_lines import HourlyLines
from authbridge.login.attempts import PAGE
from authbridge.login.networks import IPAddress
from authbridge.login.policy import Verdict

_log = logging.getLogger(__name__)

_WITHIN = 15  # seconds, as Prosody's module waits
_CONNECT = 1.0  # seconds; over loopback it takes none
_RETRY = 3.0  # seconds in which a service that is being restarted is asked again, as by Prosody's module
_PAUSE = 0.1  # seconds
_SPARE = 1.0  # seconds more than the service was told: its answer that it has none is on its way
_MOST_BYTES = 64 * 1024  # of an answer, which has some hundred
_MOST_AGENT = 256  # characters of a browser's name, as the service takes it
_MOST_NAME = 256  # characters; a login name has 64 at most, and perhaps our domain
_MOST_PASSWORD = 512  # characters; no account has one of more than 64 bytes
_NODE = PAGE  # there is one page
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_MOST_TOKEN = 2048  # bytes


@dataclass(frozen=True, slots=True)
class TypedLogin:
    """What an organiser typed and from where: ``shared`` is a device that must remember nothing.

    ``ip`` is None where the address is unknown.
    """

    username: str
    password: str = field(repr=False)
    shared: bool
    ip: IPAddress | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class LoginAnswer:
    """The answer of the service: seconds to wait with ``locked``, a token with ``granted``."""

    verdict: Verdict
    retry_after: int | None = None
    token: str | None = field(default=None, repr=False)


class AuthService:
    """The auth service at ``bind`` (address and port), which answers for ``host``.

    ``patience``: for how many seconds a service that takes no question, or drops it, is asked again.
    While it hangs, one login at a time waits for it, and the others are told of the outage at once: else all
    threads of the page would wait, and nobody would even see the form.
    """

    def __init__(
        self,
        bind: str,
        *,
        host: str,
        api_token: str,
        patience: float = _RETRY,
        clock: Clock = utc_now,
    ) -> None:
        self._clock = clock
        self._patience = patience
        self._faults = HourlyLines(_log)
        self._hangs, self._trying = False, threading.Lock()
        self._address, _, port = bind.partition(":")
        self._port = int(port)
        self._host = host
        self._headers = {"Authorization": f"Bearer {api_token}", "Content-Type": "application/json"}

    def authenticate(self, login: TypedLogin) -> LoginAnswer:
        """Asks whether that login is let in; a fault is logged by its kind, and is an outage."""
        if len(login.username) > _MOST_NAME or len(login.password) > _MOST_PASSWORD:
            return LoginAnswer(Verdict.REFUSED)  # nobody's, and too long for a question
        with self._turn() as may_ask:
            return self._answer(login) if may_ask else LoginAnswer(Verdict.UNAVAILABLE)

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        if not self._hangs:
            yield True
        elif self._trying.acquire(blocking=False):
            try:
                yield True
            finally:
                self._trying.release()
        else:
            yield False

    def _answer(self, login: TypedLogin) -> LoginAnswer:
        request_id = secrets.token_hex(8)
        try:
            # Four bytes a character at most; in ASCII, JSON takes twelve for some, more than a question has.
            question = json.dumps(self._question(login, request_id), ensure_ascii=False).encode()
            answer = self._ask(question)
            self._hangs = False
            return _read(answer, request_id)
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            self._hangs = isinstance(error, TimeoutError)
            line = f"the auth service gives no answer of use: {type(error).__name__} at {location_of(error)}"
            self._faults.note(line, now=self._clock())
            return LoginAnswer(Verdict.UNAVAILABLE)

    def _question(self, login: TypedLogin, request_id: str) -> dict[str, Any]:
        agent = "".join(
            char if char.isascii() and char.isprintable() else "?" for char in login.user_agent or ""
        )
        return {
            "request_id": request_id,
            "host": self._host,
            "node": _NODE,
            "transport": PAGE,
            "username": login.username,
            "password": login.password,
            "shared": login.shared,
            "ip": None if login.ip is None else str(login.ip),
            "user_agent": agent[:_MOST_AGENT] or None,
            "within": _WITHIN,
        }

    def _ask(self, question: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
        ends_at = time.monotonic() + self._patience
        while True:
            try:
                return self._ask_once(question)
            except ConnectionError:
                if time.monotonic() + _PAUSE >= ends_at:
                    raise
                time.sleep(_PAUSE)

    def _ask_once(self, question: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
        connection = http.client.HTTPConnection(self._address, self._port, timeout=_CONNECT)
        try:
            connection.connect()
            connection.sock.settimeout(_WITHIN + _SPARE)
            connection.request("POST", "/v1/authenticate", question, self._headers)
            answer = connection.getresponse()
            body = answer.read(_MOST_BYTES)
            if answer.status != HTTPStatus.OK:
                raise http.client.HTTPException(answer.status)
            return json.loads(body)
        finally:
            connection.close()


def _read(answer: Any, request_id: str) -> LoginAnswer:  # noqa: ANN401 - whatever JSON holds
    """Reads the answer.

    Raises:
        ValueError: It answers another question, or says nothing that an answer may say.
    """
    if not isinstance(answer, dict) or answer.get("request_id") != request_id:
        raise ValueError
    verdict = Verdict(str(answer.get("verdict")))
    token, wait = answer.get("token"), answer.get("retry_after")
    if verdict is Verdict.GRANTED and not _is_token(token):
        raise ValueError
    return LoginAnswer(
        verdict,
        retry_after=wait if verdict is Verdict.LOCKED and isinstance(wait, int) and wait > 0 else None,
        token=token if verdict is Verdict.GRANTED else None,
    )


def _is_token(token: object) -> bool:
    return isinstance(token, str) and len(token) <= _MOST_TOKEN and _TOKEN.fullmatch(token) is not None
