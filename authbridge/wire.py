"""Parses and writes the JSON between Prosody and the service; an error names the field that is wrong.

An error names fields, never their content.  ``tests/contract.json`` holds both sides to this.
"""

import json
import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from authbridge.login.attempts import PAGE, TOKEN, Arrival, Attempt, Origin
from authbridge.login.networks import IPAddress, parse_address
from authbridge.login.policy import Decision, Verdict
from authbridge.login.typed_passwords import parse_password
from authbridge.login.usernames import normalise_username
from authbridge.page_tokens.token_logins import TokenLogin, TokenSessions, TokenUse
from authbridge.revocations.feed import AccessState, Event, Events, Snapshot
from authbridge.revocations.numbered_reports import NumberedReport
from authbridge.revocations.reports import Contact, NodeReport
from authbridge.revocations.school_codes import SchoolCodes
from authbridge.storage.models import MeetingRule

MAX_BYTES = 8 * 1024
MAX_TOKEN = 2048  # characters

_OF_PROSODY = frozenset({"tcp", "bosh", "websocket"})
_MAX_ID = 64  # characters
_MAX_NAME = 1024  # characters; Prosody lets 1023 bytes through
_MAX_NAME_BYTES = 1023  # of a name that Prosody has let in
_MAX_USER_AGENT = 256  # bytes, and the header is ASCII by then
_MAX_WITHIN = 60  # seconds
_MAX_REPORTS = 100  # of one question; as many as fit
_MAX_COUNT = 1_000_000
_MAX_CURSOR = 2**31 - 1


class MalformedError(ValueError):
    """Raised for a question that does not keep to the form; the text names the field."""


class ForeignHostError(MalformedError):
    """Raised for a question about a host that this service does not answer for."""


@dataclass(frozen=True, slots=True)
class Question:
    """One login as Prosody asks about it; Prosody waits ``within`` seconds for the answer.

    ``typed_username`` is the name as it was sent; the answer repeats it.  ``shared`` is None where Prosody
    asks; the login page tells whether others use the device too, and gets a token.
    """

    typed_username: str
    attempt: Attempt
    origin: Origin
    within: float
    shared: bool | None = None


def parse_question(body: bytes, *, host: str, now: datetime) -> Question:
    """Parses the question about a login; its host is checked first.

    Bytes that are no UTF-8 reach the password check as they are, and are refused there like any wrong
    password.

    Raises:
        MalformedError: A field is missing or wrong.
    """
    fields = _parse_object(body)
    _require_host(fields, host)
    username = _text(fields, "username", _MAX_NAME)
    transport = _transport(fields, _OF_PROSODY | {PAGE})
    return Question(
        typed_username=username,
        within=_within(fields),
        origin=_origin(fields, transport),
        attempt=Attempt(
            username=normalise_username(username, host),
            password=parse_password(_text(fields, "password", MAX_BYTES)),
            ip=_address(fields),
            user_agent=_user_agent(fields),
            at=now,
        ),
        shared=_yes_or_no(fields, "shared") if transport == PAGE else None,
    )


def parse_token_question(body: bytes, *, host: str, now: datetime) -> TokenUse:
    """Parses the question about a token; its host is checked first.

    Raises:
        MalformedError: A field is missing or wrong.
    """
    fields = _parse_object(body)
    _require_host(fields, host)
    _transport(fields, _OF_PROSODY)
    _within(fields)
    return TokenUse(
        token=_plain_text(fields, "token", MAX_TOKEN),
        origin=_origin(fields, TOKEN),
        arrival=Arrival(ip=_address(fields), user_agent=_user_agent(fields), at=now),
        sessions=_sessions(fields),
    )


def answer(request_id: str, username: str | None, decision: Decision) -> dict[str, Any]:
    """Returns the answer; it repeats the request's id and username, so that no other request can take it."""
    return {
        "request_id": request_id,
        "username": username,
        "verdict": decision.verdict,
        "retry_after": decision.retry_after,
        "school": decision.school,
    }


def page_answer(request_id: str, username: str, decision: Decision, token: str | None) -> dict[str, Any]:
    """Returns the answer to the login page, with the token that it hands on."""
    return answer(request_id, username, decision) | {"token": token}


