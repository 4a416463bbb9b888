"""Tells whether the machine ran: a process that only sleeps notes how late it was woken each time.

A promise in real time can only be judged while the machine runs.  As a program, this module is that process.
"""

import contextlib
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from operator import sub
from pathlib import Path

from workbench.processes import PATIENCE, Process

_NAP = 0.05  # seconds
_SPAN = 1.0  # seconds

_NOTES = "notes"  # the name of its file

_CALM = 5.0  # seconds without a stall, and the machine counts as calm


@dataclass(frozen=True, slots=True)
class Limits:
    """What a machine stays far below that does nothing but our tests.

    ``once`` is how many seconds a nap may last too long, the others are parts of the time: ``late`` lost by
    all naps together, as where somebody has only a share of a processor, ``stolen`` of the processors' time,
    given to others by the host, ``throttled`` for which processors were denied to all of us, for we had our
    share, ``blocked`` in which all that would run waited for the disk.
    """

    once: float
    late: float
    stolen: float
    throttled: float
    blocked: float


ALONE = Limits(once=0.25, late=0.25, stolen=0.25, throttled=0.25, blocked=0.6)
"""For one test at a time, however busy it keeps the machine."""

CROWDED = Limits(once=1.0, late=math.inf, stolen=math.inf, throttled=math.inf, blocked=0.9)
"""For many at a time, which keep each other waiting, but never for a second."""


@dataclass(frozen=True, slots=True)
class Span:
    """About a second of the machine; ``began`` and ``ended`` are by the clock ``time.monotonic``.

    In seconds: ``latest`` is how late it was woken at worst, ``late`` all such together, ``stolen`` what each
    processor lost to other guests of its host on the average, ``throttled`` what all of them together were
    denied, ``blocked`` when everybody waited for the disk.
    """

    began: float
    ended: float
    latest: float = 0.0
    late: float = 0.0
    stolen: float = 0.0
    throttled: float = 0.0
    blocked: float = 0.0


def stall_in(spans: Iterable[Span], limits: Limits = ALONE) -> str:
    """Returns what kept the machine from running, in words; "" if it ran."""
    in_order = sorted(spans, key=lambda span: -span.latest)
    return next(filter(None, (_stall_of(span, limits) for span in in_order)), "")


def _stall_of(span: Span, limits: Limits) -> str:
    length = span.ended - span.began
    if span.latest > limits.once:
        return f"a nap of {_NAP} s lasted {span.latest:.1f} s too long"
    for words, lost, allowed in (
        ("too late to wake up", span.late, limits.late),
        ("given to others by the host", span.stolen, limits.stolen),
        ("denied, for we had our share", span.throttled, limits.throttled),
        ("waiting for the disk", span.blocked, limits.blocked),
    ):
        if lost > allowed * length:
            return f"{lost:.1f} s of {length:.1f} s {words}"
    return ""


class MachineMonitor:
    """Starts that process, and reads its notes."""

    def __init__(self, limits: Limits = ALONE) -> None:
        self._limits = limits
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: Process | None = None

    def begin(self) -> float:
        """Starts the process, unless it runs already; returns the present moment of ``time.monotonic``."""
        if self._process is None or self._folder is None:
            self._folder = tempfile.TemporaryDirectory()
            # -P: started in tests/, Python would else take our folder "http" for its own module.
            program = [sys.executable, "-P", "-m", __name__, self._folder.name]
            self._process = Process(program, log=Path(self._folder.name, "log"))
            self._process.start()
        return time.monotonic()

    def stall_since(self, began: float) -> str:
        """Returns what kept the machine from running since that moment; "" if it ran or was not watched."""
        now = time.monotonic()
        spans = self._spans()
        while (
            self._process is not None and self._process.is_running and not (spans and spans[-1].ended > now)
        ):
            if time.monotonic() > now + PATIENCE:
                return f"the monitor itself did not run for {PATIENCE:.0f} s"
            time.sleep(_NAP)
            spans = self._spans()
        return stall_in((span for span in spans if span.ended > began), self._limits)

    def await_calm(self) -> None:
        """Returns when the machine has run for five seconds, or after ``PATIENCE``."""
        began = calm_since = time.monotonic()
        while time.monotonic() < min(began + PATIENCE, calm_since + _CALM):
            if self.stall_since(calm_since):
                calm_since = time.monotonic()

    def stop(self) -> None:
        """Ends the process and removes its notes."""
        if self._process is not None:
            self._process.kill()
        if self._folder is not None:
            self._folder.cleanup()

    def _spans(self) -> list[Span]:
        notes = Path(self._folder.name, _NOTES) if self._folder is not None else None
        if notes is None or not notes.exists():
            return []
        complete, _, _ = notes.read_text().rpartition("\n")
        return [Span(*map(float, line.split())) for line in complete.splitlines()]


def _watch() -> Iterator[Span]:
    began, lost = time.monotonic(), _lost()
    while True:
        naps = list(_naps(began + _SPAN))
        ended, lost_by_then = time.monotonic(), _lost()
        yield Span(began, ended, max(naps), sum(naps), *map(sub, lost_by_then, lost))
        began, lost = ended, lost_by_then


def _naps(until: float) -> Iterator[float]:
    """Yields how many seconds too long each nap was."""
    now = time.monotonic()
    while now < until:
        time.sleep(_NAP)
        woken = time.monotonic()
        yield woken - now - _NAP
        now = woken


def _lost() -> list[float]:
    """Returns what the kernel counts, in seconds and in the order of :class:`Span`; else 0."""
    return [_stolen(), _throttled(), _blocked()]


def _stolen() -> float:
    words = _read("/proc/stat").split(maxsplit=9)
    return float(words[8]) / os.sysconf("SC_CLK_TCK") / (os.cpu_count() or 1) if len(words) > 8 else 0.0


def _throttled() -> float:
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers in {"", "cpu", "cpu,cpuacct"}:
            told = dict(
                each.split() for each in _read(f"/sys/fs/cgroup/{controllers}{group}/cpu.stat").splitlines()
            )
            if "throttled_usec" in told or "throttled_time" in told:
                return float(told.get("throttled_usec", 0)) / 1e6 + float(told.get("throttled_time", 0)) / 1e9
    return 0.0


def _blocked() -> float:
    return float(_read("/proc/pressure/io").rpartition("total=")[2] or 0) / 1e6


def _read(path: str) -> str:
    with contextlib.suppress(OSError):
        return Path(path).read_text()
    return ""


def main() -> None:
    """Writes a line for each span, until the parent process has ended."""
    parent = os.getppid()
    with Path(sys.argv[1], _NOTES).open("a", buffering=1) as notes:
        for span in _watch():
            if os.getppid() != parent:
                return
            notes.write(" ".join(map(str, astuple(span))) + "\n")


if __name__ == "__main__":
    main()
