"""Changes the files of Jitsi, Prosody and nginx: exactly as ``authbridge doctor --fix`` would."""

from collections.abc import Iterator, Sequence
from functools import partial

from authbridge.installation.steps import Action, Installation
from authbridge.installation.system import ProgramFailedError
from authbridge.machine.examination import examine, plan_fixes
from authbridge.machine.ledger import Ledger
from authbridge.machine.mending import mend, take_back

BY = "install"
"""The name of these changes in the ledger."""

_NAMES = ("doctor", BY)


def mend_files(installation: Installation) -> Iterator[Action]:
    """Makes the changes that the checks of the machine ask for."""
    machine, setup = installation.machine, installation.setup()
    changes = plan_fixes(machine, examine(machine, setup))
    if changes:
        diffs = "".join(f"\n{change.diff()}" for change in changes).rstrip("\n")
        yield Action(f"Change these files (copies are kept):{diffs}", partial(_mend, installation))


def restore_files(installation: Installation) -> Iterator[Action]:
    """Takes back what the installation and the doctor have changed."""
    ledger = Ledger(installation.machine)
    for name in _NAMES:
        if ledger.holds(name):
            who = "authbridge doctor" if name == "doctor" else "the installation"
            words = f"Take back what {who} has changed in files of Jitsi, Prosody and nginx."
            yield Action(words, partial(_restore, installation, name))


def restart(installation: Installation, services: Sequence[str], when: str = "When no meeting is on") -> None:
    """Restarts services that read their files at no other time, if that was asked for; else says how."""
    if not services:
        return
    if installation.options.restart and installation.system.is_booted:
        services = [service for service in services if not _is_restarted(installation, service)]
        if not services:
            return
    installation.todo.append(f"{when} (this ends running meetings):\nsystemctl restart {' '.join(services)}")


def _is_restarted(installation: Installation, service: str) -> bool:
    try:
        installation.system.systemctl("restart", service)
    except ProgramFailedError:
        return False
    return True


def _mend(installation: Installation) -> None:
    mended = mend(installation.machine, installation.setup(), by=BY)
    restart(installation, mended.restart)


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
    restart(installation, services, "Now, or nobody can log in: the service that Prosody asks is gone")
