"""One login as it reached the service, parsed: the name, the password, the address and the way it took."""

from dataclasses import dataclass, field
from datetime import datetime

from authbridge.login.networks import IPAddress
from authbridge.login.typed_passwords import TypedPassword
from authbridge.login.usernames import Username


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login; ``at`` is aware UTC, ``ip`` is None where unknown."""

    username: Username
    password: TypedPassword = field(repr=False)
    ip: IPAddress | None
    user_agent: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Origin:
    """The way a login took: the id that the module gave it, the kind of connection, and the Prosody."""

    request_id: str
    transport: str
    node: str
