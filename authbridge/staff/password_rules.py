"""Decides which passwords staff may choose: long enough, and not easy to guess.

Source: NIST SP 800-63B section 5.1.1.2 (a length, a list of common ones, no rules of composition) and OWASP
ASVS 5.0 6.2.  Nothing here keeps, logs or raises a password.
"""

import threading

from authbridge.errors import InputError
from authbridge.login.saslprep import saslprep
from authbridge.login.subjects import PasswordHasher
from authbridge.login.typed_passwords import MAX_BYTES, StoredPassword, holds_right_to_left

STAFF_COST = 12  # of bcrypt, 0.2 s: people choose these passwords, and few sign in at once

_LEAST = 12  # characters
_LONGEST_TYPED = 4 * MAX_BYTES  # characters; more cannot shrink to 64 bytes, and preparing it would take time
# At a hundred guesses a day much less would do; this is for the day on which somebody copies the hashes.
_LEAST_GUESSES = 10**10
# Estimating takes seconds for 64 characters full of substitutions.  Of a password whose beginning is hard to
# guess the rest can only be harder.
_ESTIMATED = 32  # characters
_LOCAL_WORDS = (
    "authbridge",
    "jitsi",
    "prosody",
    "konferenz",
    "videokonferenz",
    "passwort",
    "kennwort",
    "medienzentrum",
    "kreismedienzentrum",
    "landkreis",
    "landratsamt",
    "schule",
    "grundschule",
    "realschule",
    "hauptschule",
    "gemeinschaftsschule",
    "gymnasium",
    "lehrer",
    "lehrerin",
    "frühling",
    "sommer",
    "herbst",
    "winter",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
)

_turn = threading.Lock()  # the estimator keeps the words of one question where all threads see them


def parse_staff_password(typed: str, name: str) -> str:
    """Returns the password in its stored form.

    Raises:
        InputError: It is too short, too long, too easy to guess (also from ``name``), or cannot be typed.
    """
    password = _prepared(typed[:_LONGEST_TYPED])
    if password is None:
        raise InputError("There is a character in this password that cannot be used in passwords.")
    if len(typed) > _LONGEST_TYPED or len(password.encode()) > MAX_BYTES:
        raise InputError("A password has at most %(most)s characters; umlauts count as two.", most=MAX_BYTES)
    if len(password) < _LEAST:
        raise InputError("A password has at least %(least)s characters.", least=_LEAST)
    if _guesses(password, name) < _LEAST_GUESSES:
        raise InputError(
            "This password is too easy to guess."
            " Four words that have nothing to do with each other make a good one."
        )
    return password


def hash_staff_password(typed: str, name: str, hasher: PasswordHasher) -> StoredPassword:
    """Returns the stored form of a new password; takes one hash.

    Raises:
        InputError: Like :func:`parse_staff_password`.
    """
    return hasher.hash(parse_staff_password(typed, name), generated=False)


def _prepared(typed: str) -> str | None:
    try:
        prepared = saslprep(typed)
        prepared.encode()
    except (InputError, UnicodeEncodeError):
        return None
    return None if holds_right_to_left(prepared) else prepared


def _guesses(password: str, name: str) -> int:
    # Imported when first needed: its lists take 14 MB, which the service that answers Prosody can do without.
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # noqa: PLC0415 - it has no stubs

    with _turn:
        estimate = zxcvbn(password[:_ESTIMATED], user_inputs=[name, *_LOCAL_WORDS])
    return int(estimate["guesses"])
