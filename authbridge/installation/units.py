"""Writes the program's own files into the system (command, systemd units and so on), and starts the services.

A unit is enabled by a symbolic link, as ``systemctl enable`` makes it; so the ledger takes that back as well.
"""

import re
import time
from collections.abc import Iterator
from functools import partial
from urllib.request import urlopen

from authbridge.installation.steps import Installation, InstallationError, SystemAction, in_words
from authbridge.machine.files import Change, PlannedChanges
from authbridge.machine.ledger import Ledger
from authbridge.machine.login_page import SERVICE, SOCKET

SERVICES = ("authbridge-api.service", "authbridge-panel.service", SERVICE)

_SYSTEMD = "/etc/systemd/system"
_ALWAYS = (
    "authbridge-api.socket",
    "authbridge-api.service",
    "authbridge-backup.timer",
    "authbridge-backup.service",
    "authbridge-doctor.timer",
    "authbridge-doctor.service",
    "authbridge-synthetic-login.timer",
    "authbridge-synthetic-login.service",
)
_OF_PANEL = ("authbridge-panel.socket", "authbridge-panel.service")
_OF_PAGE = (SOCKET, SERVICE)  # there for `authbridge page on`, which starts them
_STARTED = re.compile(r"\.socket|\.timer|(api|panel)\.service")
_WANTED_BY = re.compile(r"(?m)^WantedBy=(\S+)$")
_PATIENCE = 30.0  # seconds until the service answers; a slow machine needs 5
_LOOK = 0.5  # seconds


def write(installation: Installation) -> Iterator[SystemAction]:
    """Writes what differs from the program's own texts."""
    if changes := _planned(installation):
        yield SystemAction(
            f"Write the command, the systemd units and their links:{in_words(changes)}",
            partial(_write, installation, changes),
        )


def start(installation: Installation) -> Iterator[SystemAction]:
    """Starts what does not run, and waits until the service answers.

    Raises:
        InstallationError: It does not.
    """
    system = installation.system
    if not system.is_booted:
        if installation.machine.is_live:
            installation.todo.append("systemd does not run here (a chroot?): nothing was started.")
        return
    idle = [unit for unit in _units(installation) if _STARTED.search(unit) and not system.is_active(unit)]
    if idle:
        yield SystemAction(f"systemctl start {' '.join(idle)}", partial(system.systemctl, "start", *idle))
    if not _answers(installation):
        yield SystemAction("Wait until the service answers.", partial(_wait, installation))


def take_back(installation: Installation) -> Iterator[SystemAction]:
    """Stops the services and takes the files back."""
    system = installation.system
    units = [*_ALWAYS, *_OF_PANEL, *_OF_PAGE]
    if running := [unit for unit in units if system.is_active(unit)]:
        yield SystemAction(f"systemctl stop {' '.join(running)}", partial(system.systemctl, "stop", *running))
    # Also where the ledger holds nothing of that name: it then removes what an interrupted run has left.
    if names := installation.record.names("ledgers"):
        words = "Take the command, the systemd units and their links back."
        yield SystemAction(words, partial(_take_back, installation, list(reversed(names))))


def take_back_files_of(installation: Installation, folder: str) -> None:
    """Takes back what was written when that program was put in force."""
    _take_back(installation, [_by(folder)])


def _planned(installation: Installation) -> list[Change]:
    plan = PlannedChanges(installation.machine)
    deploy = installation.clone / "deploy"
    plan.write("/usr/local/bin/authbridge", (deploy / "authbridge").read_text(encoding="utf-8"), mode=0o755)
    plan.write("/etc/tmpfiles.d/authbridge.conf", (deploy / "tmpfiles.conf").read_text(encoding="utf-8"))
    for unit in (*_units(installation), *_OF_PAGE):
        text = (deploy / "systemd" / unit).read_text(encoding="utf-8")
        plan.write(f"{_SYSTEMD}/{unit}", text)
        for target in () if unit in _OF_PAGE else _WANTED_BY.findall(text):
            plan.link(f"{_SYSTEMD}/{target}.wants/{unit}", f"{_SYSTEMD}/{unit}")
    return list(plan.changes())


def _units(installation: Installation) -> tuple[str, ...]:
    return _ALWAYS + (_OF_PANEL if installation.has_panel else ())


def _by(folder: str) -> str:
    return f"program {folder}"


def _write(installation: Installation, changes: list[Change]) -> None:
    by = _by(installation.folder)
    installation.record.note("ledgers", by)
    Ledger(installation.machine).apply(changes, by=by)
    installation.system.systemctl("daemon-reload")


def _take_back(installation: Installation, names: list[str]) -> None:
    machine, ledger = installation.machine, Ledger(installation.machine)
    for name in names:
        for undone in ledger.undo(name):
            if undone.copy is not None:
                installation.todo.append(
                    f"{undone.name} was changed by somebody since and stays; as it was before: {undone.copy}"
                )
        if not ledger.holds(name):
            installation.record.forget("ledgers", name)
    installation.system.systemctl("daemon-reload")
    # Those of an installation by hand are there again.
    units = [unit for unit in (*_ALWAYS, *_OF_PANEL) if machine.path(f"{_SYSTEMD}/{unit}").exists()]
    if installation.record.names("by-hand") and units:
        installation.todo.append(f"Start the former services: systemctl start {' '.join(units)}")


def _wait(installation: Installation) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not _answers(installation):
        if time.monotonic() > deadline:
            raise InstallationError("The service does not answer: journalctl -u authbridge-api says why.")
        time.sleep(_LOOK)


def _answers(installation: Installation) -> bool:
    url = f"{installation.setup().api_url}/readyz"
    try:
        with urlopen(url, timeout=_PATIENCE) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.read(1))
    except OSError:
        return False