def token_answer(request_id: str, login: TokenLogin) -> dict[str, Any]:
    """Returns the answer about a token; it names the organiser only where the token lets in."""
    is_granted = login.decision.verdict is Verdict.GRANTED
    return answer(request_id, login.username if is_granted else None, login.decision) | {
        "shared": is_granted and login.shared
    }


@dataclass(frozen=True, slots=True)
class FeedQuestion:
    """A question for news of the feed; the node waits ``wait`` seconds for some.

    ``schools`` is the version of the codes of schools that the node has; None: it knows nothing of them.
    """

    contact: Contact
    wait: float
    schools: str | None = None


def parse_feed_question(body: bytes) -> FeedQuestion:
    """Parses the question of the feed.

    Raises:
        MalformedError: A field is missing or wrong.
    """
    fields = _parse_object(body)
    return FeedQuestion(
        Contact(
            node=_plain_text(fields, "node", _MAX_ID),
            epoch=_epoch(fields),
            cursor=_number(fields, "cursor", "cursor", _MAX_CURSOR),
            reports=_reports(fields),
            meetings=_meetings(fields),
            numbered=_numbered(fields, _rules(fields)),
        ),
        wait=_wait(fields),
        schools=_schools(fields),
    )


def feed_answer(news: Events | Snapshot, schools: SchoolCodes | None = None) -> dict[str, Any]:
    """Returns the answer: events, or the whole state; and the codes of the schools where they are news."""
    answer: dict[str, Any] = {"epoch": news.epoch, "cursor": news.cursor}
    if schools is not None:
        answer["schools"] = {"version": schools.version, "codes": list(schools.codes)}
    match news:
        case Events(events=events):
            return answer | {"events": [_event(each) for each in events]}
        case Snapshot(states=states, at=at):
            return answer | {"at": _seconds(at), "snapshot": [_access_state(each) for each in states]}
        case _:
            assert_never(news)


def _event(event: Event) -> dict[str, Any]:
    return {"id": event.id, "username": event.username, "action": event.action}


def _access_state(state: AccessState) -> dict[str, Any]:
    at = state.sessions_end_before
    return {
        "username": state.username,
        "suspended": state.suspended,
        "sessions_end_before": None if at is None else _seconds(at),
    }


def _seconds(at: datetime) -> float:
    return round(at.timestamp(), 3)


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        raise MalformedError("not a JSON object") from None  # the cause quotes the body
    if not isinstance(fields, dict):
        raise MalformedError("not a JSON object")
    return fields


