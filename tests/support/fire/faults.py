"""What is broken, for how long, and how it is mended."""

import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.support.fire.shifted_clock import ShiftedClock
from tests.support.fire.world import World
from tests.support.link import Link
from workbench.processes import Process, children_of
from workbench.prosody import Prosody
from workbench.service import Service

_JUMPS = {600: "10 minutes ahead", -600: "10 minutes back", 172_800: "2 days ahead", -172_800: "2 days back"}
_BLOCK = 1024 * 1024  # bytes, with which the disk is filled


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault: ``cause`` breaks something when entered, and leaves the rest to :meth:`World.heal`."""

    what: str
    cause: Callable[[], contextlib.AbstractContextManager[None]]
    longest: float = 4.0  # seconds
    node: str = ""


def troubles_of(world: World) -> list[Trouble]:
    """Returns every fault that can be made in that world."""
    found = [
        Trouble("kill the panel", lambda: _killed(world.panel.kill)),
        Trouble("freeze the panel", lambda: _frozen(_tree_of(world.panel.process))),
        Trouble("kill PostgreSQL", lambda: _killed(world.postgres.kill)),
        Trouble("freeze PostgreSQL", lambda: _frozen(_tree_of(world.postgres.process))),
        Trouble("cut all connections to the database", lambda: _dropped(world.to_database)),
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
    yield Trouble(f"kill {name}", lambda: _killed(service.kill))
    yield Trouble(f"kill the worker of {name}", lambda: _signalled(service, signal.SIGKILL))
    yield Trouble(f"stop {name}", lambda: _killed(service.stop))
    yield Trouble(f"freeze {name}", lambda: _frozen(_tree(service.main_pid)), longest=8)
    yield Trouble(f"hold back what goes to {name}", lambda: _held(world.to_services[number]), longest=8)
    yield Trouble(f"cut what goes to {name}", lambda: _dropped([world.to_services[number]]))
    yield Trouble(f"hold back what {name} asks the database", lambda: _held(world.to_database[number]))
    for seconds, words in _JUMPS.items():
        yield Trouble(
            f"let the clock of {name} jump {words}",
            partial(_shifted, world.clocks[number], seconds),
            longest=8,
        )


def _of_prosody(prosody: Prosody) -> Iterator[Trouble]:
    name = f"Prosody {prosody.version}"
    yield Trouble(f"kill {name}", lambda: _killed(prosody.kill), node=prosody.version)
    yield Trouble(f"freeze {name}", lambda: _frozen(_tree_of(prosody.process)), node=prosody.version)


def some(troubles: Sequence[Trouble], chance: Random) -> list[Trouble]:
    """Draws one fault, or two or three at once."""
    return chance.sample(troubles, chance.choices([1, 2, 3], [6, 3, 1])[0])


def _tree_of(process: Process) -> list[int]:
    return _tree(process.pid if process.is_running else None)  # another fault may have killed it


def _tree(pid: int | None) -> list[int]:
    return [] if pid is None else [pid, *children_of(pid)]


@contextmanager
def _killed(kill: Callable[[], None]) -> Iterator[None]:
    kill()
    yield


@contextmanager
def _signalled(service: Service, number: signal.Signals) -> Iterator[None]:
    for pid in _tree(service.main_pid)[1:]:
        _send(pid, number)
    yield


@contextmanager
def _frozen(pids: Sequence[int]) -> Iterator[None]:
    for pid in pids:
        _send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            _send(pid, signal.SIGCONT)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # another fault was faster
        os.kill(pid, number)


@contextmanager
def _held(link: Link) -> Iterator[None]:
    link.cut()
    try:
        yield
    finally:
        link.mend()


@contextmanager
def _dropped(links: Sequence[Link]) -> Iterator[None]:
    for link in links:
        link.drop()
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
