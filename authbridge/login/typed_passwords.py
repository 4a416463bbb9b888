"""A password from the moment it was typed, and the forms in which one is stored and compared; pure.

Nothing here logs or raises a password, and no ``repr`` shows one.
"""

import unicodedata
from dataclasses import dataclass, field

from authbridge.errors import InputError
from authbridge.login.saslprep import saslprep

MAX_BYTES = 64  # bcrypt uses 72 bytes, and version 5 of the library raises above that

_LONGEST_TYPED = 256  # characters; more cannot shrink to 64 bytes, and preparing it would take time
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"})


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """A password as the database holds it: ``generated`` tells which form the hash is of.

    ``quick_check`` is for :class:`authbridge.login.quick_checks.QuickChecks`; None where there is none.
    """

    hash: str = field(repr=False)
    generated: bool
    quick_check: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TypedPassword:
    """A typed password: ``text`` as typed, and both forms in which it could be stored.

    A form (at most 64 bytes) is None where no such password can exist.
    """

    text: str = field(repr=False)
    as_generated: bytes | None = field(repr=False)
    as_chosen: bytes | None = field(repr=False)

    def form(self, *, generated: bool) -> bytes | None:
        """Returns the form to compare with a generated or with a chosen password."""
        return self.as_generated if generated else self.as_chosen


def parse_password(typed: str) -> TypedPassword:
    """Returns the password with both its forms; any text is one, if only a wrong one.

    Both forms are always made: the time must not tell a generated password from an imported one.
    """
    return TypedPassword(typed, _form_or_none(typed, generated=True), _form_or_none(typed, generated=False))


def _form_or_none(typed: str, *, generated: bool) -> bytes | None:
    if len(typed) > _LONGEST_TYPED:
        return None
    try:
        return form_to_store(typed, generated=generated)
    except InputError:
        return None


def form_to_store(typed: str, *, generated: bool) -> bytes:
    """Returns the bytes that are hashed, at most 64.

    Of a generated password neither hyphens nor blanks nor capitals matter, and an e counts as a c: printed,
    they look alike, and none has an e. One that somebody chose counts as typed, after SASLprep.

    Raises:
        InputError: no password can look like this; the text does not quote it.
    """
    text = _only_letters(typed).replace("e", "c") if generated else saslprep(typed)
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise InputError("The password is not valid UTF-8.") from None  # the cause would quote it
    if not encoded or b"\0" in encoded:
        raise InputError("The password is empty or holds a NUL.")
    if len(encoded) > MAX_BYTES:
        raise InputError("The password is longer than %(most)s bytes.", most=MAX_BYTES)
    return encoded


def form_of_chosen(password: str) -> bytes:
    """Returns the bytes of a password that somebody chose.

    Right-to-left letters are refused: Prosody judges them by a newer Unicode than RFC 4013 names, so some
    could be stored and would never be matched.

    Raises:
        InputError: no password can look like this; the text does not quote it.
    """
    if holds_right_to_left(password):
        raise InputError("The password holds right-to-left letters.")
    return form_to_store(password, generated=False)


def holds_right_to_left(password: str) -> bool:
    """Tells whether it holds a letter or a mark that is written from right to left."""
    return any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in password)


def _only_letters(typed: str) -> str:
    # Pd: tablets turn a hyphen into a dash; Zs: any kind of blank.
    return "".join(
        char
        for char in typed
        if char not in "\t\r\n\u00ad\u2212" and unicodedata.category(char) not in {"Pd", "Zs"}
    ).lower()
