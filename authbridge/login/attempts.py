"""One login as it reached the service, parsed: the name, the password, the address and the way it took."""

from dataclasses import dataclass, field
from datetime import datetime

from authbridge.login.networks import IPAddress
from authbridge.login.typed_passwords import TypedPassword
from authbridge.login.usernames import Username

PAGE = "page"
"""The transport of a login at the login page."""

TOKEN = "token"  # noqa: S105 - a word of the journal
"""The transport of a token's use: it repeats a login at the page, and is counted as none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The moment of a question about a client, and what is known of that one.

    ``at`` is aware UTC, ``ip`` is None where unknown.
    """

    ip: IPAddress | None
    user_agent: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Arrival):
    """One login with a name and a password."""

    username: Username
    password: TypedPassword = field(repr=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """The way a login took: the id that the module gave it, the kind of connection, and the Prosody."""

    request_id: str
    transport: str
    node: str
