"""Changes the files of Jitsi, Prosody and nginx: exactly as ``authbridge doctor --fix`` would."""

from collections.abc import Iterable, Iterator
from functools import partial

from authbridge.installation import restarts
from authbridge.installation.steps import Installation, SystemAction
from authbridge.machine.examination import examine, plan_fixes
from authbridge.machine.ledger import Ledger, Undone
from authbridge.machine.login_page import SOCKET
from authbridge.machine.mending import mend, services_of
from authbridge.machine.page_switch import BY_PAGE, BY_WEBSITE, switch_off

BY = "install"
"""The name of these changes in the ledger."""

_WHO = {
    BY_WEBSITE: "authbridge page on",
    BY_PAGE: "authbridge page on",
    "doctor": "authbridge doctor",
    BY: "the installation",
}
"""Those who change these files, by their names in the ledger; taken back in this order."""


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
    for name, who in _WHO.items():
        if ledger.holds(name):
            words = f"Take back what {who} has changed in files of Jitsi, Prosody and nginx."
            yield SystemAction(words, partial(_restore, installation, name))
    yield from restarts.give(installation, restarts.AFTER_UNDO)


def switch_page_off(installation: Installation, former: str) -> Iterator[SystemAction]:
    """Switches the login page off where that program, to which we go back, has neither it nor its command."""
    machine = installation.machine
    if machine.path(f"{former}/deploy/systemd/{SOCKET}").exists():
        return
    if any(Ledger(machine).holds(name) for name in (BY_WEBSITE, BY_PAGE)):
        words = f"Switch the login page off, which {former} does not have."
        yield SystemAction(words, lambda: _say_undone(installation, switch_off(machine)))


def _mend(installation: Installation) -> None:
    machine, setup = installation.machine, installation.setup()
    changes = plan_fixes(machine, examine(machine, setup))
    restarts.need(installation, services_of(change.name for change in changes))
    mend(machine, setup, by=BY)


def _restore(installation: Installation, name: str) -> None:
    ledger = Ledger(installation.machine)
    restarts.need(installation, services_of(ledger.names(name)))
    _say_undone(installation, ledger.undo(name))


def _say_undone(installation: Installation, undone: Iterable[Undone]) -> None:
    for each in undone:
        if each.copy is not None:
            installation.todo.append(
                f"{each.name} was changed by somebody since and stays as it is; as it was before: {each.copy}"
            )
        elif not each.is_restored:
            installation.todo.append(
                f"{each.name} was changed by somebody since: only our lines were taken out."
            )
