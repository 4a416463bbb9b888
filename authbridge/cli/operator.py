"""Who sits at the command line, and what a command works with."""

import os
import pwd
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from authbridge.clock import Clock, utc_now
from authbridge.config import Config, read_config, read_limits
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.limits import Limits
from authbridge.login.passwords import Hasher

if TYPE_CHECKING:
    from authbridge.audit import Actor
    from authbridge.staff.encryption import StaffEncryption
    from authbridge.storage.database import Database

_NOBODY_LOGGED_IN = 2**32 - 1  # the kernel's "unset" login uid


class Operator:
    """The settings, the database and the actor of one command; each made when first needed.

    What stands behind the database takes a third of a second to read, which "serve" does not have.
    """

    def __init__(self, environ: Mapping[str, str], *, clock: Clock = utc_now) -> None:
        self._environ = environ
        self.clock = clock

    @cached_property
    def config(self) -> Config:
        """The settings; raises :class:`authbridge.errors.ConfigError`."""
        return read_config(self._environ)

    @cached_property
    def limits(self) -> Limits:
        """The numbers of the login policy, also where nothing else is set yet."""
        return read_limits(self._environ)

    @cached_property
    def hasher(self) -> Hasher:
        """Makes the hashes of new passwords."""
        return Hasher(self.config.bcrypt_cost)

    @cached_property
    def keyed_hashes(self) -> KeyedHashes:
        """Finds what is kept of names as keyed hashes."""
        return KeyedHashes(self.config.secret_key)

    @cached_property
    def encryption(self) -> "StaffEncryption":
        """Makes the keyed hashes of staff's one-time codes."""
        from authbridge.staff.encryption import StaffEncryption  # noqa: PLC0415

        return StaffEncryption(self.config.secret_key)

    @cached_property
    def bare_database(self) -> "Database":
        """The database, of whatever version."""
        from authbridge.storage.database import Database  # noqa: PLC0415

        return Database(self.config.database_url)

    @cached_property
    def database(self) -> "Database":
        """The database; raises :class:`authbridge.errors.StorageError` unless it is of our version."""
        from authbridge.storage import schema  # noqa: PLC0415

        schema.require_current(self.bare_database)
        return self.bare_database

    @property
    def is_german(self) -> bool:
        """Whether this person's locale is; by POSIX the first of these that is set decides."""
        names = ("LC_ALL", "LC_MESSAGES", "LANG")
        return next((value for name in names if (value := self._environ.get(name))), "").startswith("de")

    @cached_property
    def actor(self) -> "Actor":
        """Whoever logged in to this machine; a name that only sudo vouches for is marked with "?"."""
        from authbridge.audit import Actor  # noqa: PLC0415

        login_uid = _login_uid()
        if login_uid is not None:
            return Actor(f"cli:{_name_of(login_uid)}")
        claimed = self._environ.get("SUDO_USER")
        return Actor(f"cli:{claimed}?" if claimed else f"cli:{_name_of(os.getuid())}")


pass_operator = click.make_pass_decorator(Operator)


def _login_uid() -> int | None:
    # Set once by the login and inherited through sudo and su; it cannot be changed back.
    try:
        uid = int(Path("/proc/self/loginuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return None if uid == _NOBODY_LOGGED_IN else uid


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
