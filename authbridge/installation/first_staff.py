"""Invites the first member of staff, once; the code is shown on the terminal and kept nowhere."""

import json
import sys
from collections.abc import Iterator
from functools import partial

from authbridge.installation import program
from authbridge.installation.steps import Installation, SystemAction
from authbridge.machine.terminal import printable


def invite(installation: Installation) -> Iterator[SystemAction]:
    """Invites, if nobody has been invited yet."""
    name, folder = installation.options.admin, program.current_folder(installation.machine)
    if not name:
        return
    if folder is not None and _has_staff(installation, folder):
        return
    command = f"authbridge staff add {name} --role admin"
    if not sys.stdout.isatty():
        installation.todo.append(
            "Nobody is invited to the panel yet: the code would stand in a file or a pipe.  On a terminal:\n"
            f"{command}"
        )
        return
    yield SystemAction(f"{command}   (the code is shown this once)", partial(_invite, installation, name))


def _has_staff(installation: Installation, folder: str) -> bool:
    return bool(json.loads(installation.system.authbridge(folder, "staff", "list", "--json")))


def _invite(installation: Installation, name: str) -> None:
    folder = program.current_folder(installation.machine) or installation.folder
    said = installation.system.authbridge(folder, "staff", "add", name, "--role", "admin")
    sys.stdout.write(printable(said))
    sys.stdout.flush()
