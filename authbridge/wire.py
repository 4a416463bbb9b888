"""The wire between Prosody and the service: JSON in, values out; a fault says which field is wrong.

The faults name fields, never their content.  ``tests/contract.json`` holds both sides to this.
"""

import ipaddress
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authbridge.journal import Origin
from authbridge.policy import Attempt, Decision

MAX_BYTES = 8 * 1024

_TRANSPORTS = frozenset({"tcp", "bosh", "websocket"})
_MAX_ID = 64  # characters
_MAX_NAME = 1024  # characters; Prosody lets 1023 bytes through
_MAX_USER_AGENT = 256  # bytes, and the header is ASCII by then
_MAX_WITHIN = 60  # seconds


class MalformedError(ValueError):
    """Raised for a question that does not keep to the form; the text names the field."""


class ForeignHostError(MalformedError):
    """Raised for a question about a host that this service does not answer for."""


@dataclass(frozen=True, slots=True)
class Question:
    """One login as Prosody asks about it; ``within`` is how many seconds it will wait."""

    attempt: Attempt
    origin: Origin
    within: float


def parse_question(body: bytes, *, host: str, now: datetime) -> Question:
    """The question in that request body; raises :class:`MalformedError`, about the host first.

    Bytes that are no UTF-8 reach the password check as such, and are refused there like any wrong
    password.
    """
    fields = _parse_object(body)
    if _text(fields, "host", _MAX_NAME).lower() != host:
        message = f"this service answers for {host}"
        raise ForeignHostError(message)
    return Question(
        within=_within(fields),
        origin=Origin(
            request_id=_plain_text(fields, "request_id", _MAX_ID),
            transport=_transport(fields),
            node=_plain_text(fields, "node", _MAX_ID),
        ),
        attempt=Attempt(
            username=_text(fields, "username", _MAX_NAME),
            password=_text(fields, "password", MAX_BYTES),
            ip=_address(fields),
            user_agent=_user_agent(fields),
            at=now,
        ),
    )


def answer(request_id: str, username: str, decision: Decision) -> dict[str, Any]:
    """The answer; it repeats whom it is about, so that it cannot be taken for another one's."""
    return {
        "request_id": request_id,
        "username": username,
        "verdict": decision.verdict,
        "retry_after": decision.retry_after,
    }


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        message = "not a JSON object"
        raise MalformedError(message) from None  # the cause quotes the body
    if not isinstance(fields, dict):
        message = "not a JSON object"
        raise MalformedError(message)
    return fields


def _text(fields: dict[str, Any], name: str, longest: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value or len(value) > longest:
        message = f"{name} must be a text of 1 to {longest} characters"
        raise MalformedError(message)
    return value


def _plain_text(fields: dict[str, Any], name: str, longest: int) -> str:
    value = _text(fields, name, longest)
    if not (value.isascii() and value.isprintable()):
        message = f"{name} must be printable ASCII"
        raise MalformedError(message)
    return value


def _user_agent(fields: dict[str, Any]) -> str | None:
    if not fields.get("user_agent"):
        return None
    return _plain_text(fields, "user_agent", _MAX_USER_AGENT)


def _transport(fields: dict[str, Any]) -> str:
    value = _text(fields, "transport", _MAX_ID)
    if value not in _TRANSPORTS:
        message = f"transport must be one of {', '.join(sorted(_TRANSPORTS))}"
        raise MalformedError(message)
    return value


def _within(fields: dict[str, Any]) -> float:
    value = fields.get("within")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_WITHIN:
        message = f"within must be a number of seconds from 0 to {_MAX_WITHIN}"
        raise MalformedError(message)
    return float(value)


def _address(fields: dict[str, Any]) -> str | None:
    """The canonical form; what is no address is an unknown one, and earns no trust."""
    value = fields.get("ip")
    if value is not None and not isinstance(value, str):
        message = "ip must be a text or null"
        raise MalformedError(message)
    try:
        address = ipaddress.ip_address((value or "").partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
