"""Generates organisers' passwords, and hashes and compares passwords with bcrypt.

Nothing here keeps, logs or raises a password.  Sources: OWASP Password Storage Cheat Sheet (bcrypt,
work factor 10 and more), RFC 4013.
"""

import time
from dataclasses import dataclass, field, replace
from typing import Self

import bcrypt

from authbridge.login.quick_checks import QuickChecks
from authbridge.login.scram_keys import ScramKey
from authbridge.login.typed_passwords import (
    StoredPassword,
    TypedPassword,
    form_of_chosen,
    form_to_store,
    parse_password,
)
from authbridge.login.usernames import draw_letters

_GROUPS, _GROUP_LETTERS = 3, 4  # 17^12: 49 bits, which no guessing over a network exhausts
_LOWEST_COST = 4  # of bcrypt


def generate_password() -> str:
    """Returns a new password as it is printed, such as ``vpgd-kxwj-rhms``."""
    letters = draw_letters(_GROUPS * _GROUP_LETTERS)
    return "-".join(
        letters[start : start + _GROUP_LETTERS] for start in range(0, len(letters), _GROUP_LETTERS)
    )


@dataclass(frozen=True, slots=True)
class Hasher:
    """bcrypt at the configured cost (2^cost rounds; 10 takes about 50 ms).

    Without ``quick_checks`` every password is hashed that is compared.
    """

    cost: int
    quick_checks: QuickChecks | None = field(default=None, repr=False)

    @classmethod
    def with_quick_checks(cls, cost: int, secret: bytes) -> Self:
        """Returns a hasher for organisers' passwords; the quick checks are under a key of that secret."""
        return cls(cost, QuickChecks(secret))

    def hash(self, password: str, *, generated: bool) -> StoredPassword:
        """Returns the stored form of a new password.

        Raises:
            InputError: no password can look like this; the text does not quote it.
        """
        form = form_to_store(password, generated=True) if generated else form_of_chosen(password)
        salted = self._salted(form)
        if not generated or self.quick_checks is None:
            return StoredPassword(salted, generated=generated)
        return StoredPassword(salted, generated=True, quick_check=self.quick_checks.of(salted, form))

    def differs(self, typed: TypedPassword, stored: StoredPassword) -> bool:
        """Tells, without a hash, whether the quick check says that ``typed`` is another password."""
        return self.quick_checks is not None and self.quick_checks.differs(typed, stored)

    def excludes(self, typed: TypedPassword, stored: StoredPassword | None, username: str) -> bool:
        """Tells, without a hash, whether ``typed`` cannot be that password; None is a name without one."""
        return self.quick_checks is not None and self.quick_checks.exclude(typed, stored, username)

    def matches(self, typed: TypedPassword, stored: StoredPassword | None) -> bool:
        """Tells whether ``typed`` is that password; None stands for a name that does not exist.

        Takes one hash at the configured cost whatever the input, so that the time tells nothing: for
        no password at all, for one that cannot be, for one stored at a lower cost and for one of which a
        SCRAM key is stored alike.
        """
        candidate = typed.form(generated=stored is None or stored.generated)
        if candidate is None:
            candidate, stored = b"-", None
        if stored is not None and (key := ScramKey.parse(stored.hash)) is not None:
            return self._matches_key(candidate, key)
        stored_cost = self.cost if stored is None else _cost_of(stored.hash)
        found = bcrypt.checkpw(candidate, _decoy(self.cost) if stored is None else stored.hash.encode())
        _spend(candidate, 2**self.cost - 2**stored_cost)  # an older, cheaper hash is topped up
        return found and stored is not None

    def _matches_key(self, candidate: bytes, key: ScramKey) -> bool:
        """Compares with a SCRAM key, and fills the time up to that of a hash at the configured cost."""
        half = max(self.cost - 1, _LOWEST_COST)
        started = time.perf_counter()
        bcrypt.checkpw(candidate, _decoy(half))  # says what a round takes just now
        begun = time.perf_counter()
        found = key.is_of(candidate)
        took = time.perf_counter() - begun
        _spend(candidate, 2**self.cost - 2**half - round(2**half * took / (begun - started)))
        return found

    def measure(self) -> float:
        """Returns the seconds that a check takes on this machine."""
        started = time.perf_counter()
        self.matches(parse_password(""), None)
        return time.perf_counter() - started

    def renew(self, typed: TypedPassword, stored: StoredPassword) -> StoredPassword | None:
        """Returns how that password, which is ``typed``, should be stored from now on; None if as it is.

        Hashes anew if the cost was raised since, or if a SCRAM key was stored.  A quick check alone leaves
        the hash as it is, and so what is remembered of it.
        """
        if ScramKey.parse(stored.hash) is not None:
            # Right-to-left letters too: Prosody has just matched them.
            form = typed.as_chosen
            return None if form is None else StoredPassword(self._salted(form), generated=False)
        if _cost_of(stored.hash) < self.cost:
            return self.hash(typed.text, generated=stored.generated)
        checks = self.quick_checks
        if checks is None or typed.as_generated is None or not stored.generated or checks.is_current(stored):
            return None
        return replace(stored, quick_check=checks.of(stored.hash, typed.as_generated))

    def _salted(self, form: bytes) -> str:
        return bcrypt.hashpw(form, bcrypt.gensalt(self.cost)).decode()


def _cost_of(hashed: str) -> int:
    return int(hashed.split("$")[2])


def _spend(candidate: bytes, rounds: int) -> None:
    """Takes the time of that many rounds of bcrypt: one decoy for each power of two in their number."""
    for cost in range(_LOWEST_COST, max(0, rounds).bit_length()):
        if rounds >> cost & 1:
            bcrypt.checkpw(candidate, _decoy(cost))


def _decoy(cost: int) -> bytes:
    # Well-formed, of nobody's password; checking it takes as long as checking a real one.
    return f"$2b${cost:02d}$".encode() + b"." * 53
