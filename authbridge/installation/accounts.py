"""Makes the system user of the services, and the group of those who may read the token."""

from collections.abc import Callable, Iterator
from functools import partial

from authbridge.installation.settings import DATA
from authbridge.installation.steps import Installation, SystemAction
from authbridge.installation.system import TOKEN_GROUP, USER

TOKEN_READERS = ("prosody",)
"""Members of the group of the token.

The auth service has that group from its unit: the panel runs as the same user, and needs no token.
"""


def add(installation: Installation) -> Iterator[SystemAction]:
    """Adds what is missing."""
    system = installation.system
    for group in (USER, TOKEN_GROUP):
        if not system.has_group(group):
            words = f"Add the system group {group}."
            yield SystemAction(
                words, partial(_noted, installation, "groups", group, partial(system.add_group, group))
            )
    if not system.has_user(USER):
        words = f"Add the system user {USER}, without a shell."
        do = partial(system.add_user, USER, home=DATA)
        yield SystemAction(words, partial(_noted, installation, "users", USER, do))
    for user in TOKEN_READERS:
        if not system.is_member(user, TOKEN_GROUP):
            words = f"Add {user} to the group {TOKEN_GROUP}, which may read the token."
            do = partial(system.add_member, user, TOKEN_GROUP)
            yield SystemAction(words, partial(_noted, installation, "members", user, do))
    if system.is_member(USER, TOKEN_GROUP):  # former releases had put it there
        words = (
            f"Take {USER} out of the group {TOKEN_GROUP}: the panel, which runs as that user, needs no token."
        )
        yield SystemAction(words, partial(_leave_group, installation))


def _leave_group(installation: Installation) -> None:
    record = installation.record
    if USER in record.names("members"):
        record.forget("members", USER)
    else:
        record.note("former-members", USER)
    installation.system.remove_member(USER, TOKEN_GROUP)


def remove(installation: Installation) -> Iterator[SystemAction]:
    """Removes what was added."""
    system, record = installation.system, installation.record
    for user in record.names("members"):
        if TOKEN_GROUP not in record.names("groups") and system.is_member(user, TOKEN_GROUP):
            yield SystemAction(
                f"Take {user} out of the group {TOKEN_GROUP}.",
                partial(system.remove_member, user, TOKEN_GROUP),
            )
    for user in record.names("former-members"):
        if TOKEN_GROUP not in record.names("groups") and not system.is_member(user, TOKEN_GROUP):
            yield SystemAction(
                f"Add {user} to the group {TOKEN_GROUP} again.", partial(system.add_member, user, TOKEN_GROUP)
            )
    for user in record.names("users"):
        if system.has_user(user):
            yield SystemAction(f"Remove the user {user}.", partial(system.remove_user, user))
    for group in reversed(record.names("groups")):
        if system.has_group(group):  # userdel has removed the one that has the user's name
            yield SystemAction(f"Remove the group {group}.", partial(system.remove_group, group))


def _noted(installation: Installation, kind: str, name: str, do: Callable[[], None]) -> None:
    installation.record.note(kind, name)
    do()
