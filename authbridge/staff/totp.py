"""Checks the second factor of staff: one-time codes by the clock (RFC 6238); never reads a clock itself.

A code is six digits, holds 30 s and counts once (RFC 6238, section 5.2).  One step before and after is taken
too: for a phone whose clock is a little off, and for people who type slowly.  A clock that is further off is
recognised, so that its owner can be told, but no code is accepted for it (section 6 would shift the window).
"""

import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

import pyotp

_ISSUER = "AuthBridge"
_STEP = 30  # seconds
_DRIFT = 1  # steps
_RECOGNISED_DRIFT = 20  # steps, ten minutes: a clock that was set by hand
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


def matching_step(
    secret: str, typed: str, at: datetime, last_step: int | None, *, void_step: int | None = None
) -> int | None:
    """Returns the time step of the typed code; None if it is wrong, too old, or not later than ``last_step``.

    The caller stores the step, so that no code counts twice.  ``void_step`` is one whose code has been named
    before its time, and counts no more.
    """
    now = _step_of(at)
    steps = (step for step in range(now - _DRIFT, now + _DRIFT + 1) if step != void_step)
    return _find_step(secret, typed, steps, last_step)


def wrong_clock_step(secret: str, typed: str, at: datetime, last_step: int | None) -> int | None:
    """Returns the time step of a code that is right by a clock up to ten minutes off; None for all others.

    The caller voids a step that is still to come: who guesses must not be told a code that will be right.
    """
    now = _step_of(at)
    steps = range(now - _RECOGNISED_DRIFT, now + _RECOGNISED_DRIFT + 1)
    return _find_step(secret, typed, (step for step in steps if abs(step - now) > _DRIFT), last_step)


def is_over(step: int, at: datetime) -> bool:
    """Tells whether no code of that step counts any more."""
    return step < _step_of(at) - _DRIFT


def drift_of(step: int, at: datetime) -> timedelta:
    """Returns by how much the clock that shows the code of that step is ahead; negative if it is behind."""
    return timedelta(seconds=_STEP * (step - _step_of(at)))


def _step_of(at: datetime) -> int:
    return int(at.timestamp()) // _STEP


def _find_step(secret: str, typed: str, steps: Iterable[int], last_step: int | None) -> int | None:
    """Finds the latest of these steps whose code was typed; compares with all: the time must tell nothing."""
    code = "".join(typed.split()).encode("utf-8", "replace")
    totp = pyotp.TOTP(secret, interval=_STEP)
    found = None
    for step in steps:
        is_right = hmac.compare_digest(totp.generate_otp(step).encode(), code)
        if is_right and (last_step is None or step > last_step):
            found = step
    return found
