"""What the kernel says about a process: processor time and memory."""

import asyncio
import os
import time
from pathlib import Path

from workbench.processes import children_of

_IDLE = 0.02  # of a processor: what a service takes while nobody asks
_TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds
_START = 19  # place of the moment of the start in what follows the name in stat, see proc(5)


def processor_time(pid: int) -> float:
    """Returns the seconds of a processor that the process and its children have used up so far."""
    return sum(map(_own_time, [pid, *children_of(pid)]))


def resident(pid: int) -> float:
    """Returns its resident memory in MB, without that of its children."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def resident_of_all(pid: int) -> float:
    """Returns the resident memory of it and of its children in MB; what they share is counted in each."""
    return sum(map(resident, [pid, *children_of(pid)]))


async def until_idle(pid: int) -> None:
    """Waits for the end of what a start brings: deletion, tables that are written anew, counted logins."""
    spent = 0.0
    while (now := processor_time(pid)) - spent > _IDLE:
        spent = now
        await asyncio.sleep(1)


def age(pid: int) -> float:
    """Returns for how many seconds it has run, suspends of the machine included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(_stat(pid)[_START]) * _TICK


def _own_time(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) * _TICK


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
