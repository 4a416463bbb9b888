"""Which login names and school codes exist, and how a typed name becomes one."""

import re
import secrets
from typing import NewType

from authbridge.errors import InputError

Username = NewType("Username", str)
SchoolCode = NewType("SchoolCode", str)

# No vowels (no words), no i l o (look like 1 and 0), no y z (swapped on German keyboards).
ALPHABET = "bcdfghjkmnpqrstvwx"

_SCHOOL_CODE = re.compile(r"[a-z0-9]{2,6}")
_USERNAME = re.compile(r"[a-z0-9._-]{2,64}")
_GENERATED_LETTERS = 4


def canonical(typed: str, host: str) -> str:
    """The login name that was meant: trimmed, lower-cased, our own host's domain part dropped.

    The result is a candidate: whether it is the name of anybody is for the database to say.  What is not
    ASCII becomes "?", which is in no name: folding it by another Unicode version than Prosody's would
    let one account log in under two addresses.
    ``prosody_mod/mod_auth_external/login_name.lib.lua`` does the same; ``tests/contract.json`` holds both
    to it.
    """
    name = _trim(typed)
    if len(name) > len(host) + 1 and name.lower().endswith(f"@{host}"):
        name = _trim(name[: -len(host) - 1])
    return name.encode("ascii", "replace").decode().replace("\0", "?").lower()


def _trim(typed: str) -> str:
    # Zero-width space and byte-order mark come along with copy & paste; strip() spares them.
    return typed.strip(" \t\n\r\v\f\u00a0\u200b\ufeff")


def parse_username(typed: str) -> Username:
    """The login name in its stored form.

    Raises :class:`InputError` unless it is 2 to 64 of ``a-z 0-9 . _ -`` (what survives every XMPP
    client: ``@``, blanks and umlauts do not).  The error does not quote what may be a password.
    """
    name = _trim(typed).lower()
    if not _USERNAME.fullmatch(name):
        raise InputError("A login name has 2 to 64 of the characters a-z 0-9 and . _ - only.")
    return Username(name)


def parse_school_code(typed: str) -> SchoolCode:
    """The school's code in its stored form; raises :class:`InputError` unless it is 2 to 6 of ``a-z 0-9``."""
    code = _trim(typed).lower()
    if not _SCHOOL_CODE.fullmatch(code):
        raise InputError("A school's code has 2 to 6 of the characters a-z 0-9.")
    return SchoolCode(code)


def draw_username(code: SchoolCode) -> Username:
    """A random name such as ``ohg-kwtx``: of that school, but neither personal nor countable."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(_GENERATED_LETTERS))
    return Username(f"{code}-{letters}")
