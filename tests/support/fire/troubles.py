"""One fault, and the ways to break a part for a while."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.link import Link
from workbench.processes import Process, children_of


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault: ``cause`` breaks something when entered, and leaves the rest to :meth:`World.heal`."""

    what: str
    cause: Callable[[], contextlib.AbstractContextManager[None]]
    longest: float = 4.0  # seconds
    node: str = ""


def tree_of(process: Process) -> list[int]:
    """Returns its id and those of its children; none if another fault has killed it."""
    return tree(process.pid if process.is_running else None)


def tree(pid: int | None) -> list[int]:
    """Returns that id and those of its children."""
    return [] if pid is None else [pid, *children_of(pid)]


@contextmanager
def killed(kill: Callable[[], None]) -> Iterator[None]:
    """Kills something, which :meth:`World.heal` starts again."""
    kill()
    yield


@contextmanager
def frozen(pids: Sequence[int]) -> Iterator[None]:
    """Lets these processes do nothing."""
    for pid in pids:
        send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            send(pid, signal.SIGCONT)


def send(pid: int, number: signal.Signals) -> None:
    """Sends a signal to a process, if it still runs."""
    with contextlib.suppress(ProcessLookupError):  # another fault was faster
        os.kill(pid, number)


@contextmanager
def held(link: Link) -> Iterator[None]:
    """Lets nothing through."""
    link.cut()
    try:
        yield
    finally:
        link.mend()


@contextmanager
def dropped(links: Sequence[Link]) -> Iterator[None]:
    """Ends the connections that are open; new ones work."""
    for link in links:
        link.drop()
    yield
