"""What is broken, for how long, and how it is mended."""

import errno
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from random import Random

from tests.support.fire.shifted_clock import ShiftedClock
from tests.support.fire.troubles import Trouble, dropped, frozen, held, killed, send, tree, tree_of
from tests.support.fire.world import World
from workbench.prosody import Prosody
from workbench.service import Service

_JUMPS = {600: "10 minutes ahead", -600: "10 minutes back", 172_800: "2 days ahead", -172_800: "2 days back"}
_BLOCK = 1024 * 1024  # bytes, with which the disk is filled


def troubles_of(world: World) -> list[Trouble]:
    """Returns every fault that can be made in that world."""
    found = [
        Trouble("kill the panel", lambda: killed(world.panel.kill)),
        Trouble("freeze the panel", lambda: frozen(tree_of(world.panel.process))),
        *world.store.troubles,
    ]
    if os.geteuid() == 0:
        found.append(Trouble("fill the disk of the database", lambda: _full(world)))
    for number, service in enumerate(world.services):
        found += _of_service(world, number, service)
    for prosody in world.prosodys:
        found += _of_prosody(prosody)
    return found


def _of_service(world: World, number: int, service: Service) -> Iterator[Trouble]:
    name = f"service {number + 1}"
    yield Trouble(f"kill {name}", lambda: killed(service.kill))
    yield Trouble(f"kill the worker of {name}", lambda: _signalled(service, signal.SIGKILL))
    yield Trouble(f"stop {name}", lambda: killed(service.stop))
    yield Trouble(f"freeze {name}", lambda: frozen(tree(service.main_pid)), longest=8)
    yield Trouble(f"hold back what goes to {name}", lambda: held(world.to_services[number]), longest=8)
    yield Trouble(f"cut what goes to {name}", lambda: dropped([world.to_services[number]]))
    for seconds, words in _JUMPS.items():
        yield Trouble(
            f"let the clock of {name} jump {words}",
            partial(_shifted, world.clocks[number], seconds),
            longest=8,
        )


def _of_prosody(prosody: Prosody) -> Iterator[Trouble]:
    name = f"Prosody {prosody.version}"
    yield Trouble(f"kill {name}", lambda: killed(prosody.kill), node=prosody.version)
    yield Trouble(f"freeze {name}", lambda: frozen(tree_of(prosody.process)), node=prosody.version)


def some(troubles: Sequence[Trouble], chance: Random) -> list[Trouble]:
    """Draws one fault, or two or three at once."""
    return chance.sample(troubles, chance.choices([1, 2, 3], [6, 3, 1])[0])


@contextmanager
def _signalled(service: Service, number: signal.Signals) -> Iterator[None]:
    for pid in tree(service.main_pid)[1:]:
        send(pid, number)
    yield


@contextmanager
def _shifted(clock: ShiftedClock, seconds: int) -> Iterator[None]:
    clock.shift(seconds)
    try:
        yield
    finally:
        clock.shift(0)


@contextmanager
def _full(world: World) -> Iterator[None]:
    filler = world.disk / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                file.write(b"\0" * _BLOCK)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    try:
        yield
    finally:
        filler.unlink()
