"""Encrypts the secrets of staff for the database, or makes keyed hashes of them.

The keys derive from the secret key file (RFC 5869), so that a stolen copy of the database opens nothing.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken

from authbridge.errors import ConfigError
from authbridge.keys import KeyPurpose, derive_key, keyed_digest


class StaffEncryption:
    """Encryption and keyed hashes under one secret key."""

    def __init__(self, secret_key: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(derive_key(secret_key, KeyPurpose.STAFF_SECRETS)))
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
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ConfigError(
                "Second factors cannot be read: the secret key file is not the one under which they were"
                " stored. Bring the old file back, or invite staff anew: authbridge staff reset NAME"
            ) from None

    def digest(self, purpose: str, text: str) -> str:
        """Returns the HMAC-SHA-256 for that purpose, as 64 hexadecimal digits."""
        return keyed_digest(self._digest_key, purpose, text).hex()
