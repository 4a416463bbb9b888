"""Encrypts the secrets of staff for the database, or makes keyed hashes of them.

The keys derive from the secret key file (RFC 5869), so that a stolen copy of the database opens nothing.  As
long as the file has the former secret too, what was encrypted under that can be read.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from authbridge.errors import ConfigError
from authbridge.keys import KeyPurpose, derive_key, keyed_digest


class StaffEncryption:
    """Encryption and keyed hashes under one secret key; ``former`` is only read under."""

    def __init__(self, secret_key: bytes, former: bytes | None = None) -> None:
        self.has_former = former is not None
        self._fernet = _fernet(secret_key)
        self._readers = MultiFernet([self._fernet, *([] if former is None else [_fernet(former)])])
        self._digest_key = derive_key(secret_key, KeyPurpose.STAFF_CODES)

    def seal(self, text: str) -> str:
        """Encrypts and authenticates a text; the same text gives a different result each time."""
        return self._fernet.encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Returns the text that was sealed.

        Raises:
            ConfigError: It was sealed under another key.
        """
        try:
            return self._readers.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ConfigError(
                "Second factors cannot be read: the secret key file is not the one under which they were"
                " stored. Bring the old file back, or invite staff anew: authbridge staff reset NAME"
            ) from None

    def is_current(self, sealed: str) -> bool:
        """Tells whether a text was sealed under the present key."""
        try:
            self._fernet.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def digest(self, purpose: str, text: str) -> str:
        """Returns the HMAC-SHA-256 for that purpose, as 64 hexadecimal digits."""
        return keyed_digest(self._digest_key, purpose, text).hex()


def _fernet(secret_key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derive_key(secret_key, KeyPurpose.STAFF_SECRETS)))
