"""Understands the table of one account, of ``internal_hashed`` and of ``internal_plain``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from authbridge.errors import InputError
from authbridge.prosody_files.lua_table import Value, read_table

_MOMENT = 5  # seconds
_HEX = re.compile(rb"(?:[0-9a-f]{2})+")


@dataclass(frozen=True, slots=True)
class HashedPassword:
    """What ``internal_hashed`` keeps of a password; a password is right by ``stored_key`` alone."""

    stored_key: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    iterations: int


@dataclass(frozen=True, slots=True)
class ProsodyAccount:
    """An account of a Prosody; ``password`` is None where nobody can log in with it."""

    file: str
    username: str
    password: str | HashedPassword | None = field(repr=False)
    disabled: bool


def read_account(file: str, username: str, content: bytes) -> ProsodyAccount:
    """Returns the account that stands in a file.

    Raises:
        InputError: Prosody does not write such an account; the text quotes nothing of it.
    """
    table = read_table(content)
    disabled = table.get(b"disabled")
    if disabled not in {None, True, False}:
        raise InputError("It does not say clearly whether the account is disabled.")
    password = _password_of(table)
    if isinstance(password, str) and _is_as_created(table):
        disabled = False
    return ProsodyAccount(file, username, password, bool(disabled))


def _is_as_created(table: Mapping[Value, Value]) -> bool:
    """Tells whether Prosody 13 has made the account and nobody has changed it since.

    It makes each account disabled and enables it a moment later, which ``internal_plain`` does not know how
    to do: the mark stays in the file, and logins there do not heed it.
    """
    created, updated = table.get(b"created"), table.get(b"updated")
    return isinstance(created, int) and isinstance(updated, int) and updated - created <= _MOMENT


def _password_of(table: Mapping[Value, Value]) -> str | HashedPassword | None:
    plain = table.get(b"password")
    if plain is not None and plain != b"":  # Prosody too prefers it to a key
        if not isinstance(plain, bytes):
            raise InputError("The password is no text.")
        try:
            return plain.decode()
        except UnicodeDecodeError:
            raise InputError("The password is not valid UTF-8.") from None  # the cause would quote it
    keys = [table.get(name) for name in (b"stored_key", b"server_key", b"salt", b"iteration_count")]
    if all(each is None for each in keys):
        return None
    stored_key, server_key, salt, iterations = keys
    if not isinstance(salt, bytes) or not isinstance(iterations, int):
        raise InputError("The salt or the iteration count is missing.")
    stored, server = _key(stored_key), _key(server_key)
    if len(stored) != len(server):
        raise InputError("The two keys are of different lengths.")
    return HashedPassword(stored, salt, iterations)


def _key(value: Value) -> bytes:
    if not isinstance(value, bytes) or not _HEX.fullmatch(value):
        raise InputError("A key is missing, or is not hexadecimal.")
    return bytes.fromhex(value.decode())
