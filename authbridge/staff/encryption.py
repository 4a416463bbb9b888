"""Encrypts staff's secrets for the database, or replaces them by keyed hashes.

The keys derive from the secret key file (RFC 5869), so that a stolen copy of the database opens nothing.
"""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from authbridge.errors import ConfigError
from authbridge.login.keyed_hashes import join

_KEY_BYTES = 32  # as Fernet wants, and as long as the digest


class StaffEncryption:
    """Encryption and keyed hashes under one secret key."""

    def __init__(self, secret_key: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(_derive(secret_key, b"staff: encryption")))
        self._digest_key = _derive(secret_key, b"staff: one-time codes")

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
        return hmac.digest(self._digest_key, join(purpose, text), hashlib.sha256).hex()


def _derive(secret_key: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=b"authbridge " + purpose).derive(secret_key)
