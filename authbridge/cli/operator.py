"""Holds the operator of one command: their settings, their database, and the name in the audit."""

import os
import pwd
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from authbridge.clock import Clock, utc_now
from authbridge.config import Config, PageConfig, read_config, read_limits, read_page_config
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.limits import Limits
from authbridge.login.passwords import Hasher

if TYPE_CHECKING:
    from authbridge.audit import Actor
    from authbridge.staff.encryption import StaffEncryption
    from authbridge.storage.database import Database

_NOBODY_LOGGED_IN = 2**32 - 1  # the kernel's "unset" login uid


class Operator:
    """The settings, the database and the actor of one command; each is made when first needed.

    Importing the database takes a third of a second, which "serve" does not have.
    """

    def __init__(self, environ: Mapping[str, str], *, clock: Clock = utc_now) -> None:
        self._environ = environ
        self.clock = clock

    @cached_property
    def config(self) -> Config:
        """Returns the settings.

        Raises:
            ConfigError: A setting is missing or cannot be used.
        """
        return read_config(self._environ)

    @cached_property
    def page_config(self) -> PageConfig:
        """Returns the settings of the login page, which needs no database.

        Raises:
            ConfigError: A setting is missing or cannot be used.
        """
        return read_page_config(self._environ)

    @cached_property
    def limits(self) -> Limits:
        """Returns the numbers of the login policy, also where nothing else is set yet."""
        return read_limits(self._environ)

    @cached_property
    def hasher(self) -> Hasher:
        """Makes the hashes of new passwords."""
        return Hasher.with_quick_checks(self.config.bcrypt_cost, self.config.secret_key)

    @cached_property
    def keyed_hashes(self) -> KeyedHashes:
        """Finds what is kept of names as keyed hashes."""
        return KeyedHashes(self.config.secret_key)

    @cached_property
    def encryption(self) -> "StaffEncryption":
        """Encrypts second factors, and makes the keyed hashes of staff's one-time codes."""
        from authbridge.staff.encryption import StaffEncryption  # noqa: PLC0415

        return StaffEncryption(self.config.secret_key, self.config.former_secret_key)

    @cached_property
    def bare_database(self) -> "Database":
        """Returns the database, of whatever version; its connections are closed when the command ends."""
        from authbridge.storage.database import Database  # noqa: PLC0415

        database = Database(self.config.database_url)
        click.get_current_context().find_root().call_on_close(database.engine.dispose)
        return database

    @cached_property
    def database(self) -> "Database":
        """Returns the database.

        Raises:
            StorageError: It is not of this program's version.
        """
        from authbridge.storage import schema  # noqa: PLC0415

        schema.require_current(self.bare_database)
        return self.bare_database

    @property
    def is_german(self) -> bool:
        """Tells whether the operator's locale is German; by POSIX the first of these that is set decides."""
        names = ("LC_ALL", "LC_MESSAGES", "LANG")
        return next((value for name in names if (value := self._environ.get(name))), "").startswith("de")

    @cached_property
    def actor(self) -> "Actor":
        """Returns the user who logged in to this machine; "?" marks a name that only sudo vouches for."""
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
