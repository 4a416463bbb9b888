"""Device cookies (OWASP): whoever has come in with a browser does not wait there for what strangers do.

They open nothing, and are kept in the browser alone: a keyed hash ties each to a name and its enrolment.
"""

import hmac
import re
import secrets
from datetime import date, timedelta

from authbridge.staff.encryption import StaffEncryption
from authbridge.storage.models import Staff

LIFETIME = timedelta(days=90)

_TOKEN = re.compile(r"([0-9a-f]{32})\.(\d{4}-\d\d-\d\d)\.[0-9a-f]{64}", re.ASCII)
_BYTES = 16


def new_token(staff: Staff, encryption: StaffEncryption, today: date) -> str:
    """What the browser of somebody shows from now on, who has just shown both factors with it."""
    return _token(staff, secrets.token_hex(_BYTES), today.isoformat(), encryption)


def known(staff: Staff | None, shown: str, encryption: StaffEncryption, today: date) -> str | None:
    """The device, if that is a token of this person's that is not over."""
    parts = _TOKEN.fullmatch(shown)
    if parts is None or staff is None:
        return None
    device, since = parts.groups()
    if not hmac.compare_digest(shown, _token(staff, device, since, encryption)):
        return None
    return device if today < date.fromisoformat(since) + LIFETIME else None


def _token(staff: Staff, device: str, since: str, encryption: StaffEncryption) -> str:
    # enrolled_at: after a reset no device is known any more.
    signature = encryption.digest("device", f"{staff.name} {staff.enrolled_at} {device} {since}")
    return f"{device}.{since}.{signature}"
