"""Which names staff have, and under which names their failures are counted; pure.

Panel and Prosody share one ledger of failures.  What is counted for staff carries a capital letter, which no
login name has: nobody fills anna's account in the panel by logging in as “staff:anna” through Prosody.
"""

import re
from typing import NewType

from authbridge.errors import InputError
from authbridge.login import usernames
from authbridge.login.policy import SignInStep

StaffName = NewType("StaffName", str)

STAFF_PREFIX = "staff:"
"""Before the name wherever organisers are named too: in the audit, in ``lockout list``."""

_STAFF_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")


def canonical(typed: str) -> str:
    """The name that was meant; whether anybody has it is for the database to say."""
    return usernames.canonical(typed, host="")


def parse_staff_name(typed: str) -> StaffName:
    """The name in its stored form; raises :class:`InputError` without quoting what may be a password."""
    name = canonical(typed)
    if not _STAFF_NAME.fullmatch(name):
        raise InputError(
            "A staff member's name has 2 to 32 of the characters a-z 0-9 and . _ - only,"
            " and begins with a letter or a digit."
        )
    return StaffName(name)


def staff_actor(name: str) -> str:
    """Who acts, as the audit names a member of staff."""
    return f"{STAFF_PREFIX}{name}"


def counted_name(sign_in_step: SignInStep, name: str) -> str:
    """Under which name the failures at that door are counted."""
    return f"{sign_in_step} {name}"


def counted_names(name: str) -> list[str]:
    """Those of all doors."""
    return [counted_name(sign_in_step, name) for sign_in_step in SignInStep]
