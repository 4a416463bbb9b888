"""Restarts Prosody and jicofo after changes of their files, if that was asked for: it ends running meetings.

What waits is noted with the moment, before the files change: so a later run, also after a kill in between,
knows whether somebody has restarted it since.
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from authbridge.installation.steps import Installation, SystemAction
from authbridge.installation.system import ProgramFailedError
from authbridge.machine.mending import is_reloaded, reload_service

_KIND = "restarts"


AFTER_UNDO = "Now, or nobody can log in, for the service is gone (this ends running meetings):\n{command}"
_AFTER_ROLLBACK = (
    "When no meeting is on (this ends running ones); until then files of the newer release are in use:\n"
    "{command}"
)
_AFTER_INSTALLATION = (
    "When no meeting is on (this ends running ones); until then guests may be refused:\n"
    "{command}\n"
    "and then deploy/install once more: one thing shows only in a Prosody that runs with our module."
)


def need(installation: Installation, services: Sequence[str]) -> None:
    """Notes that these services have to read their files again, as of now."""
    for service in services:
        installation.record.note(_KIND, f"{service} {time.time():.0f}")


def give(installation: Installation, words: str = _AFTER_INSTALLATION) -> Iterator[SystemAction]:
    """Restarts what waits for it, or says how; reloads what can be reloaded."""
    system = installation.system
    noted = _noted(installation)
    waiting = sorted(
        {
            service
            for service, since in noted
            if not is_reloaded(service) and system.started_at(service) <= since
        }
    )
    if reloaded := sorted({service for service, _ in noted if is_reloaded(service)}):
        yield SystemAction(f"Reload {' and '.join(reloaded)}.", partial(_reload, installation, reloaded))
    if not waiting:
        return
    command = f"systemctl restart {' '.join(waiting)}"
    if installation.options.restart and system.is_booted:
        yield SystemAction(
            f"{command}   (this ends running meetings)", partial(_restart, installation, waiting)
        )
        return
    installation.todo.append(words.format(command=command))


def give_after_rollback(installation: Installation) -> Iterator[SystemAction]:
    """Restarts what waits for it on the way back to a former program, or says how."""
    yield from give(installation, _AFTER_ROLLBACK)


def give_again(installation: Installation) -> Iterator[SystemAction]:
    """Restarts what has changed after the restart."""
    if installation.restarted:
        yield from give(installation)


def _noted(installation: Installation) -> list[tuple[str, float]]:
    pairs = (noted.split(" ") for noted in installation.record.names(_KIND))
    return [(service, float(since)) for service, since in pairs]


def _reload(installation: Installation, services: Sequence[str]) -> None:
    for service in services:
        reload_service(installation.machine, service)
    _forget(installation, services)


def _restart(installation: Installation, services: Sequence[str]) -> None:
    for service in services:
        try:
            installation.system.systemctl("restart", service)
        except ProgramFailedError as error:
            installation.todo.append(f"{service} could not be restarted: {error}")
        else:
            installation.restarted.append(service)
    if "prosody" in installation.restarted:
        # What shows only in a running Prosody is looked for next.
        installation.system.await_listening("prosody")
    _forget(installation, services)


def _forget(installation: Installation, services: Sequence[str]) -> None:
    for noted in installation.record.names(_KIND):
        if noted.split(" ")[0] in services:
            installation.record.forget(_KIND, noted)
