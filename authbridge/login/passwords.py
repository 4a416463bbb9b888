"""Organisers' passwords: how they are made, stored and compared.

Nothing here keeps, logs or raises a password.  Sources: OWASP Password Storage Cheat Sheet (bcrypt,
work factor 10 and more), RFC 4013.
"""

import secrets
import time
import unicodedata
from dataclasses import dataclass, field

import bcrypt

from authbridge.errors import InputError
from authbridge.login.saslprep import saslprep
from authbridge.login.usernames import ALPHABET

_GROUPS, _GROUP_LETTERS = 3, 4  # 18^12: 50 bits, which no guessing over a network exhausts
_MISREAD = ("rn", "vv")  # on paper "rn" is an m and "vv" a w

_LONGEST_TYPED = 256  # characters; more cannot shrink to 64 bytes, and preparing it would take time
MAX_BYTES = 64  # bcrypt uses 72 bytes, and version 5 of the library raises above that

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"})


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """What the database holds: ``generated`` tells which canonical form the hash is of."""

    hash: str = field(repr=False)
    generated: bool


def generate_password() -> str:
    """A new password as it is printed, such as ``vpgd-kxwj-rhms``."""
    while True:
        letters = "".join(secrets.choice(ALPHABET) for _ in range(_GROUPS * _GROUP_LETTERS))
        if _is_legible(letters):
            return "-".join(
                letters[start : start + _GROUP_LETTERS] for start in range(0, len(letters), _GROUP_LETTERS)
            )


def _is_legible(letters: str) -> bool:
    thrice = any(letter * 3 in letters for letter in ALPHABET)
    return not thrice and not any(pair in letters for pair in _MISREAD)


def canonical(typed: str, *, generated: bool) -> bytes:
    """The bytes that are hashed, at most 64.

    Of a generated password neither hyphens nor blanks nor capitals matter; one that somebody chose
    counts as typed, after SASLprep.  Raises :class:`InputError` for what no password can be.
    """
    text = _only_letters(typed) if generated else saslprep(typed)
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        message = "it is not valid UTF-8"
        raise InputError(message) from None  # the cause would quote it
    if not encoded or b"\0" in encoded:
        message = "it is empty or holds a NUL"
        raise InputError(message)
    if len(encoded) > MAX_BYTES:
        message = f"it is longer than {MAX_BYTES} bytes"
        raise InputError(message)
    return encoded


def holds_right_to_left(password: str) -> bool:
    """Whether there is a letter or a mark in it that is written from right to left."""
    return any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in password)


def forms_of(typed: str) -> dict[bool, bytes | None]:
    """What is hashed for a generated password (True) and for a chosen one (False); None for what can be none.

    Always both, whichever is needed: the time must not tell a generated password from an imported one.
    """
    return {generated: _canonical_or_none(typed, generated=generated) for generated in (True, False)}


def _canonical_or_none(typed: str, *, generated: bool) -> bytes | None:
    if len(typed) > _LONGEST_TYPED:
        return None
    try:
        return canonical(typed, generated=generated)
    except InputError:
        return None


def _only_letters(typed: str) -> str:
    # Pd: tablets turn a hyphen into a dash; Zs: any kind of blank.
    return "".join(
        char
        for char in typed
        if char not in "\t\r\n\u00ad\u2212" and unicodedata.category(char) not in {"Pd", "Zs"}
    ).lower()


def _cost_of(hashed: str) -> int:
    return int(hashed.split("$")[2])


def _decoy(cost: int) -> bytes:
    # Well-formed, of nobody's password; checking it takes as long as checking a real one.
    return f"$2b${cost:02d}$".encode() + b"." * 53


@dataclass(frozen=True, slots=True)
class Hasher:
    """bcrypt at the configured cost (2^cost rounds; 10 takes about 50 ms)."""

    cost: int

    def hash(self, password: str, *, generated: bool) -> StoredPassword:
        """The stored form of a new password; raises :class:`InputError` like :func:`canonical`.

        A chosen password with right-to-left letters is refused: Prosody judges them by a newer Unicode
        than RFC 4013 names, so some could be stored and would never be matched.
        """
        if not generated and holds_right_to_left(password):
            message = "it holds right-to-left letters"
            raise InputError(message)
        salted = bcrypt.hashpw(canonical(password, generated=generated), bcrypt.gensalt(self.cost))
        return StoredPassword(salted.decode(), generated=generated)

    def matches(self, typed: str, stored: StoredPassword | None) -> bool:
        """Whether ``typed`` is that password; None stands for a name that does not exist.

        Takes one hash at the configured cost whatever is asked, so that the time tells nothing: for
        no password at all, for one that cannot be, and for one stored at a lower cost alike.
        """
        candidate = forms_of(typed)[stored is None or stored.generated]
        if candidate is None:
            candidate, stored = b"-", None
        stored_cost = self.cost if stored is None else _cost_of(stored.hash)
        found = bcrypt.checkpw(candidate, _decoy(self.cost) if stored is None else stored.hash.encode())
        # 2^a + 2^a + 2^(a+1) + ... + 2^(b-1) = 2^b: an older, cheaper hash is topped up.
        for cost in range(stored_cost, self.cost):
            bcrypt.checkpw(candidate, _decoy(cost))
        return found and stored is not None

    def measure(self) -> float:
        """How many seconds a check takes on this machine."""
        started = time.perf_counter()
        self.matches("", None)
        return time.perf_counter() - started

    def is_outdated(self, stored: StoredPassword) -> bool:
        """Whether the cost was raised since this password was stored."""
        return _cost_of(stored.hash) < self.cost
