"""Changes the files of Jitsi, Prosody and nginx: exactly as ``authbridge doctor --fix`` would."""

from collections.abc import Iterator
from functools import partial

from authbridge.installation import restarts
from authbridge.installation.steps import Installation, SystemAction
from authbridge.installation.system import ProgramFailedError
from authbridge.machine.examination import examine, plan_fixes
from authbridge.machine.ledger import Ledger
from authbridge.machine.mending import mend, take_back

BY = "install"
"""The name of these changes in the ledger."""

_NAMES = ("doctor", BY)


def mend_files(installation: Installation) -> Iterator[SystemAction]:
    """Makes the changes that the checks of the machine ask for."""
    machine, setup = installation.machine, installation.setup()
    changes = plan_fixes(machine, examine(machine, setup))
    if changes:
        diffs = "".join(f"\n{change.diff()}" for change in changes).rstrip("\n")
        yield SystemAction(f"Change these files (copies are kept):{diffs}", partial(_mend, installation))


def mend_what_shows_now(installation: Installation) -> Iterator[SystemAction]:
    """Makes those changes that could only be asked for after the restart of Prosody."""
    if installation.restarted:
        yield from mend_files(installation)


def restore_files(installation: Installation) -> Iterator[SystemAction]:
    """Takes back what the installation and the doctor have changed."""
    ledger = Ledger(installation.machine)
    for name in _NAMES:
        if ledger.holds(name):
            who = "authbridge doctor" if name == "doctor" else "the installation"
            words = f"Take back what {who} has changed in files of Jitsi, Prosody and nginx."
            yield SystemAction(words, partial(_restore, installation, name))


def _mend(installation: Installation) -> None:
    mended = mend(installation.machine, installation.setup(), by=BY)
    restarts.need(installation, mended.restart)


def _restore(installation: Installation, name: str) -> None:
    undone, services = take_back(installation.machine, by=name)
    for each in undone:
        if each.copy is not None:
            installation.todo.append(
                f"{each.name} was changed by somebody since and stays as it is; as it was before: {each.copy}"
            )
        elif not each.is_restored:
            installation.todo.append(
                f"{each.name} was changed by somebody since: only our lines were taken out."
            )
    if installation.options.restart and installation.system.is_booted:
        for service in services:
            _restart(installation, service)
    elif services:
        installation.todo.append(
            "Now, or nobody can log in, for the service is gone (this ends running meetings):\n"
            f"systemctl restart {' '.join(services)}"
        )


def _restart(installation: Installation, service: str) -> None:
    try:
        installation.system.systemctl("restart", service)
    except ProgramFailedError as error:
        installation.todo.append(f"{service} could not be restarted: {error}")
