"""Makes login names and school codes: normalises typed ones, draws new ones."""

import re
import secrets
from typing import NewType

from authbridge.errors import InputError
from authbridge.typed_text import drop_invisible

Username = NewType("Username", str)
SchoolCode = NewType("SchoolCode", str)

# No vowels (no words), no i l o (look like 1 and 0), no y z (swapped on German keyboards), no q (read as g).
ALPHABET = "bcdfghjkmnprstvwx"

# On paper "rn" is an m and "vv" a w, and of three alike one is soon lost.
_MISREAD = ("rn", "vv", *(letter * 3 for letter in ALPHABET))

_SCHOOL_CODE = re.compile(r"[a-z0-9]{2,6}")
_USERNAME = re.compile(r"[a-z0-9._-]{2,64}")
_PSEUDONYM = re.compile(r"t-[0-9a-f]{24}")  # see authbridge.page_tokens.pseudonyms
_GENERATED_LETTERS = 4
# Names were once issued with a q too: an unknown name with one must be answered like theirs.
_ISSUED_FORM = re.compile(rf"{_SCHOOL_CODE.pattern}-[{ALPHABET}q]{{{_GENERATED_LETTERS}}}")


def normalise_username(typed: str, host: str = "") -> Username:
    """Returns the typed login name trimmed, lower-cased, and without the domain part of our own ``host``.

    Only the database knows whether an organiser has that name.  A character that is not ASCII becomes
    "?", which is in no name: folding it by another Unicode version than Prosody's would let one account
    log in under two addresses.
    ``login_name.lib.lua`` of the Prosody module does the same; ``tests/contract.json`` holds both to it.
    """
    name = _trim(typed)
    if host and len(name) > len(host) + 1 and name.lower().endswith(f"@{host}"):
        name = _trim(name[: -len(host) - 1])
    return Username(name.encode("ascii", "replace").decode().replace("\0", "?").lower())


def is_issued_form(username: str) -> bool:
    """Tells whether the name has the form of those that are issued: school code, hyphen, four letters."""
    return _ISSUED_FORM.fullmatch(username) is not None


def _trim(typed: str) -> str:
    # Zero-width space and byte-order mark come along with copy & paste; strip() spares them.
    return typed.strip(" \t\n\r\v\f\u00a0\u200b\ufeff")


def parse_username(typed: str) -> Username:
    """Returns the login name of a new organiser: 2 to 64 of ``a-z 0-9 . _ -``.

    These survive every XMPP client; ``@``, blanks and umlauts do not.  A name that looks like a pseudonym
    would be taken for the organiser behind that one.

    Raises:
        InputError: another character or length; the text does not quote what may be a password.
    """
    name = normalise_username(drop_invisible(typed))
    if _PSEUDONYM.fullmatch(name):
        raise InputError("A login name may not be t- and 24 digits.")
    if not _USERNAME.fullmatch(name):
        raise InputError("A login name has 2 to 64 of the characters a-z 0-9 and . _ - only.")
    return name


def parse_school_code(typed: str) -> SchoolCode:
    """Returns the code of a school in its stored form.

    Raises:
        InputError: it is not 2 to 6 of ``a-z 0-9``.
    """
    code = _trim(drop_invisible(typed)).lower()
    if not _SCHOOL_CODE.fullmatch(code):
        raise InputError("A school's code has 2 to 6 of the characters a-z 0-9.")
    return SchoolCode(code)


def is_school_code(text: str) -> bool:
    """Tells whether the text has the form of a school's code."""
    return _SCHOOL_CODE.fullmatch(text) is not None


def draw_username(code: SchoolCode) -> Username:
    """Draws a random name such as ``ohg-kwtx``: of that school, but neither personal nor countable."""
    return Username(f"{code}-{draw_letters(_GENERATED_LETTERS)}")


def draw_letters(count: int) -> str:
    """Draws random letters that are read rightly from paper."""
    while True:
        letters = "".join(secrets.choice(ALPHABET) for _ in range(count))
        if not any(misread in letters for misread in _MISREAD):
            return letters
