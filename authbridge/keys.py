"""Derives every key of this project from the one secret (HKDF, RFC 5869), and hashes with such keys.

The database never holds a key: a stolen copy of it opens nothing.
"""

import hashlib
import hmac
from enum import StrEnum

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32  # as long as the digest, and as Fernet wants it


class KeyPurpose(StrEnum):
    """The purposes of keys; a key for one is worth nothing for another."""

    LOGIN_NAME = "login: name"
    KNOWN_PAIR = "login: known pair"
    FINGERPRINT = "login: fingerprint"
    QUICK_CHECK = "login: quick check"
    REPORT_CODES = "schools: report codes"
    STAFF_SECRETS = "staff: encryption"
    STAFF_CODES = "staff: one-time codes"
    PAGE_TOKENS = "login page: tokens"
    PAGE_ACCOUNTS = "login page: accounts"


def derive_key(secret: bytes, purpose: KeyPurpose) -> bytes:
    """Returns the key (32 bytes) for one purpose."""
    info = f"authbridge {purpose}".encode()
    return HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=info).derive(secret)


def keyed_digest(key: bytes, *parts: str) -> bytes:
    """Returns HMAC-SHA-256 (32 bytes) of the parts, as one message that no other list of parts gives."""
    return hmac.digest(key, join(*parts), hashlib.sha256)


def join(*parts: str) -> bytes:
    """Returns one message of several parts; no two lists of parts give the same."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
