"""What is kept of names and passwords for the login policy: keyed hashes, and too few bits to guess by.

The keys derive from the secret key file, so they are the same on all services and never in the database.
"""

import hashlib
import hmac
from datetime import date, datetime, timedelta

_FINGERPRINT_BITS = 12  # enough to tell some hundred passwords apart, too few to confirm a guess


class KeyedHashes:
    """The keyed hashes under one secret key."""

    def __init__(self, secret_key: bytes) -> None:
        self._keys = {
            purpose: hmac.digest(secret_key, purpose, hashlib.sha256)
            for purpose in (b"name", b"pair", b"fingerprint")
        }

    def name(self, username: str) -> str:
        """128 bits for a login name, be it anybody's or nobody's."""
        return self._digest(b"name", username).hex()[:32]

    def pair(self, username: str, network: str) -> str:
        """128 bits for a name and a network from which it once succeeded."""
        return self._digest(b"pair", username, network).hex()[:32]

    def fingerprints(self, username: str, password: str, at: datetime) -> dict[date, int]:
        """12 bits for the name with the password as typed, under the keys of that day and the day before.

        As typed, for every account alike: who compared forms could tell generated passwords from imported.
        """
        today = at.date()
        return {day: self._fingerprint(username, password, day) for day in (today, today - timedelta(days=1))}

    def _fingerprint(self, username: str, password: str, day: date) -> int:
        digest = self._digest(b"fingerprint", day.isoformat(), username, password)
        return int.from_bytes(digest[:2], "big") >> (16 - _FINGERPRINT_BITS)

    def _digest(self, purpose: bytes, *parts: str) -> bytes:
        return hmac.digest(self._keys[purpose], join(*parts), hashlib.sha256)


def join(*parts: str) -> bytes:
    """One message of several parts, so that no two lists of parts give the same."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
