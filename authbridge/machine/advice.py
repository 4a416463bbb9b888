"""Writes commands for the administrator to run as root, so that no other user can change what they do."""

import shlex
import stat
from collections.abc import Sequence

from authbridge.machine.files import Machine

_MOST = 20  # commands: who owns a folder may put any number of files into it


def for_files(machine: Machine, names: Sequence[str], *command: str) -> str:
    """Returns that command for each of the files, a line each, with their names quoted.

    Where somebody else may write to the folder, it is given with the rights of the file's owner: they could
    put a link in the file's place, and root would follow it.
    """
    return "\n".join(_for_file(machine, name, command) for name in names[:_MOST])


def as_user(user: str, command: str) -> str:
    """Returns the command as that user gives it, who does not get hold of root's terminal meanwhile."""
    return f"setsid -w runuser -u {user} -- {command}"


def _for_file(machine: Machine, name: str, command: Sequence[str]) -> str:
    line, path = shlex.join([*command, name]), machine.real(name)
    inside = path.relative_to(machine.root).parents
    folders = [machine.root / each for each in inside if str(each) != "."]
    if all(machine.is_own(each) and not _is_shared(each.stat().st_mode) for each in folders):
        return line
    if path.stat().st_uid == 0:
        return f"# First move it to a folder of root's alone: {shlex.quote(name)}"
    return as_user(shlex.quote(path.owner()), line)


def _is_shared(mode: int) -> bool:
    return bool(mode & (stat.S_IWGRP | stat.S_IWOTH)) and not mode & stat.S_ISVTX
