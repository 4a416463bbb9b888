"""Keys of SCRAM (RFC 5802) by which a Prosody knew the passwords of accounts that were taken over from it.

Such a key stands in the place of the bcrypt hash until the first right login replaces it.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Final, Self

from authbridge.errors import InputError

MOST_ITERATIONS: Final = 200_000  # Prosody's default is 10,000; more would take longer than bcrypt
MOST_SALT: Final = 64  # bytes; Prosody's has 36
MARK: Final = "$scram-"  # with which a key begins where a hash would stand

_HASHES = {20: "sha1", 32: "sha256"}  # by the length of the key: Prosody's files do not name the hash


@dataclass(frozen=True, slots=True)
class ScramKey:
    """The stored key of a password, with all that is needed to compare another one with it."""

    hash_name: str
    iterations: int
    salt: bytes = field(repr=False)
    stored_key: bytes = field(repr=False)

    @classmethod
    def of_account(cls, stored_key: bytes, salt: bytes, iterations: int) -> Self:
        """Returns the key of a Prosody's account.

        Raises:
            InputError: It is none that Prosody makes, or would keep a login waiting; the text quotes nothing.
        """
        if len(stored_key) not in _HASHES:
            raise InputError("The stored key is neither of SHA-1 nor of SHA-256.")
        if not 1 <= len(salt) <= MOST_SALT:
            raise InputError("The salt does not have 1 to %(most)s bytes.", most=MOST_SALT)
        if not 1 <= iterations <= MOST_ITERATIONS:
            raise InputError("The iteration count is not between 1 and %(most)s.", most=MOST_ITERATIONS)
        return cls(_HASHES[len(stored_key)], iterations, salt, stored_key)

    @classmethod
    def parse(cls, stored: str) -> Self | None:
        """Returns the key that the database holds in the place of a hash; None where it holds a hash."""
        if not stored.startswith(MARK):
            return None
        hash_name, iterations, salt, key = stored.removeprefix(MARK).split("$")
        return cls(hash_name, int(iterations), b64decode(salt), b64decode(key))

    def as_text(self) -> str:
        """Returns the form in which the database holds it."""
        salt, key = b64encode(self.salt).decode(), b64encode(self.stored_key).decode()
        return f"{MARK}{self.hash_name}${self.iterations}${salt}${key}"

    def is_of(self, form: bytes) -> bool:
        """Tells whether it is the key of that password, which SASLprep has prepared."""
        salted = hashlib.pbkdf2_hmac(self.hash_name, form, self.salt, self.iterations)
        client_key = hmac.digest(salted, b"Client Key", self.hash_name)
        return hmac.compare_digest(hashlib.new(self.hash_name, client_key).digest(), self.stored_key)
