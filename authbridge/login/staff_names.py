"""Makes the names of staff, and the names under which their failures are counted; pure.

Panel and Prosody share the table of failures.  The name counted for staff has a capital letter, which no
login name has: logging in as “staff:anna” through Prosody does not fill anna's account at the panel.
"""

import re
from typing import NewType

from authbridge.errors import InputError
from authbridge.login import usernames
from authbridge.login.failure_history import SignInStep
from authbridge.typed_text import drop_invisible

StaffName = NewType("StaffName", str)

STAFF_PREFIX = "staff:"
"""Before the name wherever organisers are named too: in the audit, in ``lockout list``."""

_STAFF_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")


def normalise_staff_name(typed: str) -> StaffName:
    """Returns the typed name trimmed and lower-cased; only the database knows whether anybody has it."""
    return StaffName(usernames.normalise_username(drop_invisible(typed)))


def parse_staff_name(typed: str) -> StaffName:
    """Returns the name of a new member of staff.

    Raises:
        InputError: another character or length; the text does not quote what may be a password.
    """
    name = normalise_staff_name(typed)
    if not _STAFF_NAME.fullmatch(name):
        raise InputError(
            "A staff member's name has 2 to 32 of the characters a-z 0-9 and . _ - only,"
            " and begins with a letter or a digit."
        )
    return name


def staff_actor(name: str) -> str:
    """Returns a member of staff as the audit names an actor."""
    return f"{STAFF_PREFIX}{name}"


def counted_name(sign_in_step: SignInStep, name: str) -> str:
    """Returns the name under which the failures at that step are counted."""
    return f"{sign_in_step} {name}"


def counted_names(name: str) -> list[str]:
    """Returns the counted names of all steps."""
    return [counted_name(sign_in_step, name) for sign_in_step in SignInStep]
