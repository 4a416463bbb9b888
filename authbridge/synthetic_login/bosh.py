"""Logs in over BOSH (XEP-0124, XEP-0206), as Jitsi's page does: a wrong password first, then the right one.

It binds no session and sends nothing else.  No library that is kept up speaks BOSH, and five requests do.
"""

import base64
import http.client
import re
import secrets
import ssl
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import quoteattr

from authbridge.synthetic_login.outcomes import SyntheticOutcome, SyntheticResult
from authbridge.tls import verifying_context

PATIENCE = 45.0  # seconds for all of it; Prosody waits 15 s for the service, twice here

_WAIT = 30  # seconds for which the server may hold a request before it answers with nothing
_MOST_BYTES = 64 * 1024  # of an answer; one with the stream's features has 1 KiB
_MOST_DETAIL = 100  # characters, as the table has them
_HTTPBIND = "http://jabber.org/protocol/httpbind"
_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
_XBOSH = "xmlns:xmpp='urn:xmpp:xbosh'"
_SUCCESS = "success"
_CONDITION = re.compile(r"[a-z-]{1,60}")
_REFUSED = "not-authorized"
_OUTCOMES = {
    _REFUSED: SyntheticOutcome.REFUSED,
    "temporary-auth-failure": SyntheticOutcome.UNAVAILABLE,
    "host-unknown": SyntheticOutcome.UNKNOWN_HOST,
    "improper-addressing": SyntheticOutcome.UNKNOWN_HOST,  # Prosody's word for a host that it has not
}


