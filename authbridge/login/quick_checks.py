"""Excludes wrong passwords without bcrypt: one byte of a keyed hash is stored beside each issued password.

A wrong password agrees with the byte once in 256 times; the right one always does.  An unknown name of the
issued form has a decoy byte and is answered alike.  Imported passwords have no byte: they are weak, and a
thief of both database and key could try 256 times as many.  The key is never in the database.
"""

from typing import Final

from authbridge.keys import KeyPurpose, derive_key, keyed_digest
from authbridge.login.typed_passwords import StoredPassword, TypedPassword
from authbridge.login.usernames import is_issued_form

LENGTH: Final = 10  # hexadecimal digits: 8 that name the key, 2 for the byte


class QuickChecks:
    """The bytes under one secret."""

    def __init__(self, secret: bytes) -> None:
        self._key = derive_key(secret, KeyPurpose.QUICK_CHECK)
        self._key_id = keyed_digest(self._key, "key").hex()[: LENGTH - 2]

    def of(self, hashed: str, form: bytes) -> str:
        """Returns what is stored beside a bcrypt hash; ``form`` is the generated password that it is of."""
        # The hash is salted anew for each password, so the byte holds for this one alone.
        return self._key_id + self._byte("issued", hashed, form.decode())

    def is_current(self, stored: StoredPassword) -> bool:
        """Tells whether there is a byte, made under this key."""
        return stored.quick_check is not None and stored.quick_check.startswith(self._key_id)

    def differs(self, typed: TypedPassword, stored: StoredPassword) -> bool:
        """Tells whether the stored byte says that ``typed`` is another password; a missing byte says nothing.

        A byte under another key, of a restored backup or before a new key file, says nothing either.
        """
        form = (typed.as_generated or b"").decode()
        of_stored = self._key_id + self._byte("issued", stored.hash, form)
        return stored.generated and self.is_current(stored) and of_stored != stored.quick_check

    def exclude(self, typed: TypedPassword, stored: StoredPassword | None, username: str) -> bool:
        """Tells whether ``typed`` cannot be the password; None stands for a name that does not exist.

        Nothing is excluded for a name of another form, an imported one whose password was reset: no unknown
        name of that form has a decoy, so the time would tell that it exists.
        """
        form = (typed.as_generated or b"").decode()
        # Both are made in any case, as both take time.
        of_nobody = self._byte("nobody", username, form) != self._byte("decoy", username)
        is_excluded = of_nobody if stored is None else self.differs(typed, stored)
        return is_issued_form(username) and is_excluded

    def _byte(self, *parts: str) -> str:
        return keyed_digest(self._key, *parts).hex()[:2]