def _text(fields: dict[str, Any], name: str, longest: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value or len(value) > longest:
        raise MalformedError(f"{name} must be a text of 1 to {longest} characters")
    return value


def _plain_text(fields: dict[str, Any], name: str, longest: int) -> str:
    value = _text(fields, name, longest)
    if not (value.isascii() and value.isprintable()):
        raise MalformedError(f"{name} must be printable ASCII")
    return value


def _user_agent(fields: dict[str, Any]) -> str | None:
    if not fields.get("user_agent"):
        return None
    return _plain_text(fields, "user_agent", _MAX_USER_AGENT)


def _require_host(fields: dict[str, Any], host: str) -> None:
    if _text(fields, "host", _MAX_NAME).lower() != host:
        raise ForeignHostError(f"this service answers for {host}")


def _origin(fields: dict[str, Any], transport: str) -> Origin:
    return Origin(
        request_id=_plain_text(fields, "request_id", _MAX_ID),
        transport=transport,
        node=_plain_text(fields, "node", _MAX_ID),
    )


def _transport(fields: dict[str, Any], allowed: AbstractSet[str]) -> str:
    value = _text(fields, "transport", _MAX_ID)
    if value not in allowed:
        raise MalformedError(f"transport must be one of {', '.join(sorted(allowed))}")
    return value


def _sessions(fields: dict[str, Any]) -> TokenSessions:
    try:
        return TokenSessions(_text(fields, "sessions", _MAX_ID))
    except ValueError:
        raise MalformedError(f"sessions must be one of {', '.join(TokenSessions)}") from None


def _yes_or_no(fields: dict[str, Any], name: str) -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise MalformedError(f"{name} must be true or false")
    return value


def _within(fields: dict[str, Any]) -> float:
    value = fields.get("within")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_WITHIN:
        raise MalformedError(f"within must be a number of seconds from 0 to {_MAX_WITHIN}")
    return float(value)


def _address(fields: dict[str, Any]) -> IPAddress | None:
    """Returns the address; a text that is no address counts as unknown, and earns no trust."""
    value = fields.get("ip")
    if value is not None and not isinstance(value, str):
        raise MalformedError("ip must be a text or null")
    return parse_address(value)


def _epoch(fields: dict[str, Any]) -> str | None:
    value = fields.get("epoch")
    return None if value is None or value == "" else _plain_text(fields, "epoch", _MAX_ID)


def _reports(fields: dict[str, Any]) -> tuple[NodeReport, ...]:
    # Lua does not know whether an empty table is a list or an object.
    value = fields.get("done") or []
    if not isinstance(value, list) or len(value) > _MAX_REPORTS:
        raise MalformedError(f"done must be a list of at most {_MAX_REPORTS} reports")
    return tuple(_report(each) for each in value)


def _report(value: Any) -> NodeReport:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(value, dict):
        raise MalformedError("done must be a list of objects")
    counts = {name: _number(value, name, f"done: {name}", _MAX_COUNT) for name in _COUNTED}
    # Older modules do not know that count.
    waiting = _number({"waiting": 0} | value, "waiting", "done: waiting", _MAX_COUNT)
    return NodeReport(_number(value, "id", "done: id", _MAX_CURSOR), **counts, waiting=waiting)


_COUNTED = ("sessions", "meetings", "logins")


def _meetings(fields: dict[str, Any]) -> dict[str, int]:
    """Returns the number of meetings by organiser; "" stands for names that found no room in the question."""
    counts = _counts(fields, "meetings")
    for name in counts:
        # Bytes that are no UTF-8 count as such.
        if len(name.encode("utf-8", "surrogatepass")) > _MAX_NAME_BYTES:
            raise MalformedError(f"meetings must have names of at most {_MAX_NAME_BYTES} bytes")
    return {name: count for name, count in counts.items() if count}


def _rules(fields: dict[str, Any]) -> dict[MeetingRule, int]:
    """Returns how often each rule stepped in; rules of newer modules are left out."""
    counts = _counts(fields, "rules")
    return {rule: counts[rule] for rule in MeetingRule if counts.get(rule)}


def _numbered(fields: dict[str, Any], rules: dict[MeetingRule, int]) -> NumberedReport | None:
    """Returns what counts once; None if there is nothing, as from older modules."""
    value = fields.get("opened") or None  # an empty table of Lua's is nothing
    if value is None:
        return None
    if not isinstance(value, dict):
        raise MalformedError("opened must be an object")
    return NumberedReport(
        run=_plain_text(value, "run", _MAX_ID),
        number=_number(value, "number", "opened: number", _MAX_CURSOR),
        meetings=_meetings(value),
        rules=rules,
    )


def _schools(fields: dict[str, Any]) -> str | None:
    value = fields.get("schools")
    return value if value is None or value == "" else _plain_text(fields, "schools", _MAX_ID)


def _counts(fields: dict[str, Any], name: str) -> dict[str, int]:
    value = fields.get(name) or {}
    if not isinstance(value, dict):
        raise MalformedError(f"{name} must be an object of numbers")
    return {each: _number(value, each, name, _MAX_COUNT) for each in value}


def _number(fields: dict[str, Any], name: str, shown: str, most: int) -> int:
    value = fields.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # Lua may write a whole number as 7.0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise MalformedError(f"{shown} must be a whole number from 0 to {most}")
    return value


def _wait(fields: dict[str, Any]) -> float:
    value = fields.get("wait")
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not (math.isfinite(value) and value >= 0)
    ):
        raise MalformedError("wait must be a number of seconds from 0")
    return float(value)
