"""Parses the ``state`` that Jitsi's page puts into the login page's address, and leads back from it; pure.

The state is whatever somebody put into a link.  What is not exactly as Jitsi writes it is left out or
refused, and an address is made of the operator's own, never of one that the state names.

Sources: jitsi-meet, react/features: authentication/functions.any.ts, functions.web.ts and functions.native.ts
(commit 0b6b35ce) for what the state holds; base/util/parseURLParams.ts (1c8216eb) for how the page reads what
comes back; deep-linking/functions.web.ts (1c8216eb) for links into the apps.
"""

import json
import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import quote, unquote, urlsplit

Scalar: TypeAlias = str | int | float | bool

_MAX_STATE = 4 * 1024  # bytes; Jitsi's own have some hundred
_MAX_NAME = 256  # characters of a room or a tenant
_OWN_FOLDER = "_authbridge"  # as a tenant it would lead to this page again, token and all
_KEY = re.compile(r"(?:config|interfaceConfig|iceServers)(?:\.[A-Za-z0-9_-]{1,64}){1,8}")
_OF_EVERY_OBJECT = frozenset({"__proto__", "constructor", "prototype"})  # the page drops them as well
_WORDS = frozenset({"config.subject", "config.localSubject"})  # texts, even one such as 2026


class UnusableStateError(ValueError):
    """Raised for a state that names no meeting, or is not as Jitsi's page writes it; it quotes nothing."""


class Client(StrEnum):
    """The program from which the organiser comes; Jitsi's own name for it in the state."""

    BROWSER = "browser"
    IOS = "ios"
    ANDROID = "android"
    DESKTOP = "electron"


@dataclass(frozen=True, slots=True)
class MeetingState:
    """The meeting to which an organiser goes back; names are as people read them.

    ``overrides`` are settings of the page for this meeting, such as ``("config.startAudioOnly", True)``.
    """

    room: str
    tenant: str | None
    overrides: tuple[tuple[str, Scalar], ...]
    client: Client


@dataclass(frozen=True, slots=True)
class AppSchemes:
    """The schemes by which links open the apps."""

    mobile: str
    desktop: str


def parse_state(text: str) -> MeetingState:
    """Parses the state.

    Raises:
        UnusableStateError: It is too long, no JSON object, or names no room that an address can name.
    """
    if len(text.encode("utf-8", "surrogatepass")) > _MAX_STATE:
        raise UnusableStateError
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise UnusableStateError from None  # the cause quotes the text
    if not isinstance(fields, dict):
        raise UnusableStateError
    tenant = fields.get("tenant")
    return MeetingState(
        room=_name(fields.get("room")),
        tenant=_tenant(tenant) if tenant else None,
        overrides=tuple(_overrides(fields)),
        client=next((each for each in Client if fields.get(each) is True), Client.BROWSER),
    )


def meeting_address(meet_url: str, state: MeetingState, token: str | None = None) -> str:
    """Returns the address of the meeting below ``meet_url`` (an origin); the token goes into the fragment.

    No server is ever sent the fragment, and no log and no Referer has it.
    """
    fragment = _fragment(state, token)
    return f"{meet_url}{_path(state)}{'#' if fragment else ''}{fragment}"


def app_link(meet_url: str, state: MeetingState, token: str, schemes: AppSchemes) -> str:
    """Returns the link that opens the meeting in the app from which the organiser came."""
    rest = f"{urlsplit(meet_url).netloc}{_path(state)}#{_fragment(state, token)}"
    match state.client:
        case Client.ANDROID:
            # Not every browser of Android follows a scheme of its own.
            return f"intent://{rest}#Intent;scheme={schemes.mobile};end"
        case Client.DESKTOP:
            return f"{schemes.desktop}://{rest}"
        case Client.IOS | Client.BROWSER:
            return f"{schemes.mobile}://{rest}"


def _name(value: object) -> str:
    """Returns a room or tenant; Jitsi writes it as it stands in the address, percent-encoded or not."""
    if not isinstance(value, str):
        raise UnusableStateError
    try:
        name = unquote(value, errors="strict")
    except UnicodeDecodeError:
        name = value
    # "." and ".." are no names but steps, also when they are percent-encoded.
    is_name = name.strip() and len(name) <= _MAX_NAME and name.isprintable() and name not in {".", ".."}
    if not is_name or "/" in name or "\\" in name:
        raise UnusableStateError
    return name


def _tenant(value: object) -> str:
    name = _name(value)
    if name.lower() == _OWN_FOLDER:
        raise UnusableStateError
    return name


def _overrides(fields: dict[str, object]) -> list[tuple[str, Scalar]]:
    return [
        (key, scalar)
        for key, value in fields.items()
        if _KEY.fullmatch(key) and not _OF_EVERY_OBJECT & set(key.split("."))
        if (scalar := _scalar(key, value)) not in {None, ""}
    ]


def _scalar(key: str, value: object) -> Scalar | None:
    """Returns the value; None for what is no scalar."""
    meant = _read_twice(value) if isinstance(value, str) else value
    if key in _WORDS and not isinstance(meant, str):
        meant = value
    match meant:
        case bool() | int() | str():
            return meant
        case float() if math.isfinite(meant):
            return meant
        case _:
            return None


def _read_twice(text: str) -> object:
    """Reads what Jitsi's page found in its own fragment: it puts that into the state as it is, as JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _path(state: MeetingState) -> str:
    names = [state.room] if state.tenant is None else [state.tenant, state.room]
    return "".join(f"/{quote(name, safe='')}" for name in names)


def _fragment(state: MeetingState, token: str | None) -> str:
    pairs: list[tuple[str, Scalar]] = [*state.overrides]
    if token is not None:
        pairs.insert(0, ("jwt", token))
    # ASCII alone: of printed quotation marks the page makes the plain ones, which would end a text.
    return "&".join(f"{key}={quote(json.dumps(value), safe='')}" for key, value in pairs)
