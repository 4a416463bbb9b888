"""Checks the second factor of staff: one-time codes by the clock (RFC 6238); never reads a clock itself.

A code is six digits, holds 30 s and counts once (RFC 6238, section 5.2).  One step before and after is taken
too: for a phone whose clock is a little off, and for people who type slowly.
"""

import hmac
from datetime import datetime

import pyotp

_ISSUER = "AuthBridge"
_STEP = 30  # seconds
_DRIFT = 1  # steps
_GROUP = 4  # characters of a secret that has to be typed


def new_secret() -> str:
    """Returns 160 random bits in base 32."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, name: str) -> str:
    """Returns the text of the QR code for the app."""
    return pyotp.TOTP(secret, name=name, issuer=_ISSUER, interval=_STEP).provisioning_uri()


def in_groups(secret: str) -> str:
    """Returns the secret in groups, as people type it where no QR code can be read."""
    return " ".join(secret[start : start + _GROUP] for start in range(0, len(secret), _GROUP))


def matching_step(secret: str, typed: str, at: datetime, last_step: int | None) -> int | None:
    """Returns the time step of the typed code; None if it is wrong, too old, or not later than ``last_step``.

    The caller stores the step, so that no code counts twice.
    """
    code = "".join(typed.split()).encode("utf-8", "replace")
    totp = pyotp.TOTP(secret, interval=_STEP)
    now = int(at.timestamp()) // _STEP
    found = None
    for step in range(now - _DRIFT, now + _DRIFT + 1):
        is_right = hmac.compare_digest(totp.generate_otp(step).encode(), code)
        if is_right and (last_step is None or step > last_step):
            found = step
    return found
