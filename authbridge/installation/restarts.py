"""Restarts Prosody and jicofo after changes of their files, if that was asked for: it ends running meetings.

What waits for a restart is noted with the moment: a later run knows whether somebody has given it since.
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from authbridge.installation.steps import Installation, SystemAction
from authbridge.installation.system import ProgramFailedError

_KIND = "restarts"


def need(installation: Installation, services: Sequence[str]) -> None:
    """Notes that these services have to be restarted, as of now."""
    for service in services:
        installation.record.note(_KIND, f"{service} {time.time():.0f}")


def give(installation: Installation) -> Iterator[SystemAction]:
    """Restarts what waits for it, or says how."""
    system = installation.system
    waiting = sorted(
        {service for service, since in _noted(installation) if system.started_at(service) < since}
    )
    if not waiting:
        return
    command = f"systemctl restart {' '.join(waiting)}"
    if installation.options.restart and system.is_booted:
        yield SystemAction(
            f"{command}   (this ends running meetings)", partial(_restart, installation, waiting)
        )
        return
    installation.todo.append(
        "When no meeting is on (this ends running ones); until then guests may be refused:\n"
        f"{command}\n"
        "and then deploy/install once more: one thing shows only in a Prosody that runs with our module."
    )


def give_again(installation: Installation) -> Iterator[SystemAction]:
    """Restarts what has changed after the restart."""
    if installation.restarted:
        yield from give(installation)


def _noted(installation: Installation) -> list[tuple[str, float]]:
    pairs = (noted.split(" ") for noted in installation.record.names(_KIND))
    return [(service, float(since)) for service, since in pairs]


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
    for noted in installation.record.names(_KIND):
        installation.record.forget(_KIND, noted)
