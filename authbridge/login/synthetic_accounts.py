"""Knows the accounts of synthetic logins: each is made for one run, lets in once, and not for long.

They are no organisers: no list, letter, count or statement meets one.  Their names begin with a character
that no organiser's name can have, and Prosody binds no session to them (``login_name.lib.lua``): they open no
meeting.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, null, select, update

from authbridge.login.policy import Account
from authbridge.login.subjects import Credential
from authbridge.login.typed_passwords import StoredPassword
from authbridge.login.usernames import Username, draw_letters
from authbridge.storage.models import SyntheticLogin, table_of
from authbridge.storage.prepared import Prepared

LIFETIME = timedelta(minutes=2)
"""An account that a killed run has left behind lets nobody in after that; a run ends within a minute."""

ACCOUNT = Account(credential_version=1, suspended=False, school_suspended=False, valid_until=None)

_PREFIX = "~synthetic-"
_LETTERS = 16  # 65 bits: nobody makes a name wait that nobody can guess
_logins = table_of(SyntheticLogin)
_is_open = (
    _logins.c.username == bindparam("username"),
    _logins.c.password_hash.is_not(None),
    _logins.c.at > bindparam("since"),
)
_FIND = Prepared(select(_logins.c.password_hash).where(*_is_open))
_USE_UP = Prepared(update(_logins).where(*_is_open).values(password_hash=null()).returning(_logins.c.id))


def draw_username() -> Username:
    """Draws a random name such as ``~synthetic-kwtxbdfgkwtxbdfg``."""
    return Username(f"{_PREFIX}{draw_letters(_LETTERS)}")


def is_synthetic(username: Username) -> bool:
    """Tells whether the name has the form of such an account's."""
    return username.startswith(_PREFIX)


def find_credential(connection: Connection, username: Username, *, at: datetime) -> Credential | None:
    """Returns the credential of an account that still lets in; None if there is none of that name."""
    row = _FIND.run(connection, username=username, since=at - LIFETIME)
    if row is None:
        return None
    # Without a quick check: both passwords of a run are to be hashed, the wrong one too.
    return Credential(ACCOUNT.credential_version, StoredPassword(row[0], generated=True))


def use_up(connection: Connection, username: Username, *, at: datetime) -> bool:
    """Ends the account after its one login; returns whether it still let in."""
    return _USE_UP.run(connection, username=username, since=at - LIFETIME) is not None
