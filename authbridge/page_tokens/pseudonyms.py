"""Makes the pseudonym of an organiser: the address under which pupils see who logged in by a token."""

import hashlib
import hmac

_DIGITS = 24  # 96 bits


def pseudonym(api_token: str, host: str, username: str) -> str:
    """Returns ``t-`` and 24 hexadecimal digits, always the same for one organiser of one host.

    ``pseudonyms.lib.lua`` of the Prosody module does the same; ``tests/contract.json`` holds both to it.
    """
    message = f"{host}\0{username}".encode()
    return "t-" + hmac.digest(api_token.encode(), message, hashlib.sha256).hex()[:_DIGITS]