@dataclass(frozen=True, slots=True)
class BoshServer:
    """Where to log in: the address of BOSH, the organisers' host, authorities besides the system's."""

    url: str
    host: str
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name with its password, and a password that is not its own."""

    username: str
    right: str = field(repr=False)
    wrong: str = field(repr=False)


class _EndedError(Exception):
    """Raised where the login goes no further, with what came of it."""

    def __init__(self, outcome: SyntheticOutcome, detail: str = "") -> None:
        super().__init__(outcome)
        self.result = SyntheticResult(outcome, detail[:_MOST_DETAIL])


def try_login(server: BoshServer, credentials: Credentials, *, patience: float = PATIENCE) -> SyntheticResult:
    """Logs in and out; returns what came of it after ``patience`` seconds at the latest."""
    # In a thread of its own, which is left behind: no time-out of a socket ends an answer that drips.
    ended: Future[SyntheticResult] = Future()

    def work() -> None:
        try:
            ended.set_result(_try_login(server, credentials, patience))
        except Exception as error:  # noqa: BLE001 - it is raised again for the caller
            ended.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return ended.result(timeout=patience)
    except TimeoutError:
        return SyntheticResult(SyntheticOutcome.NO_ANSWER)


def _try_login(server: BoshServer, credentials: Credentials, patience: float) -> SyntheticResult:
    try:
        with _Stream(server, patience) as stream:
            condition = stream.authenticate(credentials.username, credentials.wrong)
            if condition == _SUCCESS:
                return SyntheticResult(SyntheticOutcome.WRONG_GRANTED)
            if condition != _REFUSED:
                return _failure(condition)
            started = time.monotonic()
            condition = stream.authenticate(credentials.username, credentials.right)
            if condition != _SUCCESS:
                return _failure(condition)
            took = round((time.monotonic() - started) * 1000)
            return SyntheticResult(SyntheticOutcome.GRANTED, milliseconds=took)
    except _EndedError as error:
        return error.result


def _failure(condition: str) -> SyntheticResult:
    return SyntheticResult(_OUTCOMES.get(condition, SyntheticOutcome.UNEXPECTED), condition)


class _Stream:
    """One BOSH session; ``with`` opens and ends it.  Each method raises :class:`_EndedError`."""

    def __init__(self, server: BoshServer, patience: float) -> None:
        self._server = server
        address = urlsplit(server.url)
        self._path = address.path
        self._connection = (
            http.client.HTTPSConnection(address.netloc, timeout=patience, context=_context(server.ca_file))
            if address.scheme == "https"
            else http.client.HTTPConnection(address.netloc, timeout=patience)
        )
        self._headers = {"Content-Type": "text/xml; charset=utf-8", "User-Agent": "AuthBridge"}
        if address.scheme == "http":  # Prosody's own port: it chooses the host by this name, as behind nginx
            self._headers["Host"] = server.host
        self._request_id = secrets.randbelow(2**31)
        self._session_id = ""
        self._arrived: deque[Element] = deque()

    def __enter__(self) -> Self:
        try:
            body = self._exchange(
                f"to={quoteattr(self._server.host)} wait='{_WAIT}' hold='1' ver='1.6' xml:lang='en' "
                f"xmpp:version='1.0' {_XBOSH}"
            )
            self._session_id = body.get("sid") or ""
            self._require_plain(self._receive())
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._exchange("type='terminate'")
        except _EndedError:
            pass  # the login is over, and the server ends the session by itself in a minute
        finally:
            self._connection.close()

    def _require_plain(self, features: Element) -> None:
        mechanisms = [each.text for each in features.iter(f"{{{_SASL}}}mechanism")]
        if "PLAIN" not in mechanisms:
            raise _EndedError(SyntheticOutcome.NO_PASSWORD)

    def authenticate(self, username: str, password: str) -> str:
        """Sends SASL PLAIN; returns "success" or the condition of the failure."""
        message = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
        self._exchange("", f"<auth xmlns='{_SASL}' mechanism='PLAIN'>{message}</auth>")
        answer = self._receive()
        if answer.tag == f"{{{_SASL}}}success":
            return _SUCCESS
        if answer.tag != f"{{{_SASL}}}failure":
            raise _EndedError(SyntheticOutcome.UNEXPECTED, _word(answer.tag))
        return next((_word(child.tag) for child in answer if not child.tag.endswith("}text")), "?")

    def _receive(self) -> Element:
        while not self._arrived:
            self._exchange("")  # the server holds it until there is something to say
        return self._arrived.popleft()

    def _exchange(self, attributes: str, payload: str = "") -> Element:
        self._request_id += 1
        session = f"sid={quoteattr(self._session_id)} " if self._session_id else ""
        body = self._post(
            f"<body xmlns='{_HTTPBIND}' rid='{self._request_id}' {session}{attributes}>{payload}</body>"
        )
        if body.get("type") == "terminate" and "terminate" not in attributes:
            condition = _word(body.get("condition") or "terminated")
            raise _EndedError(_OUTCOMES.get(condition, SyntheticOutcome.UNEXPECTED), condition)
        self._arrived.extend(body)
        return body

    def _post(self, text: str) -> Element:
        try:
            self._connection.request("POST", self._path, text.encode(), self._headers)
            response = self._connection.getresponse()
            content = response.read(_MOST_BYTES + 1)
        except ssl.SSLCertVerificationError as error:
            raise _EndedError(SyntheticOutcome.CERTIFICATE, error.verify_message) from error
        except TimeoutError as error:
            raise _EndedError(SyntheticOutcome.NO_ANSWER) from error
        except OSError as error:
            raise _EndedError(SyntheticOutcome.UNREACHABLE, error.strerror or type(error).__name__) from error
        except http.client.HTTPException as error:
            raise _EndedError(SyntheticOutcome.UNEXPECTED, type(error).__name__) from error
        if response.status != http.HTTPStatus.OK:
            raise _EndedError(SyntheticOutcome.HTTP_STATUS, str(response.status))
        return _parse(content)


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return verifying_context(ca_file)
    except OSError as error:
        raise _EndedError(SyntheticOutcome.CERTIFICATE, "AUTHBRIDGE_CA_FILE cannot be read") from error


def _parse(content: bytes) -> Element:
    # "<!" declares entities, by which a few bytes become gigabytes; XMPP forbids them (RFC 6120
    # section 11.1).
    if len(content) > _MOST_BYTES or b"<!" in content:
        raise _EndedError(SyntheticOutcome.UNEXPECTED, "not XMPP")
    try:
        body = fromstring(content)  # noqa: S314 - it declares nothing, see above
    except ParseError as error:
        raise _EndedError(SyntheticOutcome.UNEXPECTED, "not XML") from error
    if body.tag != f"{{{_HTTPBIND}}}body":
        raise _EndedError(SyntheticOutcome.UNEXPECTED, "not BOSH")
    return body


def _word(tag: str) -> str:
    """Returns the name of an element or condition; nothing else of an answer gets into logs and mails."""
    word = tag.rpartition("}")[2]
    return word if _CONDITION.fullmatch(word) else "?"
