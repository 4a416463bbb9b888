"""Tasks at the same moment, for tests of what may happen in any order."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from workbench.processes import PATIENCE

_T = TypeVar("_T")


def at_once(tasks: Sequence[Callable[[], _T]]) -> list[_T]:
    """Runs all at the same moment, each in a thread of its own; returns their results."""
    together = Barrier(len(tasks))

    def run(task: Callable[[], _T]) -> _T:
        together.wait(PATIENCE)
        return task()

    with ThreadPoolExecutor(len(tasks)) as threads:
        return list(threads.map(run, tasks))
