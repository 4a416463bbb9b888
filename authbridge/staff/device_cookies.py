"""Makes device cookies (OWASP): a browser that has signed in does not wait for failures of strangers.

A cookie opens nothing, and only the browser keeps it.  It is signed for one person and one enrolment.
"""

import hashlib
import secrets
from datetime import date, timedelta
from typing import Any

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from authbridge.staff.encryption import StaffEncryption
from authbridge.storage.models import Staff

LIFETIME = timedelta(days=90)

_BYTES = 16


class _DaySigner(TimestampSigner):
    """Signs with a day instead of a second: the time comes from the caller, and is no finer than needed."""

    def __init__(self, secret_key: str, *, today: date, **options: Any) -> None:  # noqa: ANN401 - of the base class
        super().__init__(secret_key, **options)
        self._today = today

    def get_timestamp(self) -> int:
        """Returns the number of the day."""
        return self._today.toordinal()


def new_token(staff: Staff, encryption: StaffEncryption, today: date) -> str:
    """Returns the cookie for a browser in which this person has just shown both factors."""
    token: str = _serializer(staff, encryption, today).dumps(secrets.token_hex(_BYTES))
    return token


def known(staff: Staff | None, shown: str, encryption: StaffEncryption, today: date) -> str | None:
    """Returns the device of the cookie; None unless it is this person's and not over."""
    if staff is None:
        return None
    token = shown.encode("utf-8", "replace")  # a header may hold bytes that are no UTF-8
    try:
        device: str = _serializer(staff, encryption, today).loads(token, max_age=LIFETIME.days - 1)
    except BadData:
        return None
    return device


def _serializer(staff: Staff, encryption: StaffEncryption, today: date) -> URLSafeTimedSerializer:
    # The key depends on enrolled_at: a reset of this person ends all their cookies.
    return URLSafeTimedSerializer(
        encryption.digest("device", f"{staff.name} {staff.enrolled_at}"),
        salt="device",
        signer=_DaySigner,
        signer_kwargs={"today": today, "key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
