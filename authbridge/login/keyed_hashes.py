"""Makes what the login policy keeps of names and passwords: keyed hashes, and too few bits to guess by.

The keys are the same on all services and never in the database.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache

from authbridge.keys import KeyPurpose, derive_key, keyed_digest
from authbridge.login.typed_passwords import TypedPassword, parse_password

_MOST_EXISTING = 50_000  # names, of some 150 bytes each with their hash
_FINGERPRINT_BITS = 12  # enough to tell some hundred passwords apart, too few to confirm a guess


class KeyedHashes:
    """The keyed hashes under one secret."""

    def __init__(self, secret: bytes) -> None:
        self._name_key = derive_key(secret, KeyPurpose.LOGIN_NAME)
        self._pair_key = derive_key(secret, KeyPurpose.KNOWN_PAIR)
        self._fingerprint_key = derive_key(secret, KeyPurpose.FINGERPRINT)
        self._report_code_key = derive_key(secret, KeyPurpose.REPORT_CODES)
        self._existing = lru_cache(_MOST_EXISTING)(self.name)

    def name(self, username: str) -> str:
        """Returns 128 bits (32 hexadecimal digits) for a login name, whether or not it exists."""
        return keyed_digest(self._name_key, username).hex()[:32]

    def existing_name(self, username: str) -> str:
        """Returns the same for a name that exists, and remembers it: a page asks for those of all owners."""
        return self._existing(username)

    def pair(self, username: str, network: str) -> str:
        """Returns 128 bits (32 hexadecimal digits) for a name and a network from which it once succeeded."""
        return keyed_digest(self._pair_key, username, network).hex()[:32]

    def report_code(self, typed: str) -> str:
        """Returns 128 bits (32 hexadecimal digits) for a report code as typed.

        Hyphens, blanks and capitals do not matter; what cannot be a code gives a hash that no code has.
        """
        form = parse_password(typed).as_generated
        return keyed_digest(self._report_code_key, "" if form is None else form.decode()).hex()[:32]

    def fingerprints(self, username: str, password: TypedPassword, at: datetime) -> dict[date, int]:
        """Returns 12 bits for name and typed password, by day of the key: that day and the one before.

        As typed, for every account alike: comparing forms would tell generated passwords from imported ones.
        """
        today = at.date()
        return {day: self._fingerprint(username, password, day) for day in (today, today - timedelta(days=1))}

    def _fingerprint(self, username: str, password: TypedPassword, day: date) -> int:
        digest = keyed_digest(self._fingerprint_key, day.isoformat(), username, password.text)
        return int.from_bytes(digest[:2], "big") >> (16 - _FINGERPRINT_BITS)
