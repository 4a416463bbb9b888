"""Issues and reads the tokens of the login page: JSON Web Tokens (RFC 7519), signed by a key of ours.

A page shows its token to Prosody, and anybody at that device can read it there.  So the login name and the
position in the feed of revocations are sealed, and the organiser is known by a pseudonym.
"""

import base64
import json
import math
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.fernet import Fernet, InvalidToken

from authbridge.keys import KeyPurpose, derive_key
from authbridge.login.usernames import Username
from authbridge.page_tokens.pseudonyms import pseudonym

LIFETIME = timedelta(hours=12)
"""A school day: an older one could only be refused in a lesson, and each use is asked about anyway."""

_SLOW_CLOCKS = timedelta(minutes=10)  # the page judges by the clock of the device whether the token has begun
_ALGORITHM = "HS256"
_ISSUER, _AUDIENCE = "authbridge", "jitsi"
_ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class FeedPosition:
    """The feed of revocations at one moment: what it publishes later has a greater id, or another epoch."""

    epoch: str
    last_id: int


@dataclass(frozen=True, slots=True)
class Grant:
    """The content of a token: who logged in, when (in whole seconds), and whether others use the device too.

    ``position`` is that of the feed before the password was checked.
    """

    username: Username
    issued_at: datetime
    position: FeedPosition
    shared: bool


class Tokens:
    """The tokens for one host, under one secret.

    Services that share the secret and the API's token read each other's.
    """

    def __init__(self, secret: bytes, *, api_token: str, host: str) -> None:
        self._key = derive_key(secret, KeyPurpose.PAGE_TOKENS)
        self._seal = Fernet(base64.urlsafe_b64encode(derive_key(secret, KeyPurpose.PAGE_ACCOUNTS)))
        self._api_token = api_token
        self._host = host

    def issue(self, grant: Grant) -> str:
        """Returns a token of some 600 bytes for a login that was granted."""
        account = [grant.username, grant.position.epoch, grant.position.last_id]
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": self._host,
            "iat": int(grant.issued_at.timestamp()),
            "nbf": int((grant.issued_at - _SLOW_CLOCKS).timestamp()),
            "exp": int((grant.issued_at + LIFETIME).timestamp()),
            "jti": secrets.token_urlsafe(_ID_BYTES),
            "context": {"user": {"id": pseudonym(self._api_token, self._host, grant.username)}},
            "act": self._seal.encrypt(json.dumps(account).encode()).decode(),
            "shared": grant.shared,
        }
        return jwt.encode(claims, self._key, _ALGORITHM)

    def read(self, token: str, *, now: datetime) -> Grant | None:
        """Returns what the token holds; None if it is not ours, for another host, or over."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                [_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                # The times are judged below, by the clock that everything else goes by.
                options={
                    "require": ["iat", "exp", "sub"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            username, epoch, last_id = json.loads(self._seal.decrypt(claims["act"]))
        except (jwt.PyJWTError, InvalidToken):
            return None
        if claims["sub"] != self._host or not now.timestamp() < _seconds(claims["exp"]):
            return None
        return Grant(
            Username(username),
            datetime.fromtimestamp(claims["iat"], UTC),
            FeedPosition(epoch, last_id),
            shared=claims["shared"] is True,
        )


def _seconds(claim: Any) -> float:  # noqa: ANN401 - whatever JSON holds
    return float(claim) if isinstance(claim, int | float) else -math.inf
